"""The parts, put together from settings."""

from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from tests.accounts.application import KEY, make_app, make_settings, running
from zenith.accounts import AccountSettings
from zenith.assembly import assemble
from zenith.audit import AuditGuard
from zenith.audit.settings import AuditSettings
from zenith.authentication import AuthenticationGuard
from zenith.csrf import CsrfSettings
from zenith.headers import ContentSecurityPolicy, HeadersGuard, HeadersSettings
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.kernel.events import Silence
from zenith.mail import MailSettings
from zenith.mfa import MfaServices, MfaSettings
from zenith.oauth import OAuthSettings
from zenith.passwords import PasswordSettings
from zenith.rate_limits import RateLimitGuard, RateLimitSettings
from zenith.sessions import SessionScheme, SessionSettings
from zenith.settings import Settings
from zenith.stores.foundation import Foundation
from zenith.stores.key_file import read_or_make_key
from zenith.tokens import DpopVerifier, TokenSettings
from zenith.transport import CorsGuard, CorsSettings, TransportGuard, TransportSettings


def production(home, **more):
    given = {
        "env": "production",
        "origin": "https://app.example.org",
        "passwords": PasswordSettings(),
        "accounts": AccountSettings(),
        "rate_limits": RateLimitSettings(),
    }
    return make_settings(home, **(given | more))


def kinds(assembly):
    return [type(guard) for guard in assembly.guards]


def test_every_capability_is_on(tmp_path):
    mail = MailSettings(host="smtp.example.org", sender="no-reply@example.org")
    assembly = assemble(production(tmp_path, mail=mail))
    assert kinds(assembly)[0] is Foundation
    assert {AuditGuard, HeadersGuard, TransportGuard, RateLimitGuard} <= {*kinds(assembly)}
    assert assembly.report == ()


def test_what_is_off_is_off_and_said(tmp_path):
    off = dict.fromkeys(("transport", "headers", "csrf", "rate_limits", "audit"))
    assembly = assemble(production(tmp_path, **off))
    left = [kind.__name__ for kind in kinds(assembly)]
    bans = ["ChallengePageGuard", "BanGuard", "AuthenticationGuard", "PrincipalBanGuard"]
    assert left == ["Foundation", *bans, "ModelSessions"]
    for name in off:
        assert any(line.startswith(f"{name} is off: ") for line in assembly.report)
    assert isinstance(assembly.accounts.sign_in._events, Silence)


def test_attempts_at_passwords_are_counted_whatever_is_off(tmp_path):
    assembly = assemble(production(tmp_path, rate_limits=None))
    assert assembly.accounts.sign_in._limits._limiter is not None


def test_second_factors_may_be_off(tmp_path):
    assembly = assemble(production(tmp_path, mfa=None))
    assert MfaServices not in assembly.services
    assert any(line.startswith("mfa is off: ") for line in assembly.report)
    without = assemble(production(tmp_path, mfa=MfaSettings(passkeys=False)))
    assert without.services[MfaServices].passkeys is None
    assert "passkeys" not in "".join(without.report)


def test_passkeys_are_off_where_their_library_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "webauthn", None)
    assembly = assemble(production(tmp_path))
    assert assembly.services[MfaServices].passkeys is None
    assert any("zenith-security[passkeys]" in line for line in assembly.report)


def test_mail_is_refused_where_its_driver_is_missing(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "zenith.mail.smtp", raising=False)
    monkeypatch.setitem(sys.modules, "aiosmtplib", None)
    mail = MailSettings(host="smtp.example.org", sender="no-reply@example.org")
    with pytest.raises(ConfigurationError, match="driver is not installed"):
        assemble(production(tmp_path, mail=mail))


def test_an_address_that_no_mail_verifies_refuses_the_start(tmp_path):
    wanted = AccountSettings(require_verified_email=True)
    with pytest.raises(ConfigurationError, match="no mail could verify one"):
        assemble(production(tmp_path, accounts=wanted))
    assert assemble(production(tmp_path)).accounts.mail is None


def test_proofs_of_possession_and_bound_sessions_may_be_off(tmp_path):
    off = {
        "tokens": TokenSettings(dpop="off"),
        "sessions": SessionSettings(bind_to_device="off"),
    }
    assembly = assemble(production(tmp_path, **off))
    assert DpopVerifier not in assembly.services
    (guard,) = [each for each in assembly.guards if isinstance(each, AuthenticationGuard)]
    _, every_scheme = guard._steps[0]
    (cookie,) = [each for each in every_scheme if isinstance(each, SessionScheme)]
    assert cookie._watch is None


def test_what_is_loosened_is_said(tmp_path):
    settings = production(
        tmp_path,
        transport=TransportSettings(allowed_hosts=("a.org",), allow_encoded_slashes=True),
        headers=HeadersSettings(
            allow_private_answers_in_caches=True,
            cookies="report",
            policy=ContentSecurityPolicy(style_src=("'unsafe-inline'",), allow_inline_styles=True),
        ),
        rate_limits=RateLimitSettings(per_address=None, allow_no_address_limit=True),
        sessions=SessionSettings(secure_cookies=False),
        csrf=CsrfSettings(secure_cookies=False),
        cors=CorsSettings(origins=("http://localhost:3000",), credentials=True),
        accounts=AccountSettings(register_seconds=0),
        passwords=PasswordSettings(accept_truncated_bcrypt=True),
        oauth=OAuthSettings(believe_undated_sign_ins=True),
    )
    report = "\n".join(assemble(settings).report)
    for name in (
        "transport.allow_encoded_slashes",
        "headers.allow_private_answers_in_caches",
        "headers.allow_inline_styles",
        "headers.cookies",
        "oauth.believe_undated_sign_ins",
        "rate_limits.allow_no_address_limit",
        "sessions.secure_cookies",
        "csrf.secure_cookies",
        "cors: programs on a user's machine",
        "accounts.register_seconds",
        "passwords.accept_truncated_bcrypt",
    ):
        assert name in report
    assert "workers" not in report
    assert CorsGuard in kinds(assemble(settings))


