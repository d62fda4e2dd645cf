"""Databases that stop, hang and come back: clear refusals meanwhile, and all as before after it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from redis import Redis

from tests.console.visitor import PASSWORD
from tests.scale.fleet import NO_TLS, is_in, launch, log_in, may_call, wait_for
from zenith.stores.redis.revocations import CHANNEL

CALM = (200, 204, 303, 401, 429)


def calls(server, visitor, token):
    """One of each kind of request, all at once; what came of them."""
    body = {"email": "calm@example.org", "password": PASSWORD}
    program = server.program(Authorization=f"Bearer {token}")
    work = [
        lambda: visitor.get("/account/", follow_redirects=False),
        lambda: visitor.get("/admin/accounts", follow_redirects=False),
        lambda: visitor.get("/account/sign-in"),
        lambda: program.get("/auth/me"),
        lambda: program.get("/auth/sessions"),
        lambda: server.program().post("/auth/login", json=body),
        lambda: server.program().post("/auth/refresh", json={"refresh_token": "x" * 43}),
        lambda: server.program().get("/healthz"),
        lambda: server.program().get("/readyz"),
    ]
    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(one) for one in work]]


def hold_on(server, visitor, token, seconds):
    """Call until the time is over; every answer is calm or a 503 that says when to come again."""
    statuses = set()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for answer in calls(server, visitor, token):
            assert answer.status_code in (*CALM, 403, 503), (answer.url, answer.text)
            if answer.status_code == 503:
                assert int(answer.headers["retry-after"]) > 0
                assert "content-security-policy" in answer.headers
                assert "Traceback" not in answer.text
                assert "postgres" not in answer.text.lower()
            statuses.add(answer.status_code)
    return statuses


@pytest.mark.parametrize("pair", ["postgres alone"], indirect=True)
def test_postgres_hangs_and_goes_on(pair, postgres):
    server = pair.a
    visitor, email = pair.member()
    token = log_in(server, email)["access_token"]
    assert 503 not in hold_on(server, visitor, token, 0.1)
    postgres.pause()
    assert 503 in hold_on(server, visitor, token, 1)
    assert server.program().get("/readyz").status_code == 503
    assert server.program().get("/healthz").status_code == 200
    postgres.resume()
    wait_for(server.is_ready, 15)
    wait_for(lambda: is_in_now(visitor), 5)
    assert may_call(server, token)
    assert 503 not in hold_on(server, visitor, token, 0.1)


@pytest.mark.parametrize("pair", ["redis"], indirect=True)
def test_redis_stops_hangs_and_comes_back(pair, redis):
    server, other = pair.servers
    visitor, email = pair.member()
    token = log_in(server, email)["access_token"]
    for hurt, heal in ((redis.kill, redis.revive), (redis.pause, redis.resume)):
        hurt()
        hold_on(server, visitor, token, 1)
        assert server.program().get("/healthz").status_code == 200
        # The end of a sign-in reaches the other server without Redis, through the database.
        ended = log_in(server, email)["access_token"]
        assert may_call(other, ended)
        program = server.program(Authorization=f"Bearer {ended}")
        assert program.post("/auth/logout").status_code == 204
        wait_for(lambda ended=ended: not may_call(other, ended), 3)
        heal()
        wait_for(server.is_ready, 10)
        wait_for(lambda: is_in_now(visitor), 5)
        again = log_in(server, email)["access_token"]
        assert may_call(other, again)
        server.program(Authorization=f"Bearer {again}").post("/auth/logout")
        wait_for(lambda again=again: not may_call(other, again), 3)
    # And in the end through Redis again: both listen, with nobody's help.
    with Redis.from_url(redis.url) as client:
        wait_for(lambda: client.pubsub_numsub(CHANNEL)[0][1] == len(pair.servers), 15)


def is_in_now(visitor):
    answer = visitor.get("/account/", follow_redirects=False)
    return answer.status_code != 503 and is_in(visitor)


def test_nothing_is_served_without_a_database(preloaded, tmp_path):
    url = "postgresql://zenith:h1dden@127.0.0.1:1/zenith"
    server = launch(preloaded, tmp_path, {"ZENITH_DATABASE__URL": url})
    wait_for(lambda: not server.service.runs(), 30)
    log = server.service.log()
    assert "error: no answer from database" in log
    assert "Traceback" not in log
    assert "h1dden" not in log
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, verify=NO_TLS)
