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
    r"|otp|(?:recovery|onetime|backup)code|cv[vc]|[cx]srf|jwt|bearer"
)
_PLAIN_NAMES: Final = frozenset({"tokenid", "tokentype", "apikeyid", "credentialid"})
"""Names with such a word in them that hold no secret."""
_NOT_LETTERS: Final = re.compile(r"[^a-z0-9]")
_CONTROL: Final = re.compile(r"[^\x20-\x7e]")


# What stands before a token: no letter, unless it is the end of an escape.
def _apart(length: int) -> str:
    behind = f".{{{length}}}"
    return rf"(?:(?<![\w-]{behind})|(?<=\\[abfnrtv]{behind})|(?<=%[0-9a-fA-F]{{2}}{behind}))"


# The first letters stand in front, and what must stand before them is asked afterwards: that lets
# the engine skip all other letters at once, which takes a tenth of the time.
_TOKENS: Final = re.compile(
    r"[bdeBDE](?:"
    rf"(?<=[eE])(?i:yJ){_apart(3)}[\w-]{{5,}}+\.[\w-]+(?:\.[\w-]*)*"  # a JWT
    rf"|(?:(?<=[bB])(?:(?i:earer){_apart(6)}|(?i:asic){_apart(5)})"
    rf"|(?<=[dD])(?i:igest){_apart(6)})(?:\s+|(?:%20|\+){{1,4}}+)[\w.~+/=-]{{8,}}"
    r")"
)
_OWN_TOKENS: Final = re.compile(rf"[zZ][a-zA-Z]_{_apart(3)}[\w-]{{20,}}")
"""Keys and refresh tokens of Zenith's own."""
_ISSUED: Final = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{15,}|xox[abeprs]-[\w-]{10,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}"
)
"""Tokens that well-known services issue, by their prefixes."""
_SIGNS: Final = b"=:'\">%"
"""What stands between a name and its value."""
_CONTROLS: Final = bytes((*range(0x20), 0x7F))
_KINDS: Final = bytes.maketrans(
    b"123456789" + _SIGNS + _CONTROLS, b"0" * 9 + b"=" * len(_SIGNS) + b"\0" * len(_CONTROLS)
)
"""One character for each kind of characters: to look for a kind is to look for one byte."""
_THIRTEEN: Final = b"0" * 13
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]|-(?!----END))*+(?:-----END [A-Z0-9 ]{0,60}+-{0,5})?"
)
_URL_PASSWORD: Final = re.compile(
    r"(://[^\s/?#@:\"'<>]{0,256}+:)[^\s/?\"'<>]{1,512}(?=@)"
    r"|(https?://)[^\s/?#@:\"'<>]{1,512}+(?=@)",  # a token alone; elsewhere that is a name
    re.IGNORECASE,
)
_URL_SECRET: Final = re.compile(
    r"([?&](?:code|state|key|sig|signature|auth|ticket|sid|session|assertion|x-amz-[\w-]{1,40}+)=)"
    r"[^&\s\"'<>#]++",
    re.IGNORECASE,
)
_ECHO: Final = re.compile(
    r"(input_value=)(?:[^,]|,(?! input_type=))*+"  # Pydantic
    r"|(\[parameters: )[^\n]*+"  # SQLAlchemy
    r"|(Key \([^\n=]{1,256}+=)[^\n]*+"  # PostgreSQL
    r"|(row contains )\((?:[^)]|\)(?!\.?(?:\n|\Z)))*+"  # the same; values may have line ends
    r"|(invalid input (?:for|syntax for|value for) [^\n:]{1,200}+: )[^\n]*+"  # and its drivers
)
"""Values that libraries repeat in the texts of their errors."""
_HEADER: Final = re.compile(
    r"(?:[sz]ation|2)?\s{0,4}:\s{0,4}(?![\s\"'\[({\\])([^\r\n]++)", re.IGNORECASE
)
"""What follows upon `Cookie` and `Authori`: the rest of the line is the value."""

