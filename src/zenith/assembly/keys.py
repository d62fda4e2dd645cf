"""What follows from settings: the keys, and sections that others decide about."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from zenith.kernel.keys import Secret
from zenith.settings import Settings
from zenith.stores.key_file import read_or_make_key
from zenith.tokens.settings import DEFAULT_ISSUER, TokenSettings
from zenith.transport import DEVELOPMENT_HOSTS

KEY_FILE: Final = "secret.key"
AUDIT_FILE: Final = "audit.jsonl"
CHECKPOINT_FILE: Final = "audit-checkpoints.jsonl"
LOCAL: Final = "localhost"


def find_secrets(settings: Settings) -> tuple[tuple[Secret, ...], list[str]]:
    """The keys, the present one first, and what the operator is told of them."""
    if settings.secret_key is not None:
        return settings.secrets, []
    path = settings.home / KEY_FILE
    key, made = read_or_make_key(path)
    what = "made a random key" if made else "using the key"
    return (key, *settings.previous_secret_keys), [
        f"{what} in {path}; in production set ZENITH_SECRET_KEY instead"
    ]


def fit(settings: Settings) -> Settings:
    """Sections that follow from others: the origin decides about hosts and cookies."""
    secure = settings.is_https
    transport, csrf = settings.transport, settings.csrf
    if transport is not None and transport.allowed_hosts == DEVELOPMENT_HOSTS:
        own = () if settings.is_production else DEVELOPMENT_HOSTS
        transport = replace(transport, allowed_hosts=(settings.hostname, *own))
    if csrf is not None:
        origins = csrf.origins or ((settings.origin,) if settings.is_production else ())
        csrf = replace(csrf, origins=origins, secure_cookies=csrf.secure_cookies and secure)
    audit = settings.audit
    if audit is not None and settings.database is None:
        audit = replace(
            audit,
            json_lines=audit.json_lines or settings.home / AUDIT_FILE,
            checkpoints=audit.checkpoints or settings.home / CHECKPOINT_FILE,
        )
    sessions, mail = settings.sessions, settings.mail
    if mail is not None and mail.sender is None:
        mail = replace(mail, sender=f"no-reply@{settings.hostname}")
    headers = settings.headers
    if headers is not None and _is_local(settings):
        # Browsers would ask every other server on this machine for https, for two years; what an
        # earlier answer told them so is taken back (RFC 6797 sections 6.1.1 and 8.3).
        headers = replace(headers, hsts_max_age=0, hsts_preload=False, allow_short_hsts=True)
    return replace(
        settings,
        headers=headers,
        tokens=_named(settings),
        mail=mail,
        transport=transport,
        csrf=csrf,
        audit=audit,
        sessions=replace(sessions, secure_cookies=sessions.secure_cookies and secure),
    )


def _named(settings: Settings) -> TokenSettings:
    """Tokens are issued in the name of the origin, unless the settings give another.

    Threat: two applications with one secret, such as a test system beside the real one, of which
    each takes the other's tokens, with the roles that they were issued with there (RFC 8725 section
    3.8, ASVS 9.2.3). In development the origin tells one process from another, for each has a port
    of its own; there the name stays, which no application in production believes.
    """
    tokens = settings.tokens
    if tokens.issuer != DEFAULT_ISSUER or not settings.is_production:
        return tokens
    return replace(tokens, issuer=settings.origin)


def _is_local(settings: Settings) -> bool:
    name = settings.hostname
    return not settings.is_production and (name == LOCAL or name.endswith(f".{LOCAL}"))
