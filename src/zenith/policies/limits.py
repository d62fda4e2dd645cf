"""How large a policy may be, so that none takes the process with it (ASVS 2.2.1)."""

from __future__ import annotations

from typing import Final

MAX_RULES: Final = 100_000
"""Rules in one policy."""
MAX_CONDITIONS: Final = 1_000
"""Conditions and groups in one rule."""
MAX_DEPTH: Final = 32
"""Levels of groups within each other."""
MAX_NAMES: Final = 1_000
"""Actions or fields that one rule names."""
MAX_SEGMENTS: Final = 8
"""Names in the path of an attribute."""
MAX_ELEMENTS: Final = 10_000
"""Values in a list that is written into a rule."""
MAX_TEXT: Final = 10_000
"""Characters of a text that is written into a rule."""
MAX_NAME: Final = 200
"""Characters of the name of a policy, a rule, an action or a field."""
MAX_PATTERN: Final = 1_000
"""Characters of a regular expression."""
MAX_MATCHED: Final = 65_536
"""Characters of a text that a regular expression is tried on; a longer one is unknown."""
MAX_STEPS: Final = 1 << 26
"""Characters of a text, times the steps into which an expression is compiled, about a tenth of a
second at worst: expressions of more than a thousand steps are tried on shorter texts."""
MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes of a file."""
MAX_FILE_DEPTH: Final = 2 * MAX_DEPTH + 16
"""Levels of lists and mappings within each other in a file."""
MAX_DIGITS: Final = 1_000
"""Digits of a number in a file."""
MAX_POLICIES: Final = 100_000
"""Policies in one file."""
