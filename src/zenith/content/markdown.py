"""Markdown that others wrote, as safe HTML."""

from __future__ import annotations

from functools import cache
from typing import Final

from zenith.content.errors import ContentError
from zenith.content.safe_html import SafeHTML, marked
from zenith.content.sanitizer import sanitizer
from zenith.content.settings import ARTICLE, HtmlProfile
from zenith.kernel.errors import ConfigurationError

try:
    from markdown_it import MarkdownIt
except ImportError:
    raise ConfigurationError(
        "Markdown is read by a library that is not installed",
        fix="pip install 'zenith-security[content]'",
    ) from None

MAX_LENGTH: Final = 20_000


@cache
def _reader() -> MarkdownIt:
    # Tags within the text are shown, not obeyed.
    reader = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False})
    return reader.enable(["table", "strikethrough"])


def markdown_to_html(
    text: str, *, profile: HtmlProfile = ARTICLE, max_length: int = MAX_LENGTH
) -> SafeHTML:
    """CommonMark with tables and ~~deletions~~ as HTML, sanitized by `profile`.

    Threat: addresses that run scripts, and HTML within Markdown (ASVS 1.3.5). Tags in the text are
    shown as text; what the reader of Markdown writes is sanitized all the same. Raises ContentError
    beyond `max_length` characters. Reading takes a few ms for each 1,000 of them, and up to 25 ms
    where they are hostile: what comes from strangers belongs into `asyncio.to_thread`.
    """
    if len(text) > max_length:
        raise ContentError(f"Text of at most {max_length} characters", fault="too_long")
    return marked(SafeHTML, sanitizer(profile)(_reader().render(text)))
