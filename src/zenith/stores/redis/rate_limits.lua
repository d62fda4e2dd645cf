-- Charges several limits in one step, by the server's clock. The same arithmetic as
-- zenith.rate_limits.strategies, with the state written as text: all numbers stay below 2^53.
--
-- KEYS  per hit: where the state of that limit and client lies; one client's keys share a slot.
-- ARGV  per hit: strategy (f, s, l or t), requests, window in ms, cost, with spaces between, and a
--       p behind them where as much as is left is charged if the cost is more.
-- Returns per hit: 1 or 0 (admitted or not), remaining, reset after ms, retry after ms.
-- All hits are charged, or none.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local floor, ceil, max, min, find = math.floor, math.ceil, math.max, math.min, string.find
local sub, format = string.sub, string.format

local function fixed(state, limit, window, cost)
  local index, used, rest = floor(now / window), 0, window - now % window
  if state then
    local _, _, then_index, count = find(state, '^(%d+):(%d+)$')
    local ahead = then_index - index
    if ahead == 0 or ahead == 1 then used = tonumber(count) end
    -- The clock went back a little: what was counted there stands there.
    if ahead == 1 then index, rest = index + 1, rest + window end
  end
  if used + cost > limit then return nil, limit - used, rest, rest end
  used = used + cost
  -- Up to sixteen digits; a plain conversion keeps fourteen.
  return format('%.0f:%.0f', index, used), limit - used, rest, 0
end

local function sliding(state, limit, window, cost)
  local index, weight = floor(now / window), window - now % window
  local previous, current, back = 0, 0, 0
  if state then
    local _, _, then_index, before, count = find(state, '^(%d+):(%d+):(%d+)$')
    local ahead = then_index - index
    if ahead == 0 or ahead == 1 then
      previous, current = tonumber(before), tonumber(count)
      -- The clock went back a little: as if that window had just begun.
      if ahead == 1 then index, weight, back = index + 1, window, weight end
    elseif ahead == -1 then
      previous = tonumber(count)
    end
  end
  local after = current + cost
  local free = (limit - after) * window - previous * weight
  if free < 0 then
    local room, retry = limit - cost, window
    if room >= 0 and current <= room then
      retry = weight - floor((room - current) * window / previous)
    elseif room >= 0 then
      retry = weight + window - floor(room * window / current)
    end
    local reset = weight
    if current > 0 then reset = weight + window end
    return nil, max(floor((free + cost * window) / window), 0), reset + back, retry + back
  end
  local reset = weight + window + back
  return index .. ':' .. previous .. ':' .. after, floor(free / window), reset, 0
end

-- Debt in 1/requests ms, and the time it was written down: their difference stays exact.
local function bucket(state, limit, window, cost)
  local capacity, debt = limit * window, 0
  if state then
    local _, _, owed, at = find(state, '^(%d+):(%d+)$')
    debt = owed - (now - at) * limit
    if debt < 0 then
      debt = 0
    elseif debt > 2 * capacity then
      debt = 0
    elseif debt > capacity then
      debt = capacity
    end
  end
  local after = debt + cost * window
  local free = capacity - after
  if free < 0 then
    local retry = window
    if cost <= limit then retry = ceil(-free / limit) end
    return nil, floor((capacity - debt) / window), ceil(debt / limit), retry
  end
  -- Up to sixteen digits; a plain conversion keeps fourteen.
  return format('%.0f:%.0f', after, now), floor(free / window), ceil(after / limit), 0
end

-- Entries of 18 digits, the oldest first: a time and the running total of costs. The first entry
-- has expired; the totals of the others are read against its own.
local function log(state, limit, window, cost)
  state = state or '000000000000000000'
  local function time_of(i) return tonumber(sub(state, i * 18 + 1, i * 18 + 14)) end
  local function total_of(i) return tonumber(sub(state, i * 18 + 15, i * 18 + 18)) end
  local size = #state / 18
  local newest = time_of(size - 1)
  if newest - now > window then
    state, size, newest = '000000000000000000', 1, 0
  end
  local first, past = 1, size
  while first < past do
    local middle = floor((first + past) / 2)
    if time_of(middle) <= now - window then first = middle + 1 else past = middle end
  end
  local base, last = total_of(first - 1), total_of(size - 1)
  local used = (last - base) % 10000
  local free = limit - used - cost
  if free < 0 then
    local retry, reset = window, 0
    if used > 0 then reset = newest + window - now end
    if cost <= limit then
      local at, till = first, size - 1
      while at < till do
        local middle = floor((at + till) / 2)
        if (total_of(middle) - base) % 10000 < -free then at = middle + 1 else till = middle end
      end
      retry = time_of(at) + window - now
    end
    return nil, limit - used, reset, retry
  end
  local at, keep = max(now, newest), size
  if at == newest and first < size then keep = size - 1 end
  local entry = format('%014.0f%04.0f', at, (last + cost) % 10000)
  return sub(state, (first - 1) * 18 + 1, keep * 18) .. entry, free, at + window - now, 0
end

local strategies = { f = fixed, s = sliding, l = log, t = bucket }
local answer, states, expiries, admitted = {}, {}, {}, true
for i = 1, #KEYS do
  local key = KEYS[i]
  local _, _, name, limit, window, cost, part = find(ARGV[i], '^(%a) (%d+) (%d+) (%d+)(p?)$')
  local strategy, state = strategies[name], states[key] or redis.call('GET', key)
  limit, window = tonumber(limit), tonumber(window)
  -- What is more than the limit is refused the same way, but would leave the exact numbers.
  cost = min(tonumber(cost), limit + 1)
  local after, remaining, reset, retry = strategy(state, limit, window, cost)
  if not after and part == 'p' then
    if remaining > 0 then
      after, remaining, reset, retry = strategy(state, limit, window, remaining)
    else
      retry = 0
    end
  end
  if after then
    -- A second more than needed: forgetting must never be ahead of the arithmetic.
    states[key], expiries[key] = after, reset + 1000
  elseif part == '' then
    admitted = false
  end
  local n = #answer
  answer[n + 1] = (after or part == 'p') and 1 or 0
  answer[n + 2], answer[n + 3], answer[n + 4] = remaining, reset, retry
end
if admitted then
  for key, state in pairs(states) do redis.call('SET', key, state, 'PX', expiries[key]) end
end
return answer
