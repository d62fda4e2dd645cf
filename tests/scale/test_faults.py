"""Databases that stop, hang and come back: clear refusals meanwhile, and all as before after it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.console.visitor import PASSWORD
from tests.scale.conftest import is_in, log_in, may_call, wait_for

CALM = (200, 204, 303, 401, 429)


@pytest.fixture
def stores(private_service):
    return private_service("postgres"), private_service("redis")


def variables(postgres, redis):
    return {
        "ZENITH_DATABASE__URL": postgres.url,
        "ZENITH_REDIS__URL": redis.url,
        "ZENITH_DATABASE__CONNECT_TIMEOUT": "1",
        "ZENITH_DATABASE__STATEMENT_TIMEOUT": "2",
        "ZENITH_REDIS__CONNECT_TIMEOUT": "0.5",
        "ZENITH_REDIS__COMMAND_TIMEOUT": "0.5",
    }


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


def test_postgres_stops_hangs_and_comes_back(start, stores):
    postgres, redis = stores
    server = start(variables(postgres, redis))
    visitor = server.visitor().join("calm@example.org")
    token = log_in(server, "calm@example.org")["access_token"]
    assert 503 not in hold_on(server, visitor, token, 0.1)

    postgres.kill()
    assert 503 in hold_on(server, visitor, token, 2)
    assert server.program().get("/readyz").status_code == 503
    assert server.program().get("/healthz").status_code == 200
    postgres.revive()
    wait_for(lambda: server.program().get("/readyz").status_code == 200, 15)
    wait_for(lambda: is_in_now(visitor), 5)
    assert may_call(server, token)
    assert server.visitor().sign_in("calm@example.org").status_code == 303

    postgres.pause()
    assert 503 in hold_on(server, visitor, token, 1)
    postgres.resume()
    wait_for(lambda: server.program().get("/readyz").status_code == 200, 15)
    wait_for(lambda: is_in_now(visitor), 5)
    assert 503 not in hold_on(server, visitor, token, 0.1)


def test_redis_stops_hangs_and_comes_back(start, stores):
    postgres, redis = stores
    server, other = (start(variables(postgres, redis)) for _ in range(2))
    visitor = server.visitor().join("calm@example.org")
    token = log_in(server, "calm@example.org")["access_token"]
    for hurt, heal in ((redis.kill, redis.revive), (redis.pause, redis.resume)):
        hurt()
        hold_on(server, visitor, token, 1.5)
        assert server.program().get("/healthz").status_code == 200
        # The end of a sign-in reaches the other server without Redis, through the database.
        ended = log_in(server, "calm@example.org")["access_token"]
        assert may_call(other, ended)
        program = server.program(Authorization=f"Bearer {ended}")
        assert program.post("/auth/logout").status_code == 204
        wait_for(lambda ended=ended: not may_call(other, ended), 3)
        heal()
        wait_for(lambda: server.program().get("/readyz").status_code == 200, 10)
        wait_for(lambda: is_in_now(visitor), 5)
        again = log_in(server, "calm@example.org")["access_token"]
        assert may_call(other, again)
        server.program(Authorization=f"Bearer {again}").post("/auth/logout")
        wait_for(lambda again=again: not may_call(other, again), 3)


def is_in_now(visitor):
    answer = visitor.get("/account/", follow_redirects=False)
    return answer.status_code != 503 and is_in(visitor)


def test_nothing_is_served_without_a_database(services, tmp_path, free_port, private_service):
    from tests.scale.conftest import EASY, SERVE
    from tests.services import ServiceError

    port = free_port()
    env = {
        **EASY,
        "ZENITH_HOME": str(tmp_path),
        "ZENITH_DATABASE__URL": "postgresql://zenith:h1dden@127.0.0.1:1/zenith",
        "PORT": str(port),
    }
    with pytest.raises(ServiceError) as ended:
        services.command(SERVE, port=port, env=env)
    assert "error: no answer from database" in str(ended.value)
    assert "Traceback" not in str(ended.value)
    assert "h1dden" not in str(ended.value)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/")
