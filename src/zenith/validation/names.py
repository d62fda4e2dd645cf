"""Names and numbers of people: usernames, slugs, names as they are read, ages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from zenith.validation.canonical import (
    folded,
    is_clean,
    is_one_script,
    nfc,
    skeleton,
    without_joiners,
)

MAX_RAW: Final = 4096
"""Characters that are looked at; a value that is longer is refused unread."""
_USERNAME: Final = re.compile(r"[a-z0-9_]{3,20}")
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_SLUG: Final = 80
MAX_PERSON_NAME: Final = 100
SHORTEST, LONGEST = 3, 20
_RESERVED_TABLE: Final = """
abuse admin administrator anonymous api everyone help hostmaster info login logout mail me
moderator nobody null operator owner postmaster register root security self settings signin signup
staff support sysadmin system test undefined user users webmaster www zenith
"""
RESERVED: Final = frozenset(_RESERVED_TABLE.split())
"""Names that others take for the operator's own."""
_LOOKS_RESERVED: Final = frozenset(map(skeleton, RESERVED))


def before(function: Callable[[str], str], kind: str, message: str) -> BeforeValidator:
    """Bring text into its form before anything else sees it. What is no text is left to Pydantic;
    what has no such form is refused with `kind` and `message`, which repeat nothing of it.
    """

    def canonical(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if len(value) > MAX_RAW:
            raise PydanticCustomError(kind, message)  # pyright: ignore[reportArgumentType]
        try:
            return function(value)
        except ValueError:
            raise PydanticCustomError(kind, message) from None  # pyright: ignore[reportArgumentType]

    return BeforeValidator(canonical)


def is_reserved(username: str) -> bool:
    """Whether a canonical username would be taken for the operator's."""
    return username in RESERVED


def _username(text: str) -> str:
    name = folded(text)
    if _USERNAME.fullmatch(name) is None:
        raise ValueError(name)
    return name


def _international(text: str) -> str:
    name = folded(text)
    letters = name.replace("_", "")
    if not SHORTEST <= len(name) <= LONGEST or not letters.isalnum() or not is_clean(name):
        raise ValueError(name)
    if not is_one_script(name) or not any(each.isalpha() for each in letters):
        raise ValueError(name)
    return name


def _slug(text: str) -> str:
    slug = folded(text)
    if len(slug) > MAX_SLUG or _SLUG.fullmatch(slug) is None:
        raise ValueError(slug)
    return slug


def _person_name(text: str) -> str:
    name = nfc(text)
    if not name or len(name) > MAX_PERSON_NAME or not is_clean(without_joiners(name)):
        raise ValueError(name)
    return name


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


def _is_free_to_take(name: str) -> str:
    if is_reserved(name):
        raise PydanticCustomError("username_reserved", "This name is reserved")
    return name


def _is_free_by_looks(name: str) -> str:
    if not name.isascii() and skeleton(name) in _LOOKS_RESERVED:
        raise PydanticCustomError("username_reserved", "This name is reserved")
    return _is_free_to_take(name)


_SAYS_USERNAME: Final = "Username must be 3-20 letters, digits or underscores"
Username: TypeAlias = Annotated[
    str,
    before(_username, "username", _SAYS_USERNAME),
    AfterValidator(_is_free_to_take),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_]{3,20}$", "examples": ["ada_l"]}),
]
"""3 to 20 of `a-z`, `0-9` and `_`, in small letters whatever was sent; no reserved name."""
InternationalUsername: TypeAlias = Annotated[
    str,
    before(_international, "username", f"{_SAYS_USERNAME} of one script"),
    AfterValidator(_is_free_by_looks),
    WithJsonSchema({"type": "string", "minLength": SHORTEST, "maxLength": LONGEST}),
]
"""The same with letters of any one script; mixed scripts are refused. Keep `skeleton(name)` in a
unique column too: a whole name in look-alike letters is of one script."""
Slug: TypeAlias = Annotated[
    str,
    before(_slug, "slug", "Slug must be words of a-z and 0-9 joined by hyphens"),
    WithJsonSchema(
        {"type": "string", "maxLength": MAX_SLUG, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}
    ),
]
"""Words of `a-z` and `0-9` joined by hyphens, up to 80 characters."""
PersonName: TypeAlias = Annotated[
    str,
    before(_person_name, "person_name", "Name must be 1-100 characters that can be seen"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_PERSON_NAME}),
]
"""A name as its bearer writes it (NFC): any letters, no control or invisible characters."""
Age: TypeAlias = Annotated[int, BeforeValidator(_no_truth), Field(ge=13, le=120)]
"""13 to 120, whole years. `true` is no age."""
