"""The pages of the documentation, their fenced blocks and their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=ticks)$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
SOURCE = re.compile(r'(?:src|srcset|href)="(?P<target>[^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text and the line on which the text begins."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def blocks(self, language: str | None = None) -> list[Block]:
        found = [
            Block(
                language=match["info"].strip(),
                text=match["text"],
                line=self.text.count("\n", 0, match.start("text")) + 1,
            )
            for match in FENCE.finditer(self.text)
        ]
        return [block for block in found if language in (None, block.language)]

    @property
    def prose(self) -> str:
        return FENCE.sub("", self.text)

    def links(self) -> Iterator[str]:
        for pattern in (LINK, SOURCE):
            yield from (match["target"] for match in pattern.finditer(self.prose))


def pages() -> list[Page]:
    """README, CONTRIBUTING, SECURITY and everything below `docs`."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [Page(path) for path in (*top, *sorted((ROOT / "docs").rglob("*.md")))]
