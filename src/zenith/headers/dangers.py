"""Policies that look like protection and give none; each must be asked for by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from zenith.headers.sources import (
    NONE,
    UNSAFE_EVAL,
    UNSAFE_HASHES,
    UNSAFE_INLINE,
    is_anywhere,
    is_public_host,
)

Lists: TypeAlias = Mapping[str, tuple[str, ...] | None]
Danger: TypeAlias = tuple[str, str]

_NO_FALLBACK: Final = {
    "base_uri": "allow_base_anywhere",
    "form_action": "allow_forms_to_anywhere",
    "frame_ancestors": "allow_framing_by_anyone",
}


def find_dangers(lists: Lists) -> Iterator[Danger]:
    """What is unsafe in a policy: the field that would have to admit it, and what it is.

    `lists` holds the source lists by field name. A list that is left out is judged by what the
    browser falls back to, for leaving it out must be no way around the check.
    """
    yield from _of_scripts(lists)
    yield from _of_styles(lists)
    if _effective(lists, "object_src") != (NONE,):
        yield "allow_plugins", "object-src is not 'none'"
    for name, flag in _NO_FALLBACK.items():
        directive = name.replace("_", "-")
        sources = lists[name]
        if sources is None:
            yield flag, f"{directive} is left out and has no fallback"
        for source in sources or ():
            if is_anywhere(source):
                yield flag, f"{directive} lists {source}"


def _effective(lists: Lists, name: str) -> tuple[str, ...] | None:
    own = lists[name]
    return lists["default_src"] if own is None else own


def _of_scripts(lists: Lists) -> Iterator[Danger]:
    if _effective(lists, "script_src") is None:
        yield "allow_scripts_from_anywhere", "neither script-src nor default-src is given"
    for sources in _family(lists, "script_src"):
        for source in sources:
            if source in (UNSAFE_INLINE, UNSAFE_HASHES):
                yield "allow_inline_scripts", f"scripts may be {source}"
            elif source == UNSAFE_EVAL:
                yield "allow_eval", f"scripts may be {source}"
            elif is_anywhere(source):
                yield "allow_scripts_from_anywhere", f"scripts may come from {source}"
            elif is_public_host(source):
                yield "allow_scripts_from_public_hosts", f"scripts may come from {source}"


def _of_styles(lists: Lists) -> Iterator[Danger]:
    if _effective(lists, "style_src") is None:
        yield "allow_styles_from_anywhere", "neither style-src nor default-src is given"
    for sources in _family(lists, "style_src"):
        for source in sources:
            if source in (UNSAFE_INLINE, UNSAFE_HASHES):
                yield "allow_inline_styles", f"styles may be {source}"
            elif is_anywhere(source):
                yield "allow_styles_from_anywhere", f"styles may come from {source}"


def _family(lists: Lists, name: str) -> Iterator[tuple[str, ...]]:
    for sources in (_effective(lists, name), lists[f"{name}_elem"], lists[f"{name}_attr"]):
        if sources is not None:
            yield sources
