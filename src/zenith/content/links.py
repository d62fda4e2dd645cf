"""Addresses in text, made into links."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Final

from zenith.content.errors import UnsafeUrlError
from zenith.content.safe_html import SafeHTML, marked
from zenith.content.settings import BASIC, HtmlProfile
from zenith.content.urls import MAX_URL, normalize

# Sanitized HTML is written anew by its sanitizer: quotes are double, and every tag is whole.
_TAG: Final = re.compile(r'(<[^<>"]*(?:"[^"]*"[^<>"]*)*>)')
_TAG_NAME: Final = re.compile(r"<(/?)([a-z0-9]+)")
UNTOUCHED: Final = frozenset({"a", "code", "pre", "kbd", "samp", "tt"})
"""Text within them stays as it is."""
_HINT: Final = re.compile(r"(?i)https?://|www\.|@")
_ADDRESS: Final = re.compile(
    r"""(?ix)
    (?<![\w@./:%+-])
    (?:
        (?P<url> (?:https?://|www\.) [^\s<>"'`\\^{|}\x00-\x20\x7f-\xa0]+ )
      | (?P<mail> [a-z0-9_+-]{1,64} (?:\.[a-z0-9_+-]{1,64}){0,8}
                  @ (?:[a-z0-9-]{1,63}\.){1,8} [a-z]{2,63} (?![\w@-]) )
    )
    """,
    re.ASCII,
)
_AFTER: Final = ".,:;!?*_~'\"\u2026\u201d\u2019\u00bb\u3002\uff0c"
_PAIRS: Final = {")": "(", "]": "["}


def linkify(content: str, *, profile: HtmlProfile = BASIC) -> SafeHTML:
    """Bare addresses of http, https and e-mail as links, with the `rel` of `profile`.

    `content` is text, which is escaped; or SafeHTML, whose links, code and `<pre>` stay as they
    are. Addresses that `safe_url` refuses stay text. A host in another script is shown as
    `xn--...`, in the text of the link as well: what is read is where it leads.
    """
    if not isinstance(content, SafeHTML):
        return marked(SafeHTML, _link_text(content, profile))
    if "a" not in profile.tags or not _HINT.search(content):
        return marked(SafeHTML, str(content))
    pieces = _TAG.split(content)
    depth = 0
    for position, piece in enumerate(pieces):
        if position % 2:
            depth += _step(piece)
        elif depth == 0 and _HINT.search(piece):
            pieces[position] = _link_text(unescape(piece), profile)
    return marked(SafeHTML, "".join(pieces))


def _step(tag: str) -> int:
    """How much deeper inside untouched elements the text after `tag` is."""
    found = _TAG_NAME.match(tag)
    if found is None or found[2] not in UNTOUCHED:
        return 0
    return -1 if found[1] else 1


def _link_text(text: str, profile: HtmlProfile) -> str:
    """Text, escaped, with links in it."""
    done: list[str] = []
    position = 0
    for found in _ADDRESS.finditer(text):
        shown = _trimmed(found[0]) if found["url"] else found[0]
        link = _link(shown, profile, is_mail=bool(found["mail"]))
        if link is None:
            continue
        done += (_text(text[position : found.start()]), link)
        position = found.start() + len(shown)
    done.append(_text(text[position:]))
    return "".join(done)


def _link(shown: str, profile: HtmlProfile, *, is_mail: bool) -> str | None:
    bare = "://" not in shown[: len("https://")]
    wanted = f"{'mailto:' if is_mail else 'https://' if bare else ''}{shown}"
    try:
        href = normalize(wanted, profile.url_schemes)
    except UnsafeUrlError:
        return None
    if not shown.isascii():
        shown = href
    return f'<a href="{escape(href)}" rel="{escape(profile.rel)}">{_text(shown)}</a>'


def _trimmed(url: str) -> str:
    """Without the full stop of the sentence, and the bracket around it."""
    url = url[: MAX_URL + 1]
    while (last := url[-1]) in _AFTER or url.count(last) > url.count(_PAIRS.get(last, last)):
        url = url[:-1]
    return url


def _text(text: str) -> str:
    """Text within an element, as the sanitizer writes it: what is linked is sanitized still."""
    return escape(text, quote=False).replace("\xa0", "&nbsp;")
