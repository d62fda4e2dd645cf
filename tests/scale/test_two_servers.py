"""Two servers on one PostgreSQL, with Redis and without: what one ends, the other refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.console.visitor import PASSWORD
from tests.scale.conftest import new_database
from tests.scale.fleet import carry, is_in, log_in, may_call, wait_for, wait_until_ready


def test_a_session_is_everywhere_until_it_ends(pair):
    at_a, _ = pair.member()
    at_b = carry(at_a, pair.b)
    assert is_in(at_a)
    assert is_in(at_b)
    assert at_b.send("/account/sign-out", form="/account/").status_code == 303
    wait_for(lambda: not is_in(at_a), pair.patience)
    assert not is_in(at_b)


def test_signing_out_everywhere(pair):
    at_a, email = pair.member()
    other = pair.b.visitor()
    other.sign_in(email)
    tokens = log_in(pair.a, email)
    assert is_in(carry(other, pair.a))
    assert may_call(pair.b, tokens["access_token"])
    other.send("/account/sign-out-everywhere", form="/account/")
    wait_for(lambda: not is_in(at_a), pair.patience)
    wait_for(lambda: not may_call(pair.a, tokens["access_token"]), pair.patience)
    assert not may_call(pair.b, tokens["access_token"])


def test_tokens_end_with_their_sign_in(pair):
    _, email = pair.member()
    tokens = log_in(pair.a, email)
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    assert may_call(pair.a, access)
    assert may_call(pair.b, access)
    program = pair.b.program(Authorization=f"Bearer {access}")
    assert program.post("/auth/logout").status_code == 204
    wait_for(lambda: not may_call(pair.a, access), pair.patience)
    assert not may_call(pair.b, access)
    for server in (pair.a, pair.b):
        answer = server.program().post("/auth/refresh", json={"refresh_token": refresh})
        assert answer.status_code == 401


def test_a_refresh_token_is_spent_once_between_them(pair):
    _, email = pair.member()
    first = log_in(pair.a, email)

    def spend(number):
        server = (pair.a, pair.b)[number % 2]
        return server.program().post(
            "/auth/refresh", json={"refresh_token": first["refresh_token"]}
        )

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(spend, range(20)))
    assert {answer.status_code for answer in answers} <= {200, 401}
    successors = {a.json()["refresh_token"] for a in answers if a.status_code == 200}
    assert len(successors) == 1


def test_a_lock_reaches_all(pair):
    victim, email = pair.member(pair.b)
    tokens = log_in(pair.b, email)
    assert is_in(victim)
    assert may_call(pair.b, tokens["access_token"])
    admin = pair.a.visitor()
    admin.sign_in(pair.admin)
    page = admin.get("/admin/accounts", params={"search": email}).text
    action = page.split('/lock"')[0].rsplit('action="', 1)[1] + "/lock"
    assert "notice=locked" in admin.send(action, form="/account/").headers["location"]
    wait_for(lambda: not is_in(victim), pair.patience)
    wait_for(lambda: not may_call(pair.b, tokens["access_token"]), pair.patience)
    assert pair.b.visitor().sign_in(email).status_code == 401
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert pair.b.program().post("/auth/refresh", json=refresh).status_code == 401


def test_a_changed_password_ends_the_others_at_the_other_server(pair):
    at_a, email = pair.member()
    thief = pair.b.visitor()
    thief.sign_in(email)
    assert is_in(thief)
    new = "seven quiet lanterns sing"
    fields = {"current": PASSWORD, "new": new, "repeated": new}
    answer = at_a.send("/account/password", fields, form="/account/password")
    assert "password-changed" in answer.headers["location"]
    wait_for(lambda: not is_in(thief), pair.patience)
    assert is_in(carry(at_a, pair.b))


def test_when_one_dies_the_other_goes_on(pair):
    at_a, email = pair.member()
    assert is_in(at_a)
    pair.a.service.kill()
    at_b = carry(at_a, pair.b)
    assert is_in(at_b)
    assert pair.b.visitor().sign_in(email).status_code == 303
    pair.a.service.revive()
    wait_until_ready(pair.a)
    assert is_in(at_a)
    at_b.send("/account/sign-out", form="/account/")
    wait_for(lambda: not is_in(at_a), pair.patience)


def test_the_sign_in_limit_counts_across_both(start, postgres, redis):
    env = {
        "ZENITH_DATABASE__URL": new_database(postgres),
        "ZENITH_REDIS__URL": redis.url,
        "ZENITH_ACCOUNTS__SIGN_IN_LIMIT": "6/minute",
    }
    servers = [start(env), start(env)]
    program = [server.program() for server in servers]
    body = {"email": "limited@example.org", "password": "not the password"}
    answers = [program[n % 2].post("/auth/login", json=body) for n in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 6 + [429] * 2
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers[6:])
