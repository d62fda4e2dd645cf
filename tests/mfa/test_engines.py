"""Codes, sealed secrets, challenges, QR codes and settings."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.sealing import Sealer
from zenith.mfa import Challenges, MfaSettings
from zenith.mfa.challenges import LIFETIME
from zenith.mfa.qr_code import qr_svg
from zenith.mfa.recovery_codes import ALPHABET, code_digest, new_codes
from zenith.mfa.totp import accepted_step, base32, code_at, key_uri, new_secret, step_at
from zenith.stores.memory import MemoryFactorStore

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/rfc6238.json").read_text())
ALGORITHMS = {"SHA1": SHA1, "SHA256": SHA256, "SHA512": SHA512}
OLD, NEW = (
    Secret("old-" + "kX3vN8qLz1TgWb6YpRj4HsDc9M" * 2),
    Secret("new-" + "Uq8ZtB2xLc7RmJ0wPf5Y" * 2),
)
NOW = 1_111_111_111.0


@pytest.mark.parametrize(("at", "algorithm", "code"), VECTORS["codes"])
def test_the_vectors_of_rfc_6238(at, algorithm, code):
    secret = VECTORS["secrets"][algorithm].encode()
    made = code_at(secret, step_at(at), digits=8, algorithm=ALGORITHMS[algorithm]())
    assert made == code


@pytest.mark.parametrize(
    ("drift", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_clocks_may_differ_by_a_step(drift, accepted):
    secret, step = new_secret(), step_at(NOW)
    code = code_at(secret, step + drift)
    found = accepted_step(secret, code, now=NOW, last_step=0)
    assert found == (step + drift if accepted else None)


def test_a_step_that_was_accepted_is_over():
    secret, step = new_secret(), step_at(NOW)
    code = code_at(secret, step)
    assert accepted_step(secret, f" {code[:3]} {code[3:]}", now=NOW, last_step=step - 1) == step
    assert accepted_step(secret, code, now=NOW, last_step=step) is None
    older = code_at(secret, step - 1)
    assert accepted_step(secret, older, now=NOW, last_step=step) is None


@pytest.mark.parametrize(
    "code",
    [
        "",
        "12345",
        "1234567",
        "abcdef",
        "\ud800",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "0" * 9999,
    ],
)
def test_what_is_no_code_is_none(code):
    assert accepted_step(b"s" * 20, code, now=NOW, last_step=0) is None


def test_the_uri_of_an_app():
    uri = key_uri(b"12345678901234567890", account="a b@example.org", issuer="My App")
    assert uri == (
        "otpauth://totp/My%20App:a%20b@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=My%20App&algorithm=SHA1&digits=6&period=30"
    )
    assert len(base32(new_secret())) == 32
    assert len({new_secret() for _ in range(100)}) == 100


def test_the_qr_code_is_one_element_without_style_or_script():
    svg = qr_svg("otpauth://totp/x", title="<QR> & more")
    root = ET.fromstring(svg)  # noqa: S314
    assert root.tag.endswith("}svg")
    assert not re.search(r"style|script|on\w+=", svg)
    assert "&lt;QR&gt; &amp; more" in svg


def test_recovery_codes_are_random_and_forgiving():
    codes = new_codes()
    assert len(set(codes)) == 10
    pattern = rf"(?:[{ALPHABET}]{{5}}-){{4}}[{ALPHABET}]{{5}}"
    assert all(re.fullmatch(pattern, code) for code in codes)
    code = "01abc-defgh-jkmnp-qrstv-wxyz0"
    digest = code_digest("ada", code)
    assert digest == code_digest("ada", code.upper().replace("-", " "))
    assert digest == code_digest("ada", "o" + "l" + code[2:])
    assert digest != code_digest("ben", code)
    assert len(code_digest("ada", "\ud800" * 1000)) == 64


def test_a_sealed_secret_belongs_to_its_row():
    sealer = Sealer([NEW], purpose="test")
    sealed = sealer.seal(b"secret", row="a")
    assert sealer.open(sealed, row="a") == (b"secret", True)
    assert sealer.open(sealed, row="b") is None
    assert sealed != sealer.seal(b"secret", row="a")
    assert Sealer([NEW], purpose="other").open(sealed, row="a") is None
    for broken in ("", "v1.", "v1.a", "v1.*", sealed[:-4] + "AAAA", sealed[3:], "v2." + sealed[3:]):
        assert sealer.open(broken, row="a") is None


def test_former_keys_still_open():
    sealed = Sealer([OLD], purpose="test").seal(b"secret", row="a")
    assert Sealer([NEW, OLD], purpose="test").open(sealed, row="a") == (b"secret", False)
    assert Sealer([NEW], purpose="test").open(sealed, row="a") is None
    with pytest.raises(ConfigurationError, match="without a key"):
        Sealer([], purpose="test")


async def test_a_challenge_serves_its_purpose_once():
    now = [NOW]
    challenges = Challenges([NEW, OLD], MemoryFactorStore(), clock=lambda: now[0])
    challenge = challenges.issue("register", "session")
    assert challenges.holds(challenge, "register", "session")
    for purpose, binding in (("sign-in", "session"), ("register", "other")):
        assert not await challenges.spend(challenge, purpose, binding)
    assert not await challenges.spend(challenge[:-1] + b"\0", "register", "session")
    assert not await challenges.spend(b"", "register", "session")
    assert await challenges.spend(challenge, "register", "session")
    assert not await challenges.spend(challenge, "register", "session")
    former = Challenges([OLD], MemoryFactorStore(), clock=lambda: now[0]).issue("x", "y")
    assert challenges.holds(former, "x", "y")
    now[0] += LIFETIME
    assert not await challenges.spend(former, "x", "y")
    with pytest.raises(ConfigurationError, match="no key"):
        Challenges([], MemoryFactorStore())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attempt_limit", "often"),
        ("trusted_device_lifetime", -1.0),
        ("trusted_device_lifetime", 1e9),
        ("issuer", ""),
        ("issuer", "a:b"),
        ("issuer", "a\nb"),
        ("issuer", "x" * 65),
    ],
)
def test_settings_that_would_not_hold_are_refused(field, value):
    with pytest.raises(ConfigurationError, match=f"mfa.{field}"):
        MfaSettings(**{field: value})
