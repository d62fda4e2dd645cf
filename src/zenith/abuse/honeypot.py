"""Fields that people do not see, and the time that people need."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.keys import Secret, derive, sign

TRAP: Final = "homepage"
"""The form field that programs fill and people do not see."""
STAMP: Final = "form_stamp"
"""The form field that says when the form was made."""
TRAP_CLASS: Final = "zenith-trap"
MAX_STAMP: Final = 128
LONGEST: Final = 24 * 60 * 60.0
"""Seconds after which a stamp says nothing any more: the page was open for days."""


class Honeypot:
    """Tells programs that fill forms from people, without asking people for anything.

    Threat: simple programs that register and post by the thousand (ASVS 2.4.1). A field that style
    sheets hide is filled by programs alone; a sealed time says how long the form took. Whoever
    writes a program for this very form gets past both: that is what challenges are for.
    """

    def __init__(self, secrets: Sequence[Secret], *, clock: Clock = wall_clock) -> None:
        self._keys: Final = [derive(secret, "abuse/honeypot") for secret in secrets]
        self._clock: Final = clock

    def stamp(self, form: str) -> str:
        """The sealed time of now, for one form."""
        moment = f"{self._clock():.3f}"
        return f"{moment}.{sign(self._keys[0], f'{form} {moment}')}"

    def catches(self, form: str, *, trap: str, stamp: str, fastest: float = 0.0) -> str:
        """Why whoever sent the form is a program; empty for a person.

        `trap` and `stamp` are the two fields as they came, `fastest` the seconds that a person
        needs at least; with 0 a stamp may be missing.
        """
        if trap:
            return "a field that people do not see was filled"
        if not stamp:
            return "the form was never shown" if fastest > 0 else ""
        moment, _, seal = stamp.rpartition(".")
        text = f"{form} {moment}"
        if len(stamp) > MAX_STAMP or not stamp.isascii():
            return "a forged stamp"
        if not any(hmac.compare_digest(sign(key, text), seal) for key in self._keys):
            return "a forged stamp"
        age = self._clock() - float(moment)
        if age > LONGEST:
            return "a stamp of another day" if fastest > 0 else ""
        return f"sent within {max(age, 0.0):.1f} s" if age < fastest else ""