_TRIGGERS: Final = (
    *("pass", "secret", "token", "authori", "cookie", "credential", "pwd", "key", "code", "otp"),
    *("cvv", "cvc", "srf", "jwt", "bearer"),
    "input",  # in the faults of Pydantic and FastAPI only
)
"""Parts of the names of secrets. Looking for each is far faster than one pattern for all."""
_KNOWN: Final = frozenset(_TRIGGERS)
_GATES: Final = ("k", "w", "cre", "cv")
"""What several of them have in common: where it is not, none of them is."""
_HEADERS: Final = frozenset({"authori", "cookie"})
_KEYS: Final = ("api", "private", "access", "signing", "encryption", "master", "account")
_CODES: Final = ("recovery", "onetime", "one-time", "one_time", "one time", "backup")
_BEFORE: Final = 12
"""Characters that are looked at before such a part."""
_OF_FAULT: Final = 1024
"""Characters before the `input` of a fault, in which its `loc` and `msg` stand."""
_PASS: Final = re.compile(r"pass(?:w(?:or)?d|w|phrase|code|key|(?![a-z])(?<![my]....))")
_ASSIGNED: Final = re.compile(
    r"(?![-_]?(?:ids?|types?|count|name|expir[a-z]*|ttl|at|url|endpoint)(?![a-z]))[\w-]{0,40}+"
    r"(?:"
    r"\\{0,8}[\"']\s{0,4},?\s{0,4}\\{0,8}[\"']?value\\{0,8}[\"']?\s{0,4}[:=]\s{0,4}"  # a field
    r"|\\{0,8}[\"']\s{0,4},\s{0,4}(?=b?[\"'])"  # a pair, as in a list of headers
    r"|[\"']\r?\n\r?\n"  # a part of a multipart form
    r"|(?:\\{0,8}[\"'])?(?:\[?\]|(?:%5b)?%5d)?(?:\s{0,4}(?:=>|:=|==?|:)\s{0,4}|%(?:25)?3[ad]|>)"
    r"(?!(?<=oken: )(?!bearer|basic|dpop)[a-z]{1,16} [a-z])"  # a sentence: `token: too old`
    r")"
    r"(?:(?:bearer|basic|digest|negotiate|token|dpop|apikey)\s{1,4}+)?"
    r"((?:"
    r"\\{1,8}[\"'](?:[^\"'\\]|\\(?!\\{0,7}[\"']))*+(?:\\{1,8}[\"'])?"  # JSON inside of JSON
    r'|"(?:[^"\\]|\\.)*+"?'
    r"|'(?:[^'\\]|\\.)*+'?"
    r"|[\[({][^\])}]*+[\])}]?"
    r"|[^\s,;&\"'<>\])}\[({\\]++"
    r"|\\(?![\"'])"
    r")++)",
    re.IGNORECASE | re.DOTALL,
)
"""What follows upon a name: how it is assigned, and the value. A quote that is not closed holds all
the rest.
"""
_BRACKETS: Final = re.compile(
    r"(?<=[\[({,:=\sb])(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+')|[\[\](){}]", re.DOTALL
)
"""Brackets outside of quotes."""
_ELEMENT: Final = re.compile(
    r"(?:\s{1,4}+[\w:.-]{1,40}+=(?:\"[^\"<>]{0,128}+\"|'[^'<>]{0,128}+')){0,4}+\s{0,4}+>"
    r"((?:[^<]|<(?!/)){1,512}+)(?=</)"
)
"""What follows upon the name of an element, up to where one ends."""
_OPTION: Final = re.compile(r"[\w-]{0,40}+\s{1,4}+((?:[^\s\"'-]|\"[^\"]*+\"|'[^']*+')[^\s\"']*+)")
"""What follows upon `--name` on a command line."""
_BEGUN: Final = re.compile(r"--[\w-]*+\Z")
_HANGING: Final = re.compile(r"[^\s,;&\"'<>\])}]*+")


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
        plain = _NOT_LETTERS.sub("", name[:MAX_NAME].lower())
        return plain in self._names or _names_secret(plain)

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
            value = self._without_named(value, value.lower())
        lowered = value.lower()
        if "earer" in lowered or "asic" in lowered or "igest" in lowered or "eyj" in lowered:
            value = _TOKENS.sub(REDACTED, value)
        if "_" in value:
            value = _OWN_TOKENS.sub(REDACTED, value)
            if "gh" in value or "_live_" in value or "_test_" in value:
                value = _ISSUED.sub(REDACTED, value)
        if ("I" in value and ("IA" in value or "AIza" in value)) or (
            "-" in value and ("glpat-" in value or "xox" in value)
        ):
            value = _ISSUED.sub(REDACTED, value)
        if b"0000" in kinds and _THIRTEEN in kinds.translate(None, b" -"):
            value = without_cards(value, REDACTED)
        return value

    def _without_named(self, value: str, lowered: str) -> str:
        if len(lowered) != len(value):  # the one letter whose small form is two
            lowered = value.replace("\u0130", "I").lower()
        spans: list[tuple[int, int]] = []
        for gate, triggers in self._triggers:
            if gate in lowered:
                for trigger in triggers:
                    if trigger in lowered:
                        spans += self._values(trigger, value, lowered)
        return _replaced(value, spans) if spans else value

    def _values(self, trigger: str, value: str, lowered: str) -> Iterator[tuple[int, int]]:
        """Where the values stand whose names hold `trigger`."""
        own, known = trigger in self._own, trigger in _KNOWN
        has_markup = "--" in value or "</" in value
        at = lowered.find(trigger)
        while at >= 0:
            end = at + len(trigger)
            if known and (named := _end_of_name(trigger, lowered, at, end)):
                end = named
            elif not own or not _is_whole(lowered, at, end):
                at = lowered.find(trigger, end)
                continue
            if has_markup:
                found = _in_markup(trigger, value, at, end)
            else:
                found = _HEADER.match(value, end) if trigger in _HEADERS else None
                found = found or _ASSIGNED.match(value, end)
            if found is not None:
                start, end = found.span(1)
                first = value[start]
                if first in "[({":
                    end = _end_of_nested(value, start, end)
                elif first not in "\"'" and (bracket := value.find("(", start, end)) > 0:
                    # What a call is shown by: `password=Entered('...', at=(1, 2), text='...')`.
                    end = max(end, _end_of_nested(value, bracket, end))
                yield start, end
            at = lowered.find(trigger, end)

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
def _names_secret(plain: str) -> bool:
    return plain not in _PLAIN_NAMES and _SECRET_NAMES.search(plain) is not None


