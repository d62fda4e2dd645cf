"""Text without secrets and without characters that forge lines: what every log is held to.

Threat: a log is read by more people than the database, kept longer and sent further. A token in
it is a stolen token (ASVS 16.2.5, 14.2.4); a line end in it is a forged record (ASVS 16.4.1).
The time taken grows with the length of the text alone: what repeats in a pattern is possessive or
bounded, and no character is looked at again because of what other text says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from zenith.kernel import redaction_patterns as patterns
from zenith.kernel.cards import without_cards

REDACTED: Final = "[redacted]"
MAX_TEXT: Final = 16_384
"""Characters of one text that are kept."""
MARGIN: Final = 512
"""Characters before a cut that are left out with it: they may be the beginning of a secret."""
MAX_NAME: Final = 256

_SECRET_NAMES: Final = re.compile(
    r"passw|passphrase|passcode|(?<![my])pass[0-9]*\Z|pwd|secret|token|authori[sz]ation|cookie"
    r"|apikey|credential|privatekey|(?:access|signing|encryption|master|account)keys?(?!ids?\Z)"
    r"|(?:recovery|onetime|otp|backup|device)code|codeverifier|[cx]srf|jwt|bearer"
    r"|otp\Z|cv[vc]2?(?:\Z|code|number)"
    r"|\Asession\Z|sessid|jsessionid|connectsid"  # cookies of other makers
)
_SHORT_NAMES: Final = re.compile(r"(?<![a-z])(?:[ht]?otp|cv[vc])(?![a-z])")
"""Those that are in many a name (`root_path`, `recv_count`) where it is written without breaks."""
_PLAIN_NAMES: Final = frozenset({"tokenid", "tokentype", "apikeyid", "credentialid"})
"""Names with such a word in them that hold no secret."""
_NOT_LETTERS: Final = re.compile(r"[^a-z0-9]")
_CONTROL: Final = re.compile(r"[^\x20-\x7e]")


_SIGNS: Final = b"=:'\">%"
"""What stands between a name and its value."""
_CONTROLS: Final = bytes((*range(0x20), 0x7F))
_KINDS: Final = bytes.maketrans(
    b"123456789" + _SIGNS + _CONTROLS, b"0" * 9 + b"=" * len(_SIGNS) + b"\0" * len(_CONTROLS)
)
"""One character for each kind of characters: to look for a kind is to look for one byte."""
_THIRTEEN: Final = b"0" * 13
_BETWEEN: Final = b" -+?"
"""What may stand between the digits of a card; the last is what is not ASCII."""
_WITH_LINES: Final = ("gh", "_live_", "_test_", "npm_", "whsec_")
_WITH_DASHES: Final = ("glpat-", "xox", "sk-", "pypi-")
"""What is in tokens of well-known services."""
_TRIGGERS: Final = (
    *("pass", "secret", "token", "authori", "cookie", "credential", "pwd", "key", "code", "otp"),
    *("cvv", "cvc", "srf", "jwt", "bearer", "__host-", "__secure-"),
    "input",  # in the faults of Pydantic and FastAPI only
)
"""Parts of the names of secrets. Looking for each is far faster than one pattern for all."""
_KNOWN: Final = frozenset(_TRIGGERS)
_GATES: Final = ("k", "w", "cre", "cv", "__")
"""What several of them have in common: where it is not, none of them is."""
_HEADERS: Final = frozenset({"authori", "cookie"})
_KEYS: Final = ("api", "private", "access", "signing", "encryption", "master", "account")
_CODES: Final = ("recovery", "onetime", "one-time", "one_time", "one time", "backup", "device")
_VERIFIERS: Final = ("verifier", "_verifier", "-verifier")
"""What follows upon `code`, of PKCE (RFC 7636)."""
_COOKIES: Final = ("__host-", "__secure-")
"""What the names of cookies begin with that browsers guard (RFC 6265bis)."""
_BEFORE: Final = 12
"""Characters that are looked at before such a part."""
_OF_FAULT: Final = 1024
"""Characters before the `input` of a fault, in which its `loc` and `msg` stand."""


class Redactor:
    """Takes secrets out of text.

    `names` are further names whose values are secret, such as those of fields that are declared
    sensitive (`sensitive_names`). Immutable: one serves all threads.
    """

    __slots__ = ("_names", "_own", "_triggers")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._own: Final = frozenset(name.lower() for name in names if name)
        self._names: Final = frozenset(_NOT_LETTERS.sub("", name) for name in self._own)
        self._triggers: Final = _by_gate((*_TRIGGERS, *sorted(self._own.difference(_TRIGGERS))))

    @property
    def names(self) -> frozenset[str]:
        """The further names, in small letters."""
        return self._own

    def is_secret(self, name: str) -> bool:
        """Whether what bears this name is secret."""
        lowered = name[:MAX_NAME].lower()
        plain = _NOT_LETTERS.sub("", lowered)
        return plain in self._names or _names_secret(lowered, plain)

    def text(self, value: str, limit: int = MAX_TEXT) -> str:
        """`value` without secrets, in one line of characters that print, of at most `limit`
        characters. What does not print is written as an escape.
        """
        if len(value) > limit:
            return printable(self._cut(value, limit))[:limit]
        kinds = value.encode("ascii", "replace").translate(_KINDS)
        is_plain = value.isascii() and 0 not in kinds
        value = self._without_secrets(value, kinds)
        return value if is_plain or value.isprintable() else printable(value)[:limit]

    def without_secrets(self, value: str) -> str:
        """`value` with its secrets replaced; line ends and all else stay."""
        return self._without_secrets(value, value.encode("ascii", "replace").translate(_KINDS))

    def _without_secrets(self, value: str, kinds: bytes) -> str:
        has_signs = b"=" in kinds or "--" in value
        if has_signs or "(" in value or "-----B" in value:
            value = _without_rare(value)
        if has_signs:
            if ("\x1b" in value or "\\x1b" in value) and (safe := self._without_coloured(value)):
                return safe
            value = self._without_named(value, value.lower())
        value = _without_tokens(value, value.lower())
        if b"0000" in kinds and (_THIRTEEN in kinds.translate(None, _BETWEEN) or "%20" in value):
            value = without_cards(value, REDACTED)
        return value

    def _without_coloured(self, value: str) -> str:
        """`value` without colours, which stand between names and what is assigned to them; empty
        if it has no secrets then.
        """
        plain = patterns.COLOURS.sub("", value)
        if plain == value:
            return ""
        safe = self.without_secrets(plain)
        return "" if safe == plain else safe

    def _without_named(self, value: str, lowered: str) -> str:
        if len(lowered) != len(value):  # the one letter whose small form is two
            lowered = value.replace("\u0130", "I").lower()
        spans: list[tuple[int, int]] = []
        stop = len(lowered)
        for gate, triggers in self._triggers:
            if gate in lowered:
                for trigger in triggers:
                    if trigger in lowered:
                        found = self._values(trigger, value, lowered, stop)
                        for start, end in found:
                            spans.append((start, end))
                            if end == len(value):
                                stop = min(start, stop)  # all that follows is in it
        return _replaced(value, spans) if spans else value

    def _values(
        self, trigger: str, value: str, lowered: str, stop: int
    ) -> Iterator[tuple[int, int]]:
        """Where the values stand whose names hold `trigger` and begin before `stop`."""
        own, known = trigger in self._own, trigger in _KNOWN
        has_markup = "--" in value or "</" in value
        at = lowered.find(trigger, 0, stop)
        while at >= 0:
            end = at + len(trigger)
            if known and (named := _end_of_name(trigger, lowered, at, end)):
                end = named
            elif not own or not _is_whole(lowered, at, end):
                at = lowered.find(trigger, end, stop)
                continue
            if has_markup:
                found = _in_markup(trigger, value, lowered, at, end)
            else:
                found = patterns.HEADER.match(lowered, end) if trigger in _HEADERS else None
                found = found or patterns.ASSIGNED.match(lowered, end)
            if found is not None:
                start, end = found.span(1)
                first = value[start]
                if first in "[({":
                    end = _end_of_nested(value, start, end)
                elif first not in "\"'" and (bracket := value.find("(", start, end)) > 0:
                    # What a call is shown by: `password=Entered('...', at=(1, 2), text='...')`.
                    end = max(end, _end_of_nested(value, bracket, end))
                yield start, end
            at = lowered.find(trigger, end, stop)

    def _cut(self, value: str, limit: int) -> str:
        window = limit + 2 * MARGIN
        found = self.without_secrets(value[:window])
        if len(value) > window:
            found = found[:-MARGIN]
        return found[:limit]


def printable(value: str) -> str:
    """`value` in one line: line ends, terminal codes, bidirectional and zero-width characters and
    all else that does not print are written as escapes, so that a reader sees what was sent.
    """
    return value if value.isprintable() else _CONTROL.sub(_escaped, value)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _by_gate(triggers: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, list[str]] = {}
    for trigger in triggers:
        gate = next((gate for gate in _GATES if gate in trigger), trigger)
        found.setdefault(gate, []).append(trigger)
    return tuple((gate, tuple(each)) for gate, each in found.items())


# Names and values --------------------------------------------------------------------------------


@lru_cache(maxsize=2048)
def _names_secret(lowered: str, plain: str) -> bool:
    if lowered.startswith(_COOKIES) or _SHORT_NAMES.search(lowered) is not None:
        return True
    return plain not in _PLAIN_NAMES and _SECRET_NAMES.search(plain) is not None


def _end_of_name(trigger: str, lowered: str, at: int, end: int) -> int:
    """Where the part of a name ends, if it is one of a secret's name, and not of a monkey's or a
    compass's; else 0.
    """
    if trigger == "pass":
        found = patterns.PASS.match(lowered, at)
        return 0 if found is None else found.end()
    holds = True
    if trigger in {"key", "code"}:
        before = lowered[max(0, at - _BEFORE) : at].rstrip("-_ ")
        holds = before.endswith(_KEYS if trigger == "key" else _CODES)
        holds = holds or (trigger == "code" and lowered.startswith(_VERIFIERS, end))
    elif trigger == "input":
        fault = lowered[max(0, at - _OF_FAULT) : at]
        holds = fault.endswith(("'", '"')) and "loc" in fault and "msg" in fault
    elif trigger == "otp":
        holds = _is_whole(lowered, at - (lowered[at - 1 : at] in {"h", "t"}), end)
    elif trigger in {"cvv", "cvc"}:
        holds = _is_whole(lowered, at, end)
    return end if holds else 0


def _in_markup(trigger: str, value: str, lowered: str, at: int, end: int) -> re.Match[str] | None:
    """What is assigned to the name of which `trigger` is a part, from `at` to `end`, in text that
    has elements or options.
    """
    found = patterns.HEADER.match(lowered, end) if trigger in _HEADERS else None
    found = found or patterns.ELEMENT.match(value, end) or patterns.ASSIGNED.match(lowered, end)
    if found is None and patterns.BEGUN.search(value, max(0, at - _BEFORE), at):
        found = patterns.OPTION.match(value, end)
    return found


def _end_of_nested(value: str, start: int, end: int) -> int:
    """Where the bracket at `start` is closed, and what hangs on it ends; where it is not, at the
    end of its line or at `end`, whichever is later.
    """
    line = value.find("\n", start)
    line = len(value) if line < 0 else line
    depth = 0
    for found in patterns.BRACKETS.finditer(value, start, line):
        if found[0] in "[({":
            depth += 1
        elif found[0] in "])}":
            depth -= 1
            if not depth:
                hanging = patterns.HANGING.match(value, found.end())
                return found.end() if hanging is None else hanging.end()
    return max(line, end)


def _is_whole(lowered: str, at: int, end: int) -> bool:
    return not (lowered[at - 1 : at].isalnum() and at > 0) and not lowered[end : end + 1].isalpha()


def _replaced(value: str, spans: list[tuple[int, int]]) -> str:
    kept: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if end <= done:
            continue
        start = max(start, done)  # noqa: PLW2901  # what overlaps is one
        quote = value[start] if value[start] in "\"'" else ""
        kept += [value[done:start], quote, REDACTED, quote]
        done = end
    return "".join([*kept, value[done:]])


def _without_tokens(value: str, lowered: str) -> str:
    if "earer" in lowered or "asic" in lowered or "igest" in lowered or "eyj" in lowered:
        value = patterns.TOKENS.sub(REDACTED, value)
    has_lines = "_" in value
    if has_lines:
        value = patterns.OWN_TOKENS.sub(REDACTED, value)
    if (
        (has_lines and any(each in value for each in _WITH_LINES))
        or ("-" in value and any(each in value for each in _WITH_DASHES))
        or ("I" in value and ("IA" in value or "AIza" in value))
    ):
        value = patterns.ISSUED.sub(REDACTED, value)
    return patterns.HASHED.sub(REDACTED, value) if "$" in value else value


def _without_rare(value: str) -> str:
    if "PRIVATE KEY" in value:
        value = patterns.PRIVATE_KEY.sub(REDACTED, value)
    if "://" in value and "@" in value:
        value = patterns.URL_PASSWORD.sub(_keep_name, value)
    if "=" in value and ("?" in value or "&" in value):
        value = patterns.URL_SECRET.sub(_keep_name, value)
    if (
        "input" in value
        or "[parameters: " in value
        or "Key (" in value
        or "row contains (" in value
    ):
        value = patterns.ECHO.sub(_keep_name, value)
    if "] " in value or ">, " in value or "Row " in value:
        value = patterns.STATEMENT.sub(_keep_name, value)
    return value


def _keep_name(match: re.Match[str]) -> str:
    return f"{match[match.lastindex or 0]}{REDACTED}"


PLAIN: Final = Redactor()
"""Knows no names but those that are secret everywhere."""
