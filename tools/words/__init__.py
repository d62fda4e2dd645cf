"""The lists of common passwords and words, the most common first; the package has them packed.

`src/zenith/passwords/data/NOTICE.md` says where they come from.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

from zenith.passwords.dictionary import Dictionary

FOLDER: Final = Path(__file__).parent
PACKED: Final = FOLDER.parents[1] / "src/zenith/passwords/data/words.bin"


def lines(name: str) -> list[str]:
    """The words of a list."""
    packed = (FOLDER / f"{name}.txt.gz").read_bytes()
    return gzip.decompress(packed).decode("utf-8").splitlines()


def dictionary() -> Dictionary:
    """All lists together."""
    return Dictionary(common=lines("common-passwords"), words=lines("common-words"))
