"""A certificate authority of one's own, for https in development."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import new_id
from zenith.kernel.records import dataclass

AUTHORITY_DAYS: Final = 730
LEAF_DAYS: Final = 7
RENEW_DAYS: Final = 3
"""A leaf with less than this left is issued anew."""
BACKDATED: Final = timedelta(hours=1)
"""For clocks that are a little behind."""
LOCAL_NAMES: Final = ("localhost",)
LOCAL_ADDRESSES: Final = ("127.0.0.1", "::1")
RESERVED: Final = (".localhost", ".test", ".internal", ".local", ".home.arpa")
"""Domains that nobody can register (RFC 6761, 6762, 8375)."""
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NO_DOMAIN: Final = re.compile(r"(?!xn--)(?=.*[a-z])(?=.*[0-9-]).+")
"""A single label that is no top-level domain and becomes none: those are letters only (RFC 1123
section 2.1). A constraint to `app` would hold for all of .app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate with its key, in PEM."""

    certificate: bytes
    key: bytes


def check_name(name: str) -> str:
    """A name that the authority may vouch for.

    Threat: an authority that browsers trust, whose stolen key could speak for a bank. Only names
    that are nobody's are taken: reserved domains, private addresses, and single labels with a digit
    or hyphen; others are or become domains. Raises ConfigurationError for any other.
    """
    text = name.strip().lower().strip("[]")
    try:
        if ip_address(text).is_private:
            return text
    except ValueError:
        local = f".{text}".endswith(RESERVED)
        if "." not in text:
            local = local or _NO_DOMAIN.fullmatch(text) is not None
        if local and _NAME.fullmatch(text):
            return text
    raise ConfigurationError(
        f"`{name}` is a public name, and the local authority vouches for none",
        fix="use a name below "
        + ", ".join(RESERVED)
        + ", a single label with a digit or hyphen, or a private address",
    )


def make_authority(names: Sequence[str], *, now: float) -> Issued:
    """A new authority for localhost and `names`, and by name constraints for nothing else (RFC 5280
    section 4.2.1.10), and for servers only: name constraints bind neither signatures of mail nor
    those of programs, for which some trust stores would take it too. `now` is Unix time. Raises
    ConfigurationError for public names.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"Zenith development authority {new_id()[:8]}")
    hosts, addresses = _split((*LOCAL_NAMES, *LOCAL_ADDRESSES, *names))
    permitted: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    permitted += [x509.IPAddress(ip_network(address)) for address in addresses]
    certificate = (
        _builder(subject, subject, key, now=now, days=AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _issued(certificate, key)


def issue_leaf(authority: Issued, names: Sequence[str], *, now: float) -> Issued:
    """A certificate for a server at localhost and `names`, short-lived, the authority's behind it.

    Raises ConfigurationError for names that this authority was not made for.
    """
    issuer, issuer_key = _read(authority)
    hosts, addresses = _split((*LOCAL_NAMES, *LOCAL_ADDRESSES, *names))
    _require_permitted(issuer, hosts, addresses)
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = [x509.DNSName(host) for host in (*hosts, "*.localhost")]
    alternatives += [x509.IPAddress(ip_address(address)) for address in addresses]
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    certificate = (
        _builder(_name(hosts[0]), issuer.subject, key, now=now, days=LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(identifier, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    leaf = _issued(certificate, key)
    return Issued(certificate=leaf.certificate + authority.certificate, key=leaf.key)


def days_left(certificate: bytes, *, now: float) -> float:
    """Days until the first certificate in this PEM ends; below 0 once it has."""
    found = x509.load_pem_x509_certificate(certificate)
    return (found.not_valid_after_utc.timestamp() - now) / 86_400


def serves(certificate: bytes, names: Sequence[str]) -> bool:
    """Whether a leaf of ours is for all of `names`."""
    found = x509.load_pem_x509_certificate(certificate)
    held = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {str(each.value) for each in held}
    return known.issuperset(names)


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of the certificate, as trust stores show it."""
    digest = x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def common_name(certificate: bytes) -> str:
    """What the certificate calls itself."""
    found = x509.load_pem_x509_certificate(certificate)
    return str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    hosts: dict[str, None] = {}
    addresses: dict[str, None] = {}
    for name in map(check_name, names):
        is_address = ":" in name or name.replace(".", "").isdigit()
        (addresses if is_address else hosts)[name] = None
    return list(hosts), list(addresses)


def _require_permitted(
    issuer: x509.Certificate, hosts: Sequence[str], addresses: Sequence[str]
) -> None:
    constraints = issuer.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = {str(each.value) for each in constraints.permitted_subtrees or ()}
    domains = tuple(f".{each}" for each in permitted)
    missing = [host for host in hosts if host not in permitted and not host.endswith(domains)]
    missing += [each for each in addresses if str(ip_network(each)) not in permitted]
    if missing:
        names = " ".join(f"--name {name}" for name in missing)
        raise ConfigurationError(
            f"the local authority was not made for {', '.join(missing)}",
            fix=f"make a new one and trust it: zenith https new {names}",
        )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    now: float,
    days: int,
) -> x509.CertificateBuilder:
    moment = datetime.fromtimestamp(now, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - BACKDATED)
        .not_valid_after(moment + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    return Issued(
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _read(authority: Issued) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate = x509.load_pem_x509_certificate(authority.certificate)
    key = serialization.load_pem_private_key(authority.key, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError(
            "the local authority's key is of another kind", fix="make a new one: zenith https new"
        )
    if key.public_key() != certificate.public_key():
        # Two that were made at once, or one that was half written.
        raise ConfigurationError(
            "the local authority's certificate and key are not of one pair",
            fix="make a new one: zenith https new",
        )
    return certificate, key
