"""Text without markup and without what cannot be seen, as a type."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from zenith.content.characters import HIDDEN, LINE_ENDS, SURROGATE, has_hidden, without_hidden
from zenith.content.errors import ContentError
from zenith.content.fields import text_schema
from zenith.kernel.normal_forms import normalized

Hidden: TypeAlias = Literal["refuse", "remove"]
MAX_LENGTH = 10_000


def clean_text(
    text: str, *, hidden: Hidden = "refuse", multiline: bool = False, max_length: int = MAX_LENGTH
) -> str:
    r"""`text` in Unicode's form NFC, without characters that cannot be seen.

    Threat: control characters that terminals and parsers obey; overrides and isolates that show
    text in another order than it is stored; zero-width characters and tags that make two names look
    alike or carry a hidden message (ASVS 1.3.3, UTR 36). Joiners and selectors stay where a script
    or an emoji needs them, and marks within flags.

    `hidden` says what becomes of such characters. Line ends become `\n` where `multiline`, and are
    hidden characters where not; so are tabs. Half a character is refused always. Raises
    ContentError, with the fault `hidden_characters`, `half_character` or `too_long`.
    """
    if len(text) > max_length:
        raise _too_long(max_length)
    if SURROGATE.search(text):
        raise ContentError("Text with half a character", fault="half_character")
    # Normalized first: removing may bring together what was kept apart, but adds nothing hidden.
    text = LINE_ENDS.sub("\n", normalized("NFC", text))
    spaced = text if multiline else text.replace("\n", " ").replace("\t", " ")
    if hidden == "remove":
        text = normalized("NFC", without_hidden(spaced))
        if has_hidden(text):
            # Marks that changed places took from a joiner what it joined.
            text = normalized("NFC", HIDDEN.sub("", text))
    elif has_hidden(spaced) or spaced != text:
        raise ContentError("Text with characters that cannot be seen", fault="hidden_characters")
    if len(text) > max_length:
        raise _too_long(max_length)
    return text


def _too_long(max_length: int) -> ContentError:
    return ContentError(f"Text of at most {max_length} characters", fault="too_long")


class PlainText(str):
    """One line of text: `PlainText(text)` is cleaned by `clean_text`, and so is a Pydantic field of
    this type. It is an ordinary string, which templates escape.

    Others by subclass: `class Bio(PlainText, hidden="remove", multiline=True, max_length=500)`.
    Raises ContentError as `clean_text` does.
    """

    __slots__ = ()
    hidden: ClassVar[Hidden] = "refuse"
    multiline: ClassVar[bool] = False
    max_length: ClassVar[int] = MAX_LENGTH

    def __init_subclass__(
        cls,
        *,
        hidden: Hidden | None = None,
        multiline: bool | None = None,
        max_length: int | None = None,
        **extra: Any,
    ) -> None:
        super().__init_subclass__(**extra)
        cls.hidden = cls.hidden if hidden is None else hidden
        cls.multiline = cls.multiline if multiline is None else multiline
        cls.max_length = cls.max_length if max_length is None else max_length

    def __new__(cls, text: str = "") -> Self:
        cleaned = clean_text(
            text, hidden=cls.hidden, multiline=cls.multiline, max_length=cls.max_length
        )
        return str.__new__(cls, cleaned)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return text_schema(cls, max_length=cls.max_length)
