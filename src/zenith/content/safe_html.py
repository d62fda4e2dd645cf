"""HTML that templates need not escape, as a type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from zenith.content.fields import text_schema
from zenith.content.sanitizer import sanitizer
from zenith.content.settings import BASIC, HtmlProfile

T = TypeVar("T", bound=str)


class SafeHTML(str):
    """HTML within its class's profile, which is BASIC here: `SafeHTML(text)` sanitizes, and so does
    a Pydantic field of this type.

    Threat: markup that somebody trusted because of where it came from (ASVS 1.3.1). Whatever is
    made of one by adding, cutting or formatting is an ordinary string again, which templates
    escape. Raises ContentError as `sanitize_html` does.

    A profile of one's own: `class Bio(SafeHTML, profile=HtmlProfile(tags=("em",)))`.
    """

    __slots__ = ()
    profile: ClassVar[HtmlProfile] = BASIC

    def __init_subclass__(cls, *, profile: HtmlProfile | None = None, **extra: Any) -> None:
        super().__init_subclass__(**extra)
        if profile is not None:
            cls.profile = profile

    def __new__(cls, html: str = "") -> Self:
        return marked(cls, sanitizer(cls.profile)(html))

    def __html__(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # A copy is not sanitized again: it may have come of a larger profile than its class's.
        return marked, (type(self), str(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return text_schema(cls, max_length=cls.profile.max_length)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "contentMediaType": "text/html"}


def marked(kind: type[T], html: str) -> T:
    """`html` as it is, marked as safe: for what was sanitized just now, and for nothing else."""
    return str.__new__(kind, html)


def sanitize_html(html: str, *, profile: HtmlProfile = BASIC) -> SafeHTML:
    """What `profile` leaves of HTML that others wrote: without more, the tags p, br, strong, em, a,
    ul, ol and li, and of attributes `href` and `title` of links.

    Raises ContentError where it is longer than the profile allows, or holds half a character.
    """
    return marked(SafeHTML, sanitizer(profile)(html))
