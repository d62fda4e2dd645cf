-- Holds a place in each of several sorted sets, or in none, by the server's clock: members are
-- holders, scores the time in ms until which they hold.
--
-- KEYS  per slot: its set; one caller's sets share a slot of the cluster.
-- ARGV  what to do (take, keep or free), the holder, for how many ms; then, per slot, how many fit.
-- Returns 0, or the number of the first slot that is full.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local action, holder, length = ARGV[1], ARGV[2], tonumber(ARGV[3])

if action == 'take' then
  for i = 1, #KEYS do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
    if redis.call('ZCARD', KEYS[i]) >= tonumber(ARGV[3 + i]) then return i end
  end
end
for i = 1, #KEYS do
  if action == 'free' then
    redis.call('ZREM', KEYS[i], holder)
  else
    redis.call('ZADD', KEYS[i], now + length, holder)
    redis.call('PEXPIRE', KEYS[i], length)
  end
end
return 0
