"""E-mail addresses of services that hand out mailboxes for minutes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal, TypeAlias

from zenith.abuse.errors import DisposableEmailError
from zenith.kernel.errors import ConfigurationError

DisposableMode: TypeAlias = Literal["refuse", "mark", "allow"]
_DOMAIN: Final = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"
)
PACKAGED: Final = "data/disposable_domains.txt"


class DisposableDomains:
    """Knows such domains and whatever is below them.

    Threat: accounts by the thousand, each with an address that nobody answers for and that anybody
    can read later, resets of passwords included (ASVS 2.4.1, 6.4.3). The packaged list names
    services that say themselves what they are; `file` adds names (one or more a line, `#` begins a
    remark), `allowed` takes some away with all that is below them. What is asked depends on the
    address alone, never on whether an account has it.

    Raises ConfigurationError for a file or names that cannot be read.
    """

    def __init__(
        self,
        mode: DisposableMode = "refuse",
        *,
        file: Path | None = None,
        allowed: Iterable[str] = (),
    ) -> None:
        self.mode: Final = mode
        self._own: Final = frozenset() if file is None else _read(file)
        self._allowed: Final = frozenset(name.strip().lower().lstrip(".") for name in allowed)

    def holds(self, email: str) -> bool:
        """Whether an e-mail address, or a domain, is disposable."""
        domain = email.rpartition("@")[2].strip().rstrip(".").lower()
        if not domain.isascii():
            try:
                domain = domain.encode("idna").decode("ascii")
            except UnicodeError:
                return False
        known = packaged_domains()
        while "." in domain:
            if domain in self._allowed:
                return False
            if domain in known or domain in self._own:
                return True
            domain = domain.partition(".")[2]
        return False

    def check(self, email: str) -> bool:
        """Whether the address is to be marked. Raises DisposableEmailError if it is refused."""
        if self.mode == "allow" or not self.holds(email):
            return False
        if self.mode == "refuse":
            raise DisposableEmailError
        return True


@cache
def packaged_domains() -> frozenset[str]:
    """The names that come with the package; read when they are first asked for."""
    text = (
        resources.files("zenith.abuse").joinpath("data/disposable_domains.txt").read_text("ascii")
    )
    return _domains(text)


def _read(file: Path) -> frozenset[str]:
    try:
        found = _domains(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"abuse.disposable_file cannot be read: {type(error).__name__}",
            fix="name a text file of domains in UTF-8",
        ) from None
    for name in found:
        if not _DOMAIN.fullmatch(name):
            raise ConfigurationError(
                f"abuse.disposable_file holds `{name[:80]}`, which is no domain",
                fix="write domains such as mailinator.com; other letters in their xn-- form",
            )
    return found


def _domains(text: str) -> frozenset[str]:
    lines = (line.partition("#")[0] for line in text.lower().splitlines())
    return frozenset(name for line in lines for name in line.split())
