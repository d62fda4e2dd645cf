"""The local authority: what it vouches for, and what nobody can make it vouch for."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from zenith.kernel.errors import ConfigurationError
from zenith.server import authority as module
from zenith.server.authority import (
    check_name,
    common_name,
    days_left,
    fingerprint,
    issue_leaf,
    make_authority,
    serves,
)

NOW = 1_795_000_000.0
DAY = 86_400


@pytest.fixture(scope="module")
def authority():
    return make_authority(["app.test", "192.168.1.5"], now=NOW)


def extension(certificate, kind):
    found = x509.load_pem_x509_certificate(certificate).extensions.get_extension_for_class(kind)
    return found.value, found.critical


def test_it_is_an_authority_for_few_names_and_no_other_authority(authority):
    constraints, critical = extension(authority.certificate, x509.BasicConstraints)
    assert (constraints.ca, constraints.path_length, critical) == (True, 0, True)
    names, critical = extension(authority.certificate, x509.NameConstraints)
    assert critical
    assert {str(each.value) for each in names.permitted_subtrees} == {
        "localhost", "app.test", "127.0.0.1/32", "::1/128", "192.168.1.5/32",
    }  # fmt: skip
    assert list(extension(authority.certificate, x509.ExtendedKeyUsage)[0]) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    usage, critical = extension(authority.certificate, x509.KeyUsage)
    assert (usage.key_cert_sign, usage.digital_signature, critical) == (True, False, True)
    assert 729 < days_left(authority.certificate, now=NOW) <= 730


def test_a_leaf_is_short_lived_and_no_authority(authority):
    leaf = issue_leaf(authority, ["app.test"], now=NOW)
    assert extension(leaf.certificate, x509.BasicConstraints) == (
        x509.BasicConstraints(ca=False, path_length=None), True,
    )  # fmt: skip
    assert list(extension(leaf.certificate, x509.ExtendedKeyUsage)[0]) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert 6 < days_left(leaf.certificate, now=NOW) <= 7
    assert days_left(leaf.certificate, now=NOW + 8 * DAY) < 0
    assert serves(leaf.certificate, ("localhost", "app.test", "127.0.0.1", "::1"))
    assert not serves(leaf.certificate, ("other.test",))
    assert leaf.certificate.endswith(authority.certificate)
    assert leaf.key != authority.key


def test_what_identifies_it(authority):
    assert common_name(authority.certificate).startswith("Zenith development authority ")
    assert len(fingerprint(authority.certificate)) == 95
    other = make_authority([], now=NOW)
    assert common_name(other.certificate) != common_name(authority.certificate)


def test_a_stolen_key_speaks_for_no_bank(authority, monkeypatch):
    """Whoever has the key signs what they like; verifiers look at the constraints."""
    monkeypatch.setattr(module, "check_name", str)
    monkeypatch.setattr(module, "_require_permitted", lambda *_: None)
    roots = [x509.load_pem_x509_certificate(authority.certificate)]
    moment = x509.load_pem_x509_certificate(authority.certificate).not_valid_before_utc
    for name, valid in {"app.test": True, "bank.example": False}.items():
        leaf = issue_leaf(authority, [name], now=NOW)
        chain = x509.load_pem_x509_certificates(leaf.certificate)
        policy = PolicyBuilder().store(Store(roots)).time(moment.replace(tzinfo=None))
        verifier = policy.build_server_verifier(x509.DNSName(name))
        if valid:
            assert verifier.verify(chain[0], [])
        else:
            with pytest.raises(VerificationError):
                verifier.verify(chain[0], [])


@pytest.mark.parametrize(
    ("name", "taken"),
    [("App.Test", "app.test"), ("nas-1", "nas-1"), ("test", "test"), ("home.arpa", "home.arpa"),
     ("x.home.arpa", "x.home.arpa"),
     ("a.b.internal", "a.b.internal"), ("[fd00::1]", "fd00::1"), ("10.0.0.7", "10.0.0.7")],
)  # fmt: skip
def test_names_that_are_nobodys(name, taken):
    assert check_name(name) == taken


@pytest.mark.parametrize(
    "name",
    ["example.org", "8.8.8.8", "2606:4700::1", "", "a b", "*.test", "-x.test", "test.example.com",
     "evil.com.", "a" * 64, "com", "app", "dev", "xn--p1ai", "12", "-"],
)  # fmt: skip
def test_public_names_are_refused(name):
    with pytest.raises(ConfigurationError, match="is a public name"):
        make_authority([name], now=NOW)


@pytest.mark.parametrize("name", ["other.test", "192.168.1.6", "xapp.test"])
def test_a_name_that_it_was_not_made_for(authority, name):
    with pytest.raises(ConfigurationError, match="was not made for") as refused:
        issue_leaf(authority, [name], now=NOW)
    assert refused.value.fix.endswith(f"zenith https new --name {name}")
    assert issue_leaf(authority, ["deep.app.test", "my.localhost"], now=NOW)


def test_a_key_of_another_kind(authority):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(ConfigurationError, match="another kind"):
        issue_leaf(module.Issued(certificate=authority.certificate, key=key), [], now=NOW)


def test_a_key_of_another_authority(authority):
    other = make_authority([], now=NOW)
    with pytest.raises(ConfigurationError, match="not of one pair"):
        issue_leaf(module.Issued(certificate=authority.certificate, key=other.key), [], now=NOW)
