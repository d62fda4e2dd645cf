"""One's own sessions and password."""

from __future__ import annotations

import pytest

from tests.console.visitor import PASSWORD, errors

NEXT = "seven quiet lanterns sing"


def sessions(house, visitor):
    account = house.run(house.accounts.store.by_email(visitor.email))
    return house.run(house.accounts.sessions.list(account.id))


def second(house, visitor):
    other = house.visitor(**{"user-agent": "Mozilla/5.0 (iPhone) Safari/604.1"})
    assert other.sign_in(visitor.email).status_code == 303
    return other


def is_in(visitor):
    return visitor.get("/account/", follow_redirects=False).status_code == 200


def change(visitor, current=PASSWORD, new=NEXT, repeated=NEXT):
    fields = {"current": current, "new": new, "repeated": repeated}
    return visitor.send("/account/password", fields, form="/account/password")


@pytest.mark.parametrize("path", ["/account/", "/account/password"])
def test_strangers_are_led_to_the_sign_in(anybody, path):
    answer = anybody.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/account/sign-in?next={path}",
    )


def test_sessions_are_listed_the_own_one_first(house, member):
    other = second(house, member)
    for visitor in (member, other):
        page = visitor.get("/account/").text
        rows = page.split('<ul class="rows">')[1].split("</ul>")[0].split("<li>")[1:]
        assert len(rows) == 2
        assert ["this one" in row for row in rows] == [True, False]
    assert "Safari on iPhone" in member.get("/account/").text.split("<li>")[2]


def test_tokens_are_sessions_too(house, member):
    answer = house.visitor().client.post(
        "/auth/login",
        json={"email": member.email, "password": PASSWORD},
        headers={"Accept": "application/json", "User-Agent": "curl/8"},
    )
    assert answer.status_code == 200
    assert '<span class="tag">API</span>' in member.get("/account/").text
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    program = house.visitor(**bearer)
    program.client.headers["Accept"] = "application/json"
    assert program.get("/auth/me").status_code == 200
    member.send("/account/sessions/end-others", form="/account/")
    assert program.get("/auth/me").status_code == 401


def test_ending_one(house, member):
    other = second(house, member)
    key = next(
        found.id for found in sessions(house, member) if found.user_agent.startswith("Mozilla")
    )
    answer = member.send(f"/account/sessions/{key}/end", form="/account/")
    assert answer.headers["location"] == "/account/?notice=session-ended"
    assert not is_in(other)
    assert is_in(member)
    # Pressed twice: it has ended, as was asked.
    again = member.send(f"/account/sessions/{key}/end", form="/account/")
    assert again.headers["location"] == "/account/?notice=session-ended"


def test_ending_the_own_one_signs_out(house, member):
    (only,) = sessions(house, member)
    answer = member.send(f"/account/sessions/{only.id}/end", form="/account/")
    assert answer.headers["location"] == "/account/sign-in?notice=signed-out"
    assert not is_in(member)


def test_nobody_ends_the_sessions_of_others(house, member):
    stranger = house.visitor().join("stranger@example.org")
    (only,) = sessions(house, member)
    stranger.send(f"/account/sessions/{only.id}/end", form="/account/")
    assert is_in(member)


@pytest.mark.parametrize("key", ["", "nowhere", "a" * 5000, "%00", "..%2f..", "%ff"])
def test_odd_ids(member, key):
    answer = member.send(f"/account/sessions/{key}/end", form="/account/")
    assert answer.status_code in (303, 400, 404, 405, 414)
    assert is_in(member)


def test_ending_the_others(house, member):
    other = second(house, member)
    answer = member.send("/account/sessions/end-others", form="/account/")
    assert answer.headers["location"] == "/account/?notice=others-ended"
    assert not is_in(other)
    assert is_in(member)
    assert "End all others" not in member.get("/account/").text


def test_signing_out_everywhere(house, member):
    other = second(house, member)
    answer = member.send("/account/sign-out-everywhere", form="/account/")
    assert answer.headers["location"] == "/account/sign-in?notice=signed-out-everywhere"
    assert not is_in(other)
    assert not is_in(member)


def test_changing_the_password(house, member):
    other = second(house, member)
    answer = change(member)
    assert answer.headers["location"] == "/account/?notice=password-changed"
    assert not is_in(other)
    assert is_in(member)
    assert house.visitor().sign_in(member.email).status_code == 401
    assert house.visitor().sign_in(member.email, NEXT).status_code == 303


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"current": "not my password"}, "Your current password is wrong"),
        ({"current": ""}, "Your current password is wrong"),
        ({"repeated": "differs"}, "The new passwords differ"),
        ({"new": "short", "repeated": "short"}, "at least 15 characters"),
        ({"new": "\x00" * 20, "repeated": "\x00" * 20}, ""),
    ],
)
def test_mistakes_change_nothing(house, member, given, said):
    other = second(house, member)
    answer = change(member, **given)
    assert answer.status_code == 422
    assert said in errors(answer)
    assert is_in(other)
    assert house.visitor().sign_in(member.email).status_code == 303


def test_guessing_the_present_password_is_limited(open_house):
    house = open_house(ZENITH_ACCOUNTS__SIGN_IN_LIMIT="3/minute")
    visitor = house.visitor().join("guess@example.org")
    answers = [change(visitor, current=f"guess {number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
    assert "Too many attempts" in errors(answers[3])
    assert "retry-after" in answers[3].headers


def test_names_have_a_face(house):
    visitor = house.visitor().join("face@example.org", name="émile")
    page = visitor.get("/account/").text
    assert '<span class="face" aria-hidden="true">É</span>' in page
    assert "face@example.org" in page


def test_owners_name_their_devices(house, member):
    (session,) = sessions(house, member)
    path = f"/account/sessions/{session.id}/name"
    assert member.send(path, {"name": "<b>Kitchen</b>"}, form="/account/").status_code == 303
    page = member.get("/account/").text
    assert "&lt;b&gt;Kitchen&lt;/b&gt;" in page
    assert "<b>Kitchen" not in page
    answer = member.send(path, {"name": "x" * 61}, form="/account/")
    assert answer.status_code == 422
    assert "at most 60" in errors(answer)
    assert '<details class="rename" open>' in answer.text
    assert member.send(path, {"name": ""}, form="/account/").status_code == 303
    (session,) = sessions(house, member)
    assert session.name == ""


def test_nobody_names_the_device_of_another(house, member):
    stranger = house.visitor()
    stranger.email = f"other-{member.email}"
    stranger.join(stranger.email)
    (session,) = sessions(house, member)
    stranger.send(f"/account/sessions/{session.id}/name", {"name": "Mine"}, form="/account/")
    assert sessions(house, member)[0].name == ""


def test_a_device_is_remembered_by_choice(house, member):
    other = house.visitor()
    answer = other.sign_in(member.email, remember="1")
    assert "Max-Age=2592000" in answer.headers["set-cookie"]
    remembered = [each.remembered for each in sessions(house, member)]
    assert sorted(remembered) == [False, True]
    assert '<span class="tag">remembered</span>' in other.get("/account/").text
    failed = house.visitor().sign_in(member.email, "wrong", remember="1")
    assert 'name="remember" value="1" checked' in failed.text


def test_places_are_named(member):
    assert "this computer" in member.get("/account/").text


def test_a_changed_password_changes_the_cookie(member):
    before = member.client.cookies["zenith-session"]
    assert change(member).status_code == 303
    assert member.client.cookies["zenith-session"] != before
    assert is_in(member)
