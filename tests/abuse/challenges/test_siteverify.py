"""Turnstile, hCaptcha and reCAPTCHA, spoken with over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import builtins
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest

from zenith.abuse import AbuseSettings
from zenith.abuse.challenges import (
    ChallengeRequiredError,
    Challenges,
    ChallengeSettings,
    SiteverifyProvider,
)
from zenith.assembly.report import loosened
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import Secret
from zenith.settings import Settings
from zenith.stores.memory import MemoryAttemptStore

SITE = "app.example.org"
SECRET = Secret("siteverify-secret-of-a-test")
CLIENT = "203.0.113.9"
HEAD = b"HTTP/1.1 %b OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Provider:
    """A server that answers `siteverify` as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Any = {"success": True, "hostname": SITE, "action": "contact"}
        self.status = b"200"
        self.silent = False
        self.forms: list[dict[str, list[str]]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        (length,) = [int(line[15:]) for line in lines if line.startswith("content-length:")]
        self.forms.append(parse_qs((await reader.readexactly(length)).decode()))
        if self.silent:
            await reader.read()
        else:
            raw = (
                self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
            )
            writer.write(HEAD % (self.status, len(raw)) + raw)
        writer.close()


@asynccontextmanager
async def running() -> AsyncIterator[Provider]:
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/siteverify"
    try:
        yield provider
    finally:
        server.close()


class Events:
    def __init__(self) -> None:
        self.seen: list[Event] = []

    async def record(self, event: Event) -> None:
        self.seen.append(event)

    def note(self, event: Event) -> None:
        self.seen.append(event)


def settings_of(url: str, **changes: Any) -> ChallengeSettings:
    given = {"provider": "turnstile", "site_key": "site", "secret": SECRET, "verify_url": url}
    return ChallengeSettings(**{**given, **changes})


def challenges_of(url: str, events: Events | None = None, **changes: Any) -> Challenges:
    settings = settings_of(url, **changes)
    provider = SiteverifyProvider(settings, hostnames=[SITE])
    keys = [Secret("k" * 20 + "0123456789abcdef")]
    return Challenges(provider, MemoryAttemptStore(), keys, settings, events=events)


async def refused(challenges: Challenges, token: str = "token") -> ChallengeRequiredError:
    with pytest.raises(ChallengeRequiredError) as caught:
        await challenges.require(token, action="contact", client=CLIENT)
    return caught.value


async def test_a_token_passes_once() -> None:
    events = Events()
    async with running() as provider:
        challenges = challenges_of(provider.url, events)
        spent = await challenges.require("token", action="contact", client=CLIENT)
        assert spent is not None
        assert provider.forms == [
            {"secret": [SECRET.reveal()], "response": ["token"], "remoteip": [CLIENT]}
        ]
        await refused(challenges)
        await challenges.require("another", action="contact", client=CLIENT)
    assert [event.reason for event in events.seen] == ["token used before"]
    assert events.seen[0].type is EventType.CHALLENGE_FAILED


async def test_many_at_once_with_one_token_are_one() -> None:
    async with running() as provider:
        challenges = challenges_of(provider.url)
        results = await asyncio.gather(
            *(challenges.require("token", action="contact", client=CLIENT) for _ in range(20)),
            return_exceptions=True,
        )
    assert sum(not isinstance(each, Exception) for each in results) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"success": False, "error-codes": ["timeout-or-duplicate"]}, "timeout-or-duplicate"),
        ({"success": False}, "no success"),
        ({"success": "true", "hostname": SITE}, "no success"),
        ({"success": True, "hostname": "evil.example", "action": "contact"}, "another host"),
        ({"success": True, "action": "contact"}, "another host"),
        ({"success": True, "hostname": SITE, "action": "other"}, "another action"),
        ({"success": True, "hostname": SITE}, "another action"),
    ],
)
async def test_what_does_not_hold_is_refused(answer: Any, reason: str) -> None:
    events = Events()
    async with running() as provider:
        provider.answer = answer
        error = await refused(challenges_of(provider.url, events))
    assert reason in events.seen[0].reason
    assert error.extensions["challenge"] == {
        "provider": "turnstile",
        "site_key": "site",
        "action": "contact",
        "field": "cf-turnstile-response",
    }


