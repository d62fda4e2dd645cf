"""`python -m tools.public_suffixes FILE`: makes the package's list of public suffixes from the file
`public_suffix_list.dat` of https://publicsuffix.org/list/.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

PACKAGED: Final = Path(__file__).parents[1] / "src/zenith/transport/data/public_suffixes.txt"
HEAD: Final = """\
# Domains below which anybody can have a name: the Public Suffix List of https://publicsuffix.org/,
# {version}, without its remarks and its top-level domains, in the form of the DNS.
# This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of
# the MPL was not distributed with this file, you can obtain one at https://mozilla.org/MPL/2.0/.
"""


def packaged(text: str) -> str:
    """The list as the package has it."""
    lines = [line.strip() for line in text.splitlines()]
    version = next(line for line in lines if line.startswith("// VERSION: "))[3:]
    rules = {line.split()[0] for line in lines if line and not line.startswith("//")}
    return HEAD.format(version=version) + "".join(
        f"{rule}\n" for rule in sorted(map(_in_dns, rules)) if "." in rule
    )


def _in_dns(rule: str) -> str:
    mark = "!" if rule.startswith("!") else ""
    labels = rule.removeprefix("!").split(".")
    return mark + ".".join(
        label if label.isascii() else label.encode("idna").decode("ascii") for label in labels
    )


if __name__ == "__main__":
    PACKAGED.write_text(packaged(Path(sys.argv[1]).read_text("utf-8")), "ascii")