def _end_of_name(trigger: str, lowered: str, at: int, end: int) -> int:
    """Where the part of a name ends, if it is one of a secret's name, and not of a monkey's or a
    compass's; else 0.
    """
    if trigger == "pass":
        found = _PASS.match(lowered, at)
        return 0 if found is None else found.end()
    holds = True
    if trigger in {"key", "code"}:
        before = lowered[max(0, at - _BEFORE) : at].rstrip("-_ ")
        holds = before.endswith(_KEYS if trigger == "key" else _CODES)
    elif trigger == "input":
        fault = lowered[max(0, at - _OF_FAULT) : at]
        holds = fault.endswith(("'", '"')) and "loc" in fault and "msg" in fault
    elif trigger == "otp":
        holds = _is_whole(lowered, at - (lowered[at - 1 : at] in {"h", "t"}), end)
    elif trigger in {"cvv", "cvc"}:
        holds = _is_whole(lowered, at, end)
    return end if holds else 0


def _in_markup(trigger: str, value: str, at: int, end: int) -> re.Match[str] | None:
    """What is assigned to the name of which `trigger` is a part, from `at` to `end`, in text that
    has elements or options.
    """
    found = _HEADER.match(value, end) if trigger in _HEADERS else None
    found = found or _ELEMENT.match(value, end) or _ASSIGNED.match(value, end)
    if found is None and _BEGUN.search(value, max(0, at - _BEFORE), at):
        found = _OPTION.match(value, end)
    return found


def _end_of_nested(value: str, start: int, end: int) -> int:
    """Where the bracket at `start` is closed, and what hangs on it ends; where it is not, at the
    end of its line or at `end`, whichever is later.
    """
    line = value.find("\n", start)
    line = len(value) if line < 0 else line
    depth = 0
    for found in _BRACKETS.finditer(value, start, line):
        if found[0] in "[({":
            depth += 1
        elif found[0] in "])}":
            depth -= 1
            if not depth:
                hanging = _HANGING.match(value, found.end())
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


def _without_rare(value: str) -> str:
    if "PRIVATE KEY" in value:
        value = _PRIVATE_KEY.sub(REDACTED, value)
    if "://" in value and "@" in value:
        value = _URL_PASSWORD.sub(_keep_name, value)
    if "=" in value and ("?" in value or "&" in value):
        value = _URL_SECRET.sub(_keep_name, value)
    if (
        "input" in value
        or "[parameters: " in value
        or "Key (" in value
        or "row contains (" in value
    ):
        value = _ECHO.sub(_keep_name, value)
    return value


def _keep_name(match: re.Match[str]) -> str:
    return f"{match[match.lastindex or 0]}{REDACTED}"


PLAIN: Final = Redactor()
"""Knows no names but those that are secret everywhere."""
