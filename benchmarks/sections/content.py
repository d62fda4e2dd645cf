"""HTML that others wrote, sanitized."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import nh3

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import interleave, repeat
from zenith.content import BASIC, sanitize_html

TITLE = "Content (CPU time for HTML of one KiB and of 50)"
ROUNDS = 40
KIB = 1024
TEXT = (
    "<p>It was <em>late</em> in the year when the last of the ships came in, and nobody at the "
    'harbour had expected her any more. The <a href="https://example.org/log?day=12&amp;page=3" '
    'title="The log">log</a> says that she had lost her foremast in a storm off the cape, that the '
    "water had been rationed for a week, and that the captain kept to his cabin &amp; spoke to no "
    "one but the cook.</p><script>alert(1)</script>"
)
ALLOWED = 1.1


async def measure(options: Options) -> AsyncIterator[Row]:
    """The same profile, by the library alone and with all that comes with it."""
    cleaner = nh3.Cleaner(
        tags=set(BASIC.tags),
        attributes={tag: set(names) for tag, names in BASIC.attributes.items()},
        url_schemes=set(BASIC.url_schemes),
        link_rel=BASIC.rel,
    )
    for name, size in (("1 KB", KIB), ("50 KB", 50 * KIB)):
        text = (TEXT * (size // len(TEXT) + 1))[:size]
        if "alert" in sanitize_html(text):
            raise RuntimeError("a script is kept")
        found = await interleave(
            {
                "ours": repeat(partial(sanitize_html, text)),
                "nh3": repeat(partial(cleaner.clean, text)),
            },
            rounds=options.rounds(ROUNDS),
        )
        ratio, spread = found.ratio("ours", "nh3")
        yield Row(
            name=f"sanitize {name}",
            ours=found.of("ours"),
            peer_name="nh3",
            peer=found.of("nh3"),
            ratio=ratio,
            spread=spread,
            budget=Budget(value=ALLOWED, of="ratio"),
        )
