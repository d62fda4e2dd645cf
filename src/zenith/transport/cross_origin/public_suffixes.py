"""Domains below which anybody can have a name: `co.uk`, `github.io`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

LIST: Final = "data/public_suffixes.txt"
EXCEPTION: Final = "!"
ANY: Final = "*."
REMARK: Final = "#"


def is_open_below(domain: str) -> bool:
    """Whether somebody else can have a name below `domain`, in lower case and without `*.`.

    By the Public Suffix List as it was at the release: a domain is open where it is a public suffix
    itself, or holds one.
    """
    rules, holders = _rules()
    if domain in rules or domain in holders:
        return True
    parent = domain.partition(".")[2]
    return ANY + parent in rules and EXCEPTION + domain not in rules


@cache
def _rules() -> tuple[frozenset[str], frozenset[str]]:
    """The rules, and every domain that stands above one of them. Read when first asked for: few
    applications name a pattern.
    """
    text = files("zenith.transport").joinpath(LIST).read_text("ascii")
    rules = frozenset(line for line in text.splitlines() if not line.startswith(REMARK))
    holders: set[str] = set()
    for rule in rules:
        above = "" if rule.startswith(EXCEPTION) else rule.partition(".")[2]
        while above:
            holders.add(above)
            above = above.partition(".")[2]
    return rules, frozenset(holders)
