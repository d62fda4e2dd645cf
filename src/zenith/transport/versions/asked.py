"""Which version the headers of a request ask for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple, Protocol

from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.problem import RawHeaders
from zenith.transport.versions.errors import (
    VersionNotAcceptableError,
    VersionRequiredError,
    among,
)

JSON: Final = b"application/json"
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_KIND: Final = re.compile(r"application/[a-z0-9][a-z0-9.-]*\+json")
_QUALITY: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


class Asked(NamedTuple):
    """What the headers of a request say."""

    version: str | None = None
    fault: SecurityError | None = None
    """That they name a version which there is not."""

    @property
    def is_silent(self) -> bool:
        """Whether they say nothing of versions."""
        return self.version is None and self.fault is None


class Selector(Protocol):
    """One way to name a version beside the path."""

    @property
    def vary(self) -> bytes:
        """The header on which answers depend."""
        ...

    def ask(self, headers: Iterable[tuple[bytes, bytes]]) -> Asked:
        """What these headers ask for."""
        ...

    def refusal(self) -> SecurityError:
        """For who names no version, or one that there is not."""
        ...

    def answer(self, headers: RawHeaders, version: str, *, asked: bool) -> None:
        """Say on a response which version it is; `asked` where the client named it so."""
        ...


def selector_of(
    by: str,
    versions: Collection[str],
    *,
    default: str | None,
    below: str,
    header: str,
    media_type: str,
) -> Selector | None:
    """The way to name a version, None for the path alone. Raises ConfigurationError."""
    if by == "path":
        if default is not None:
            raise ConfigurationError(
                "a default version, where the path names it", fix="leave default out"
            )
        return None
    if not below:
        raise ConfigurationError(
            "every path of the application would have versions", fix='keep them below="/api"'
        )
    if default is not None and default not in versions:
        raise ConfigurationError(
            f"the default version {default} is not declared", fix=f'add ApiVersion("{default}")'
        )
    if by == "header":
        return ByHeader(header, versions)
    if by == "media_type":
        return ByMediaType(media_type, versions)
    raise ConfigurationError(
        f"versions cannot be named by {by!r}", fix="choose path, header or media_type"
    )


class ByHeader:
    """`API-Version: 2`."""

    __slots__ = ("_name", "_versions", "vary")

    def __init__(self, name: str, versions: Collection[str]) -> None:
        if not _HEADER.fullmatch(name):
            raise ConfigurationError(f"`{name}` is no name of a header", fix="write API-Version")
        self.vary: Final = name.encode("ascii")
        self._name: Final = name.lower().encode("ascii")
        self._versions: Final = versions

    def ask(self, headers: Iterable[tuple[bytes, bytes]]) -> Asked:
        """What these headers ask for; repeated, they are one value that no version has."""
        said = [value for name, value in headers if name == self._name]
        if not said:
            return Asked()
        version = b", ".join(said).decode("latin-1")
        return Asked(version) if version in self._versions else Asked(fault=self.refusal())

    def refusal(self) -> SecurityError:
        """400."""
        header = self.vary.decode("ascii")
        return among(VersionRequiredError(f"Name a version in {header}"), self._versions)

    def answer(self, headers: RawHeaders, version: str, *, asked: bool) -> None:
        """Name it in the same header."""
        del asked
        headers.append((self._name, version.encode("ascii")))


class ByMediaType:
    """`Accept: application/vnd.example+json; version=2`."""

    __slots__ = ("_kind", "_versions", "vary")

    def __init__(self, kind: str, versions: Collection[str]) -> None:
        if not _KIND.fullmatch(kind):
            raise ConfigurationError(
                f"media_type is {kind!r}", fix="write one of your own: application/vnd.example+json"
            )
        self.vary: Final = b"Accept"
        self._kind: Final = kind
        self._versions: Final = versions

    def ask(self, headers: Iterable[tuple[bytes, bytes]]) -> Asked:
        """The version that the client likes best of those that there are."""
        accept = b",".join(value for name, value in headers if name == b"accept").decode("latin-1")
        if self._kind not in accept.lower():
            return Asked()
        ranges = [_range_of(text) for text in accept.split(",")]
        ours = [each for each in ranges if each.kind == self._kind and each.version]
        if not ours:
            return Asked()
        there = [each for each in ours if each.version in self._versions and each.quality > 0]
        if not there:
            return Asked(fault=self.refusal())
        return Asked(max(there, key=_preference).version)

    def refusal(self) -> SecurityError:
        """406."""
        detail = f"Accept {self._kind}; version=..."
        return among(VersionNotAcceptableError(detail), self._versions)

    def answer(self, headers: RawHeaders, version: str, *, asked: bool) -> None:
        """Call JSON what the client calls it."""
        if asked:
            kind = f"{self._kind}; version={version}".encode("ascii")
            headers[:] = [
                (name, kind if value == JSON and name.lower() == b"content-type" else value)
                for name, value in headers
            ]


class _Range(NamedTuple):
    kind: str
    version: str
    quality: float


def _range_of(text: str) -> _Range:
    kind, *parameters = text.split(";")
    given: dict[str, str] = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        given[name.strip().lower()] = value.strip().strip('"')
    quality = given.get("q", "1")
    return _Range(
        kind.strip().lower(),
        given.get("version", ""),
        float(quality) if _QUALITY.fullmatch(quality) else 0.0,
    )


def _preference(each: _Range) -> float:
    return each.quality
