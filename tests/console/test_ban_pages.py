"""The page of bans, and the forms that tell programs from people, without JavaScript."""

from __future__ import annotations

import re

import pytest

from tests.console.visitor import errors
from zenith.abuse import AbuseSettings, solve
from zenith.abuse.bans import Bans
from zenith.abuse.challenges import (
    Challenges,
    ChallengeSettings,
    ProofProvider,
    ShowsChallenge,
    SiteverifyProvider,
)
from zenith.abuse.challenges.settings import ACTIONS
from zenith.assembly import assemble
from zenith.console.own_pages import forgot, forgot_form
from zenith.console.visitor_pages import register, register_form, sign_in, sign_in_form
from zenith.headers import HeadersGuard
from zenith.kernel.keys import Secret
from zenith.pipeline import marks_of
from zenith.settings import Settings

BANS = "/admin/bans"
PAGES = (sign_in, sign_in_form, register, register_form, forgot, forgot_form)


def ban(visitor, target, reason="scans", **fields):
    return visitor.send(BANS, {"target": target, "reason": reason, **fields}, form=BANS)


def test_bans_are_made_listed_and_lifted(house):
    service = house.app.assembly.services[Bans]
    assert "Nobody is banned" in house.ada.get(BANS).text
    for target, hours in (("203.0.113.7", "24"), ("198.51.100.0/24", "0"), ("api_key:k1", "1")):
        answer = ban(house.ada, target, "<b>scans</b>", hours=hours)
        assert answer.headers["location"] == f"{BANS}?notice=banned"
    page = house.ada.get(f"{BANS}?notice=banned").text
    assert "The ban holds" in page
    assert "&lt;b&gt;scans&lt;/b&gt;" in page
    assert "by ada@example.org" in page
    assert "it is lifted" in page
    assert service.banned.of_address("198.51.100.9") == float("inf")
    assert "198.51.100.0/24" not in house.ada.get(f"{BANS}?search=113.7&page=0").text
    assert "No ban contains" in house.ada.get(f"{BANS}?search=nothing").text
    for target in ("203.0.113.7", "198.51.100.0/24", "api_key:k1"):
        answer = house.ada.send(f"{BANS}/lift", {"target": target}, form=BANS)
        assert answer.headers["location"] == f"{BANS}?notice=ban-lifted"
    assert len(service.banned) == 0


def test_pages_of_many_bans(house, monkeypatch):
    monkeypatch.setattr("zenith.console.ban_pages.PAGE", 2)
    service = house.app.assembly.services[Bans]
    targets = [f"203.0.113.{number}" for number in range(3)]
    for target in targets:
        house.run(service.ban(target, reason="many"))
    first = house.ada.get(f"{BANS}?search=many").text
    assert first.count("Lift<span") == 2
    assert "search=many&amp;page=2" in first
    second = house.ada.get(f"{BANS}?search=many&page=2").text
    assert second.count("Lift<span") == 1
    assert "First page" in second
    for target in targets:
        house.run(service.lift(target))


def test_an_account_is_banned_by_its_address_and_nobody_by_mistake(house):
    guest = house.visitor()
    guest.join("spammer@example.org")
    assert ban(house.ada, "spammer@example.org").status_code == 303
    page = house.ada.get(BANS).text
    assert "spammer@example.org" in page
    assert guest.get("/account/").status_code == 403
    (target,) = re.findall(r'value="(account:[^"]+)"', page)
    house.ada.send(f"{BANS}/lift", {"target": target}, form=BANS)
    assert guest.get("/account/").status_code == 200
    answer = ban(house.ada, "ada@example.org")
    assert answer.status_code == 409
    assert 'name="force"' in answer.text
    assert "This would ban yourself" in answer.text
    for target, status in (("nobody@example.org", 404), ("no address", 422), ("@", 422)):
        assert ban(house.ada, target).status_code == status
    assert ban(house.ada, "203.0.113.7", "").status_code == 422
    assert guest.get(BANS).status_code == 403


def test_a_program_that_registers_is_answered_like_a_person(house):
    guest = house.visitor()
    fields = {"email": "bot@example.org", "password": "an honest river of stones"}
    page = guest.get("/account/register").text
    assert 'name="homepage"' in page
    caught = guest.send(
        "/account/register",
        {**fields, "homepage": "https://spam.example"},
        form="/account/register",
    )
    assert house.run(house.accounts.store.by_email("bot@example.org")) is None
    made = guest.send("/account/register", fields, form="/account/register")
    assert house.run(house.accounts.store.by_email("bot@example.org")) is not None
    assert (caught.status_code, caught.headers["location"]) == (
        made.status_code,
        made.headers["location"],
    )
    assert errors(caught) == errors(made)


@pytest.fixture
def asked(house, monkeypatch):
    """Makes the server ask, by another provider if need be."""
    service = house.app.assembly.services[Challenges]

    def ask(own, **settings):
        given = ChallengeSettings(**dict.fromkeys(ACTIONS, "always"), **settings)
        monkeypatch.setattr(service, "_settings", given)
        monkeypatch.setattr(service, "provider", own or siteverify(given))

    return ask


def siteverify(settings):
    return SiteverifyProvider(settings, hostnames=["localhost"])


def test_forms_ask_where_they_are_told_to(house, asked):
    provider = ProofProvider([Secret("k" * 20 + "0123456789abcdef")], numbers=50)
    asked(provider)
    guest = house.visitor()
    fields = {"email": "challenged@example.org", "password": "an honest river of stones"}
    forms = {
        "/account/register": ("register", fields),
        "/account/forgot": ("reset_password", {"email": "challenged@example.org"}),
        "/account/sign-in": ("sign_in", fields),
    }
    for path, (action, given) in forms.items():
        page = guest.get(path).text
        assert "data-challenge=" in page
        assert "proof.js" in page
        refused = guest.send(path, given, form=path)
        assert refused.status_code == 429
        assert "Send the form once more" in refused.text
        widget = provider.widget(action=action, client="127.0.0.1")
        done = guest.send(path, {**given, "altcha": solve(dict(widget.challenge))}, form=path)
        assert done.status_code == 303, errors(done)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("turnstile", 'class="cf-turnstile" data-sitekey="site" data-action="register"'),
        ("hcaptcha", 'class="h-captcha" data-sitekey="site"'),
        ("recaptcha", 'name="g-recaptcha-response" value="" data-score="site"'),
    ],
    ids=["turnstile", "hcaptcha", "recaptcha"],
)
def test_forms_show_the_widgets_of_others(house, asked, kind, shown):
    asked(None, provider=kind, site_key="site", secret=Secret("secret"))
    path = "/account/register"
    guest = house.visitor()
    page = guest.get(path).text
    assert shown in page
    assert ("score.js" in page) is (kind == "recaptcha")
    answer = guest.send(path, {"email": "a@example.org"}, form=path)
    assert answer.status_code == 403
    assert shown in answer.text


def test_the_policy_of_pages_that_ask_lets_the_provider_in(tmp_path):
    challenges = ChallengeSettings(provider="turnstile", site_key="s", secret=Secret("secret"))
    assembly = assemble(Settings(home=tmp_path, abuse=AbuseSettings(challenges=challenges)))
    (guard,) = [guard for guard in assembly.guards if isinstance(guard, HeadersGuard)]
    hosts = ("https://challenges.cloudflare.com",)
    assert guard.more_sources[ShowsChallenge]["frame_src"] == hosts
    for page in PAGES:
        assert any(isinstance(mark, ShowsChallenge) for mark in marks_of(page)), page
