"""A second opinion on HTML: Python's own parser, which knows nothing of the sanitizer."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from zenith.content import HtmlProfile

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "xss.json"
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
ADDRESSES = frozenset({"href", "src", "cite"})


def fixtures() -> list[str]:
    """Every fixture of every family."""
    families = json.loads(VECTORS.read_text(encoding="utf-8"))
    return [html for name, family in families.items() if name != "about" for html in family]


class _Strict(HTMLParser):
    def __init__(self, profile: HtmlProfile) -> None:
        super().__init__(convert_charrefs=True)
        self.profile = profile
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        if tag not in self.profile.tags:
            self.found.append(f"<{tag}>")
        allowed = {*self.profile.attributes.get(tag, ()), *(["rel"] if tag == "a" else [])}
        for name, value in attrs:
            if name not in allowed:
                self.found.append(f"{tag} {name}=")
            if name in ADDRESSES:
                scheme = _SCHEME.match(_IGNORED.sub("", value or "").lower())
                if scheme and scheme[1] not in self.profile.url_schemes:
                    self.found.append(f"{tag} {name}={value}")

    def handle_comment(self, data) -> None:
        self.found.append("a comment")

    def handle_decl(self, decl) -> None:
        self.found.append("a declaration")

    def unknown_decl(self, data) -> None:
        self.found.append("a declaration")

    def handle_pi(self, data) -> None:
        self.found.append("an instruction")


def dangers(html: str, profile: HtmlProfile) -> list[str]:
    """What of `html` the profile would not let stay."""
    parser = _Strict(profile)
    parser.feed(html)
    parser.close()
    return parser.found
