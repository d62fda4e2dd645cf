"""Which passwords people may choose."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Final, Self

from zenith.kernel.errors import ConfigurationError, ValidationError
from zenith.kernel.records import dataclass
from zenith.passwords.dictionary import MIN_WORD, fold, packaged_words
from zenith.passwords.encoding import encode, normalize
from zenith.passwords.entropy import estimate_character_entropy, estimate_entropy
from zenith.passwords.settings import PasswordSettings

NIST_MIN_LENGTH: Final = 15
NIST_MIN_LENGTH_MULTI_FACTOR: Final = 8
GUIDE_MIN_LENGTH: Final = 12
GUIDE_MIN_ENTROPY: Final = 50.0
GUESSABLE_BITS: Final = 20.0
"""About a million guesses: what a patient guesser gets through against a sign-in page."""
MAX_RESEMBLANCE: Final = 0.7
MAX_CONTEXT: Final = 32
"""So many context strings, and so many characters of each, are looked at."""
MAX_CONTEXT_CHARACTERS: Final = 128

_PARTS: Final = re.compile(r"[\W_]+")
_CONTEXT_BITS: Final = 1.0
_SPECIAL: Final = frozenset(string.punctuation)


@dataclass(frozen=True, slots=True)
class PasswordProblem:
    """One thing that is wrong with a password."""

    code: str
    """Stable, for programs: `too_short`, `too_long`, `not_text`, `no_uppercase`, `no_lowercase`,
    `no_digit`, `no_special`, `common`, `similar`, `guessable`, `predictable`, `breached`."""

    message: str
    """A sentence for people that says what to do."""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What a policy says of a password. It is true if the password may be taken."""

    problems: tuple[PasswordProblem, ...]
    entropy: float
    """Estimated bits of guessing work, the account's own data taken into account."""

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.problems

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all problems."""
        return tuple(problem.code for problem in self.problems)

    def __bool__(self) -> bool:
        return self.ok

    def require(self, *, field: str = "password") -> None:
        """Raise ValidationError (422) with one fault per problem, in FastAPI's shape."""
        if self.problems:
            raise ValidationError(
                [
                    {
                        "type": f"password_{problem.code}",
                        "loc": ["body", field],
                        "msg": problem.message,
                    }
                    for problem in self.problems
                ]
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordPolicy:
    """Rules for new passwords. Start from `nist()` or `guide()`.

    Threat: guessing, above all with the passwords of other people's breaches and with what is
    known of the account (ASVS 6.2.4, 6.2.11). Lengths are in characters (code points) after
    normalisation.
    """

    min_length: int
    max_length: int = 128
    max_bytes: int = 1_024
    require_uppercase: bool = False
    require_lowercase: bool = False
    require_digit: bool = False
    require_special: bool = False
    min_character_entropy: float = 0.0
    """Bits by `estimate_character_entropy`, which knows no words."""
    min_guessing_bits: float = GUESSABLE_BITS
    """Bits by `estimate_entropy`. It refuses what is built from common passwords, words, names,
    repeats and runs: no list of long passwords holds them all."""
    context_words: tuple[str, ...] = ()
    """Names of product and organisation (ASVS 6.1.2)."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_length <= self.max_length:
            raise ConfigurationError(
                f"password policy: min_length {self.min_length} and max_length {self.max_length} "
                "leave no password",
                fix="use min_length 15 and max_length 128",
            )

    @classmethod
    def nist(cls, *, multi_factor: bool = False, context_words: tuple[str, ...] = ()) -> Self:
        """SP 800-63B-4 section 3.1.1.2 and ASVS 6.2: long enough, not common, nothing else.

        Fifteen characters where the password is all there is, eight where a second factor is
        always asked for (`multi_factor`). Any characters, in any mixture.
        """
        least = NIST_MIN_LENGTH_MULTI_FACTOR if multi_factor else NIST_MIN_LENGTH
        return cls(min_length=least, context_words=context_words)

    @classmethod
    def guide(cls, *, context_words: tuple[str, ...] = ()) -> Self:
        """Twelve characters of all four kinds, not common, 50 bits or more by character.

        Against ASVS 6.2.5, which wants no rules of composition: use it where a rule book asks so.
        """
        return cls(
            min_length=GUIDE_MIN_LENGTH,
            require_uppercase=True,
            require_lowercase=True,
            require_digit=True,
            require_special=True,
            min_character_entropy=GUIDE_MIN_ENTROPY,
            context_words=context_words,
        )

    @classmethod
    def from_settings(cls, settings: PasswordSettings) -> Self:
        """The policy that the settings name, with their lengths and words."""
        words = settings.context_words
        named = cls.guide if settings.policy == "guide" else cls.nist
        policy = named(context_words=words)
        return replace(
            policy,
            min_length=settings.min_length or policy.min_length,
            max_length=settings.max_length,
            max_bytes=settings.max_bytes,
        )

    def check(self, password: str, *, context: Sequence[str] = ()) -> PolicyResult:
        """Judge `password`.

        `context` is what others know of the account: e-mail address, name, the site's name. All
        faults are told at once. It takes a few milliseconds at most; the very first call reads the
        packaged lists: `warm_up` does that at start.
        """
        # Bound the work first: nothing below looks at a password of a million characters.
        if len(password) > max(self.max_length, self.max_bytes):
            return PolicyResult((self._too_long(),), 0.0)
        text = normalize(password)
        if password and not encode(password, max_bytes=self.max_bytes):
            long = len(password.encode("utf-8", "surrogatepass")) > self.max_bytes
            return PolicyResult((self._too_long() if long else _NOT_TEXT,), 0.0)
        problems = [*self._length(text), *self._composition(text)]
        own = _context_words((*context, *self.context_words))
        bits = estimate_entropy(text, extra=own)
        if packaged_words().is_common(text):
            problems.append(_COMMON)
        elif bits < self.min_guessing_bits:
            # Is it the account's own data that makes it weak, or is it weak by itself?
            alone = estimate_entropy(text) if own else bits
            problems.append(_GUESSABLE if alone < self.min_guessing_bits else _SIMILAR)
        elif _resembles(fold(text), own):
            problems.append(_SIMILAR)
        if (
            self.min_character_entropy
            and estimate_character_entropy(text) < self.min_character_entropy
        ):
            problems.append(_PREDICTABLE)
        return PolicyResult(tuple(problems), bits)

    def warm_up(self) -> None:
        """Read the packaged lists now, in the calling thread."""
        packaged_words()

    def _length(self, text: str) -> list[PasswordProblem]:
        if len(text) < self.min_length:
            return [
                PasswordProblem("too_short", f"Use at least {self.min_length} characters"),
            ]
        return [self._too_long()] if len(text) > self.max_length else []

    def _too_long(self) -> PasswordProblem:
        return PasswordProblem("too_long", f"Use at most {self.max_length} characters")

    def _composition(self, text: str) -> list[PasswordProblem]:
        rules: tuple[tuple[bool, Callable[[str], bool], PasswordProblem], ...] = (
            (self.require_uppercase, str.isupper, _NO_UPPERCASE),
            (self.require_lowercase, str.islower, _NO_LOWERCASE),
            (self.require_digit, str.isdigit, _NO_DIGIT),
            (self.require_special, _SPECIAL.__contains__, _NO_SPECIAL),
        )
        return [
            problem for required, test, problem in rules if required and not any(map(test, text))
        ]


_NOT_TEXT: Final = PasswordProblem("not_text", "Use characters that are valid text")
_NO_UPPERCASE: Final = PasswordProblem("no_uppercase", "Add an uppercase letter")
_NO_LOWERCASE: Final = PasswordProblem("no_lowercase", "Add a lowercase letter")
_NO_DIGIT: Final = PasswordProblem("no_digit", "Add a digit")
_NO_SPECIAL: Final = PasswordProblem("no_special", "Add a special character, such as ! or #")
_COMMON: Final = PasswordProblem("common", "This password is too common: choose another one")
_GUESSABLE: Final = PasswordProblem(
    "guessable",
    "This password is too easy to guess: use several words that do not belong together",
)
_SIMILAR: Final = PasswordProblem(
    "similar", "This password is too close to your own data or to the name of this service"
)
_PREDICTABLE: Final = PasswordProblem(
    "predictable", "This password is too predictable: make it longer or less regular"
)


def _context_words(context: Sequence[str]) -> dict[str, float]:
    """Each string, its parts, and its parts joined; all next to free for a guesser."""
    words: set[str] = set()
    for text in context[:MAX_CONTEXT]:
        folded = fold(text[:MAX_CONTEXT_CHARACTERS])
        parts = [part for part in _PARTS.split(folded) if part]
        words.update((folded, folded.partition("@")[0], "".join(parts), *parts))
    long_enough = (word for word in words if len(word) >= MIN_WORD)
    return dict.fromkeys(long_enough, _CONTEXT_BITS)


def _resembles(password: str, words: dict[str, float]) -> bool:
    """Whether the words make up half of the password or more, or one is nearly all of it."""
    rest = password
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
        matcher = SequenceMatcher(None, password, word, autojunk=False)
        if (
            matcher.real_quick_ratio() >= MAX_RESEMBLANCE
            and matcher.quick_ratio() >= MAX_RESEMBLANCE
            and matcher.ratio() >= MAX_RESEMBLANCE
        ):
            return True
    return bool(password) and 2 * len(rest) <= len(password)
