"""`python -m tools.words`: packs the lists of common passwords and words for the package."""

from __future__ import annotations

from tools.words import PACKED, dictionary

PACKED.write_bytes(dictionary().packed())