def test_development_says_what_it_does_without(tmp_path):
    settings = Settings(home=tmp_path, workers=2, passwords=PasswordSettings(profile="testing"))
    first = assemble(settings).report
    assert first[0].startswith("made a random key in ")
    assert "ZENITH_SECRET_KEY" in first[0]
    assert any("workers" in line for line in first)
    assert any("cheap to guess" in line for line in first)
    assert any("not https" in line for line in first)
    again = assemble(settings)
    assert again.report[0].startswith("using the key in ")
    key, _ = read_or_make_key(tmp_path / "secret.key")
    assert key.reveal() not in repr(again) + "".join(first)


def test_the_origin_decides_about_hosts_and_cookies(tmp_path):
    held = assemble(production(tmp_path)).settings
    assert held.transport.allowed_hosts == ("app.example.org",)
    assert held.csrf.origins == ("https://app.example.org",)
    assert held.sessions.cookie == "__Host-zenith-session"
    held = assemble(make_settings(tmp_path)).settings
    assert "testserver" in held.transport.allowed_hosts
    assert held.csrf.origins == ()
    assert held.sessions.cookie == "zenith-session"
    own = TransportSettings(allowed_hosts=("other.example.org",))
    held = assemble(production(tmp_path, transport=own)).settings
    assert held.transport.allowed_hosts == ("other.example.org",)


def test_the_audit_log_lies_beside_the_embedded_database(tmp_path):
    assert assemble(make_settings(tmp_path)).settings.audit.json_lines == tmp_path / "audit.jsonl"
    elsewhere = AuditSettings(json_lines=tmp_path / "x")
    held = assemble(make_settings(tmp_path, audit=elsewhere)).settings
    assert held.audit.json_lines == tmp_path / "x"
    database = f"sqlite:///{tmp_path}/z.db"
    assert assemble(make_settings(tmp_path, database=database)).settings.audit.json_lines is None


async def test_tokens_may_be_signed_for_others_to_verify(tmp_path):
    for _ in range(2):
        assembly = assemble(make_settings(tmp_path, tokens=TokenSettings(algorithm="EdDSA")))
        await assembly.start()
        assert [key["kty"] for key in assembly.keyring.to_jwks()["keys"]] == ["OKP"]
        assert {await prune() for prune in assembly.guards[0]._prune} == {0}
        await assembly.stop()
    assembly = assemble(make_settings(tmp_path))
    assert assembly.key_rotation is None
    assert assembly.keyring.to_jwks()["keys"] == []


async def test_parts_run_without_the_application(tmp_path):
    assembly = assemble(make_settings(tmp_path))
    await assembly.start()
    await assembly.check_readiness()
    secret = await assembly.accounts.registration.issue_setup_secret()
    await assembly.accounts.registration.check_setup_secret(secret)
    foundation = assembly.guards[0]
    assert {await prune() for prune in foundation._prune} == {0}
    await assembly.stop()


async def test_what_has_started_is_stopped_where_another_cannot_start(tmp_path):
    (tmp_path / "audit.jsonl").mkdir()
    assembly = assemble(make_settings(tmp_path))
    with pytest.raises(ConfigurationError):
        await assembly.start()
    with pytest.raises(ServiceUnavailableError):
        await assembly.accounts.registration._hasher.hash("x")


async def test_redis_carries_counters_and_revocations(tmp_path, redis_url, postgres_url):
    assembly = assemble(make_settings(tmp_path, redis=redis_url, database=postgres_url))
    await assembly.start()
    assert await assembly.check_readiness()
    await assembly.stop()


async def test_an_application_that_goes_on_without_redis_is_ready(tmp_path):
    for limits in (RateLimitSettings(), None):
        away = make_settings(tmp_path, redis="redis://127.0.0.1:1", rate_limits=limits)
        assembly = assemble(away)
        assert not await assembly.check_readiness()
        await assembly.stop()


async def test_one_that_refuses_what_it_cannot_count_is_not(tmp_path):
    limits = RateLimitSettings(on_failure="closed")
    away = make_settings(tmp_path, redis="redis://127.0.0.1:1", rate_limits=limits)
    assembly = assemble(away)
    with pytest.raises(ServiceUnavailableError) as caught:
        await assembly.check_readiness()
    assert "redis" in caught.value.reason
    await assembly.stop()


async def test_readiness_is_refused_soon_where_something_hangs(tmp_path, monkeypatch):
    """A probe gives up after a second or two; the driver's retries take a quarter of a minute."""

    async def hang(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr("zenith.assembly.assembly.READINESS_WAIT", 0.01)
    monkeypatch.setattr("zenith.assembly.assembly.REDIS_WAIT", 0.01)
    assembly = assemble(make_settings(tmp_path, redis="redis://127.0.0.1:1"))
    await assembly.database.ping()
    monkeypatch.setattr(type(assembly.redis), "ping", hang)
    async with asyncio.timeout(5):
        assert not await assembly.check_readiness()
    monkeypatch.setattr(type(assembly.database), "ping", hang)
    async with asyncio.timeout(5):
        with pytest.raises(ServiceUnavailableError) as caught:
            await assembly.check_readiness()
    assert "in time" in caught.value.reason
    await assembly.stop()


async def test_the_operator_is_told_at_the_start(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "zenith"):
        async with running(make_app(tmp_path)):
            pass
    assert "not https" in caplog.text
    assert KEY.reveal() not in caplog.text
