"""Whole requests beside other frameworks, each with its own protection and without.

What is ours without any protection is FastAPI. Each one keeps a share of its own bare framework, so
that a framework is not praised or blamed here for what it costs without protection; what a request
costs in all is said beside it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from benchmarks.apps import Assembled, Bare, Contender, Protected, TokenContender
from benchmarks.apps.django_shop import DjangoBare, DjangoProtected
from benchmarks.apps.litestar_shop import LitestarBare, LitestarProtected
from benchmarks.driver import Call, UnexpectedAnswerError, answer
from benchmarks.names import ASSEMBLED, CHANGE, COOKIE, DJANGO, LITESTAR, SEEN, UNSEEN, kept_of
from benchmarks.options import Options
from benchmarks.report import Row
from benchmarks.sections.in_process import BATCH, change, seen, unseen
from benchmarks.timing import Batch, Measured, interleave

TITLE = "Whole requests beside other frameworks (CPU time; share of each one's own bare kept)"
ROUNDS = 20
KINDS = (SEEN, UNSEEN, CHANGE)
ZENITH = "zenith"
PROOFS = (b"x-csrf-token", b"x-csrftoken")
CREDENTIALS = (b"authorization", b"cookie", *PROOFS)
ELSEWHERE = {b"origin": b"https://evil.example", b"sec-fetch-site": b"cross-site"}


@dataclass(frozen=True, kw_only=True)
class Family:
    """A framework with protection, and the same one without any."""

    name: str
    bare: str
    """The name of the contender that has none."""


FAMILIES = (
    Family(name=ASSEMBLED, bare="FastAPI"),
    Family(name=LITESTAR, bare="Litestar"),
    Family(name=DJANGO, bare="Django"),
)
"""Zenith's bare one is FastAPI's, too."""


def _contenders() -> dict[str, Contender]:
    return {
        "FastAPI": Bare(),
        ZENITH: Protected(),
        ASSEMBLED: Assembled(),
        "Litestar": LitestarBare(),
        LITESTAR: LitestarProtected(),
        "Django": DjangoBare(),
        DJANGO: DjangoProtected(),
    }


async def measure(options: Options) -> AsyncIterator[Row]:
    """What each keeps of its own bare framework, and the time of its requests."""
    contenders = _contenders()
    rounds = options.rounds(ROUNDS)
    for contender in contenders.values():
        await contender.start()
    try:
        for name in (ZENITH, *(family.name for family in FAMILIES)):
            await _refuses(name, contenders[name])
        for kind in KINDS:
            batches = _batches(kind, contenders)
            found = await interleave(batches, rounds=rounds, milliseconds=BATCH)
            families = [family for family in FAMILIES if family.name in batches]
            for family in families:
                yield _kept(kind, family, found)
            for family in families:
                yield _time(kind, family, found)
            for family in families[1:]:
                yield _bare_time(kind, family, found)
    finally:
        for contender in contenders.values():
            await contender.stop()


def _batches(kind: str, contenders: dict[str, Contender]) -> dict[str, Batch]:
    """All that can be asked this; Django has no tokens of its own."""
    if kind == UNSEEN:
        return {
            name: unseen(each)
            for name, each in contenders.items()
            if isinstance(each, TokenContender)
        }
    make = seen if kind == SEEN else change
    return {name: make(each) for name, each in contenders.items()}


def _kind(kind: str, bare: str) -> str:
    """What Django is asked instead of a token, which it does not have, is said."""
    return COOKIE if (kind, bare) == (SEEN, "Django") else kind


def _kept(kind: str, family: Family, found: Measured) -> Row:
    own, peer = ("FastAPI", ZENITH), (family.bare, family.name)
    ratio, spread = found.ratio_of_ratios(own, peer)
    return Row(
        name=kept_of(_kind(kind, family.bare), family.bare),
        ours=100 * found.ratio(*own)[0],
        unit="%",
        peer_name=family.name,
        peer=100 * found.ratio(*peer)[0],
        ratio=ratio,
        spread=spread,
    )


def _time(kind: str, family: Family, found: Measured) -> Row:
    ratio, spread = found.ratio(ZENITH, family.name)
    return Row(
        name=f"{_kind(kind, family.bare)}: one request",
        ours=found.of(ZENITH),
        peer_name=family.name,
        peer=found.of(family.name),
        ratio=ratio,
        spread=spread,
    )


def _bare_time(kind: str, family: Family, found: Measured) -> Row:
    ratio, spread = found.ratio("FastAPI", family.bare)
    return Row(
        name=f"{_kind(kind, family.bare)}: one bare request",
        ours=found.of("FastAPI"),
        peer_name=f"bare {family.bare}",
        peer=found.of(family.bare),
        ratio=ratio,
        spread=spread,
    )


async def _refuses(name: str, contender: Contender) -> None:
    """Who lets anybody in is no peer: without credentials, or from another site."""
    unproven = _without(contender.change(), PROOFS)
    headers = [(key, ELSEWHERE.get(key, value)) for key, value in unproven.headers]
    calls = {
        "nobody's GET": _without(contender.seen(), CREDENTIALS),
        "nobody's POST": _without(contender.change(), CREDENTIALS),
        "another site's POST": replace(unproven, headers=headers),
    }
    for what, call in calls.items():
        status, _, _ = await answer(contender.app, call)
        if not 300 <= status < 500:
            raise UnexpectedAnswerError(f"{name} answers {what} with {status}")


def _without(call: Call, names: tuple[bytes, ...]) -> Call:
    headers = [(name, value) for name, value in call.headers if name not in names]
    return replace(call, headers=headers)
