"""E-mail addresses, URLs and telephone numbers, each in one form."""

from __future__ import annotations

import re
from functools import partial
from string import ascii_lowercase, ascii_uppercase
from typing import Annotated, Any, Final, TypeAlias

from email_validator import EmailNotValidError, validate_email
from pydantic import TypeAdapter, WithJsonSchema
from pydantic import ValidationError as PydanticError
from pydantic_core import Url as ParsedUrl

from zenith.kernel.errors import ConfigurationError
from zenith.validation.canonical import is_clean
from zenith.validation.names import before

MAX_EMAIL: Final = 254
MAX_URL: Final = 2083
MAX_PHONE: Final = 40
_URL: Final = TypeAdapter(ParsedUrl)
_WEB: Final = re.compile(r"https?://[^/?#\\ ][^\\ ]*", re.IGNORECASE)
"""Two slashes and a host, which browsers add where missing; no backslash, which they turn."""
_SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


def _email(text: str) -> str:
    address = text.strip()
    if len(address) > MAX_EMAIL or not is_clean(address):
        raise ValueError(address)
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError(address) from None
    # No more than ASCII is folded: straße and strasse are two mailboxes, and two domains.
    return f"{found.local_part.translate(_SMALL)}@{found.domain}"


def _url(text: str) -> str:
    address = text.strip()
    if len(address) > MAX_URL or not is_clean(address) or _WEB.fullmatch(address) is None:
        raise ValueError(address)
    try:
        found = _URL.validate_python(address)
    except PydanticError:
        raise ValueError(address) from None
    if found.username is not None or found.password is not None:
        raise ValueError(address)
    written = str(found)
    if len(written) > MAX_URL:  # escapes are longer than what they stand for
        raise ValueError(address)
    return written


def _phone(text: str, *, region: str | None) -> str:
    try:
        import phonenumbers  # noqa: PLC0415  # an extra, and slow to import
    except ImportError:
        raise ConfigurationError(
            "telephone numbers need the package `phonenumbers`",
            fix='pip install "zenith-security[validation]"',
        ) from None
    if len(text) > MAX_PHONE or not is_clean(text):
        raise ValueError(text)
    try:
        found = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise ValueError(text) from None
    if found.extension or not phonenumbers.is_valid_number(found):
        raise ValueError(text)
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


Email: TypeAlias = Annotated[
    str,
    before(_email, "email", "Enter a valid e-mail address, such as name@example.org"),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_EMAIL}),
]
"""One spelling for each mailbox: RFC 5322 and 6531 syntax, in small letters (ASCII), the domain as
IDNA 2008 maps it. Who wants to show the owner's capitals keeps them beside it."""
Url: TypeAlias = Annotated[
    str,
    before(_url, "url", "Enter a web address, such as https://www.example.org/"),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": MAX_URL}),
]
"""`http` or `https`, a host, no user and password in it; as WHATWG's standard writes it. It says
nothing about where the address leads: calling it is the outbound client's business."""


def phone_number(region: str | None = None) -> Any:
    """The type of telephone numbers, written as E.164. Numbers without a country's prefix are those
    of `region` (ISO 3166 alpha-2); without a region they are refused.
    """
    return Annotated[
        str,
        before(
            partial(_phone, region=region),
            "phone_number",
            "Enter a telephone number with its country, such as +41 44 668 18 00",
        ),
        WithJsonSchema({"type": "string", "format": "phone", "examples": ["+41446681800"]}),
    ]


PhoneNumber: TypeAlias = Annotated[
    str,
    before(
        partial(_phone, region=None),
        "phone_number",
        "Enter a telephone number with its country, such as +41 44 668 18 00",
    ),
    WithJsonSchema({"type": "string", "format": "phone", "examples": ["+41446681800"]}),
]
"""A number that its country assigns, as E.164: `+41446681800`. Extensions are refused."""
