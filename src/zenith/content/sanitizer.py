"""HTML that others wrote, reduced to what cannot harm."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from zenith.content.errors import ContentError
from zenith.content.nesting import check_nesting
from zenith.content.settings import HtmlProfile
from zenith.kernel.errors import ConfigurationError

try:
    import nh3
except ImportError:
    raise ConfigurationError(
        "HTML is sanitized by a library that is not installed",
        fix="pip install 'zenith-security[content]'",
    ) from None

WITHOUT_TRACE: Final = frozenset(
    (
        "script", "style", "svg", "math", "iframe", "object", "embed", "template", "noscript",
        "noembed", "noframes", "title", "textarea", "xmp", "plaintext", "select", "frameset",
    )
)  # fmt: skip
"""Elements of which the text goes as well: it was meant for a program, or is read by other rules
where they are known and where they are not."""
_SLASHLESS: Final = re.compile(r"https?:(?![/\\]{2})", re.IGNORECASE)
_SKIPPED: Final = re.compile(r"\A[\x00-\x20]+|[\t\r\n]")
"""What browsers leave out of an address."""
_LINES: Final = re.compile(r"<pre(?: [^>]*)?>(?=\n)")
"""Browsers leave out the first line end within: one that is to be seen is written twice."""
KEPT: Final = 64
"""Compiled profiles that are kept."""


class Sanitizer:
    """A profile, compiled once: `Sanitizer(profile)(html)`.

    Threat: stored cross-site scripting by text that pages show as HTML, and by HTML that means
    something else once it is read a second time (ASVS 1.3.1). What is not named is not let through;
    nothing is searched for. nh3 parses as browsers do and writes anew what it understood.
    """

    __slots__ = ("_clean", "_has_lines", "profile")

    def __init__(self, profile: HtmlProfile) -> None:
        self.profile: Final = profile
        self._has_lines: Final = "pre" in profile.tags
        attributes = {tag: set(names) for tag, names in profile.attributes.items()}
        attributes["*"] = set()  # else the library lets some stay on every tag
        self._clean: Final = nh3.Cleaner(
            tags=set(profile.tags),
            clean_content_tags=set(WITHOUT_TRACE),
            attributes=attributes,
            link_rel=profile.rel,
            url_schemes=set(profile.url_schemes),
            allowed_classes={tag: set(names) for tag, names in profile.classes.items()} or None,
            url_relative=None if profile.relative_urls else "deny",
            attribute_filter=None if profile.relative_urls else _absolute,
        ).clean

    def __call__(self, html: str) -> str:
        """What the profile leaves of `html`. Raises ContentError where it is too long, nested
        too deep, or holds half a character (a lone surrogate).
        """
        if len(html) > self.profile.max_length:
            raise ContentError(
                f"Text of at most {self.profile.max_length} characters", fault="too_long"
            )
        check_nesting(html)
        try:
            # Of several marks at the front each reading would take one.
            left = self._clean(html).lstrip("\ufeff")
        except UnicodeEncodeError:
            raise ContentError("Text with half a character", fault="half_character") from None
        return _LINES.sub("\\g<0>\n", left) if self._has_lines else left


def _absolute(tag: str, name: str, value: str) -> str | None:
    """Leave `https:path` out, which on a page of https is a path of that page's own site."""
    del tag
    is_path = name in {"href", "src"} and _SLASHLESS.match(_SKIPPED.sub("", value))
    return None if is_path else value


@lru_cache(maxsize=KEPT)
def sanitizer(profile: HtmlProfile) -> Sanitizer:
    """The compiled `profile`, from the last time if it was asked for lately."""
    return Sanitizer(profile)