@pytest.mark.parametrize(
    ("kind", "score", "passes"),
    [
        ("recaptcha", 0.9, True),
        ("recaptcha", 0.5, True),
        ("recaptcha", 0.4, False),
        ("recaptcha", None, False),
        ("recaptcha", "0.9", False),
        ("recaptcha", True, False),
        ("recaptcha", 7, False),
        ("hcaptcha", None, True),
        ("hcaptcha", 0.1, True),
        ("hcaptcha", 0.9, False),
        ("hcaptcha", "low", False),
    ],
)
async def test_scores_count_where_there_are_some(kind: str, score: Any, passes: bool) -> None:
    async with running() as provider:
        if score is not None:
            provider.answer["score"] = score
        challenges = challenges_of(provider.url, provider=kind)
        if passes:
            assert await challenges.require("token", action="contact", client=CLIENT) is not None
        else:
            await refused(challenges)
    assert ("sitekey" in provider.forms[0]) is (kind == "hcaptcha")


@pytest.mark.parametrize("token", ["", "x" * 8193, "é"])
async def test_what_is_no_token_costs_no_question(token: str) -> None:
    async with running() as provider:
        await refused(challenges_of(provider.url), token)
    assert provider.forms == []


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (b"500", {}),
        (b"302", {"success": True, "hostname": SITE, "action": "contact"}),
        (b"200", b"no json"),
        (b"200", b"[1]"),
        (b"200", b" " * 20_000),
        (b"200", b"[" * 15_000),
        (b"429", {}),
        (b"200", {"success": False, "error-codes": ["invalid-input-secret"]}),
    ],
)
async def test_a_provider_that_fails_lets_nobody_in(status: bytes, answer: Any) -> None:
    events = Events()
    async with running() as provider:
        provider.status, provider.answer = status, answer
        with pytest.raises(ServiceUnavailableError):
            await challenges_of(provider.url, events).require(
                "token", action="contact", client=CLIENT
            )
    assert (events.seen[0].outcome, events.seen[0].severity) == ("error", "ERROR")
    assert SECRET.reveal() not in repr(events.seen)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b"200", "bad-request"),
        (b"200", "not-using-dummy-secret"),
        (b"200", "sitekey-secret-mismatch"),
        (b"400", "bad-request"),
        (b"403", "none"),
    ],
)
async def test_no_token_makes_a_provider_look_absent(status: bytes, code: str) -> None:
    """A visitor chooses the token: a malformed one, one of the provider's public tests, one of
    another site. Where `when_down` admits, each would be a way in."""
    async with running() as provider:
        provider.status, provider.answer = status, {"success": False, "error-codes": [code]}
        await refused(challenges_of(provider.url, when_down="admit"))


async def test_a_silent_or_absent_provider_is_waited_for_so_long_and_no_longer() -> None:
    async with running() as provider:
        provider.silent = True
        challenges = challenges_of(provider.url, timeout=0.1)
        with pytest.raises(ServiceUnavailableError):
            await challenges.require("token", action="contact", client=CLIENT)
        open_door = challenges_of(provider.url, timeout=0.1, when_down="admit")
        assert await open_door.require("token", action="contact", client=CLIENT) is None
        url = provider.url
    with pytest.raises(ServiceUnavailableError):
        await challenges_of(url).require("token", action="contact", client=CLIENT)


def test_widgets_and_sources() -> None:
    scripts = {
        kind: SiteverifyProvider(settings_of("https://v.example", provider=kind), hostnames=[SITE])
        .widget(action="contact", client=CLIENT)
        .script
        for kind in ("turnstile", "hcaptcha", "recaptcha")
    }
    assert scripts == {
        "turnstile": "https://challenges.cloudflare.com/turnstile/v0/api.js",
        "hcaptcha": "https://js.hcaptcha.com/1/api.js",
        "recaptcha": "https://www.google.com/recaptcha/api.js?render=site",
    }


def test_without_the_library_the_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name == "httpx":
            raise ModuleNotFoundError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"zenith-security\[challenges\]"):
        SiteverifyProvider(settings_of("https://v.example"), hostnames=[SITE])


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "friendly"},
        {"when_down": "maybe"},
        {"register": "often"},
        {"provider": "turnstile"},
        {"provider": "turnstile", "site_key": "site"},
        {"verify_url": "http://v.example"},
        {"verify_url": "https://"},
        {"verify_url": "https://[v"},
        {"least_score": 2.0},
        {"timeout": 0.0},
        {"after": 0},
        {"memory": 1.0},
        {"patience": 0.0},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ChallengeSettings(**wrong)


def test_what_is_loosened_is_said() -> None:
    assert ChallengeSettings().dangers == ()
    assert ChallengeSettings(when_down="admit").dangers == ("when_down",)
    settings = Settings(abuse=AbuseSettings(challenges=ChallengeSettings(when_down="admit")))
    assert any("when_down" in line for line in loosened(settings, settings))
    assert not any("when_down" in line for line in loosened(Settings(), Settings()))
