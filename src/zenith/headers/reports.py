"""Reports of browsers: what they say, without what nobody should keep."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias, cast

from zenith.headers.csp import DIRECTIVES
from zenith.headers.report_text import OTHER, describe, name_of
from zenith.kernel.errors import BadRequestError
from zenith.kernel.records import dataclass

ReportKind: TypeAlias = Literal[
    "csp",
    "coop",
    "coep",
    "network",
    "deprecation",
    "intervention",
    "crash",
    "permissions",
    "integrity",
]
Body: TypeAlias = Mapping[str, object]
REPORTS: Final = "application/reports+json"
"""Reporting API: a list of reports of any kind."""
LEGACY: Final = "application/csp-report"
"""CSP Level 2, `report-uri`: one violation."""
MAX_REPORTS: Final = 50
"""Of one request; further ones are left out."""
CSP_DIRECTIVES: Final = DIRECTIVES | {"fenced-frame-src", "prefetch-src"}
_DISPOSITIONS: Final = {"enforce": "enforce", "report": "report", "reporting": "report"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserReport:
    """What a browser told of, once for all who told the same."""

    kind: ReportKind
    directive: str
    """The effective directive of a policy; for other kinds what happened, such as `dns.failed`."""
    blocked: str
    """What was kept from loading: an origin, a path of our own, a keyword such as `inline`."""
    document: str
    """The page's path, without query."""
    source: str = ""
    """What asked for it: a path of our own or an origin."""
    disposition: str = ""
    """`enforce` or `report`, where a policy tells the two apart."""

    @property
    def key(self) -> str:
        """The same for the same report, everywhere."""
        # No part can hold a line break.
        parts = (
            self.kind,
            self.directive,
            self.blocked,
            self.document,
            self.source,
            self.disposition,
        )
        return hashlib.sha256("\n".join(parts).encode("ascii")).hexdigest()

    @property
    def folded(self) -> BrowserReport:
        """What is still counted where there is no room for more: of these there are few."""
        directive = self.directive if self.kind == "csp" else ""
        return replace(self, directive=directive, blocked="", document="", source="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Where a type of report says what. The first name that is there counts."""

    kind: ReportKind
    directive: tuple[str, ...]
    blocked: tuple[str, ...] = ()


_SHAPES: Final[Mapping[str, _Shape]] = {
    "csp-violation": _Shape(
        kind="csp",
        directive=("effectiveDirective", "effective-directive", "violated-directive"),
        blocked=("blockedURL", "blocked-uri"),
    ),
    "coop": _Shape(
        kind="coop",
        directive=("type",),
        blocked=(
            "nextResponseURL",
            "previousResponseURL",
            "openeeURL",
            "openerURL",
            "otherDocumentURL",
            "initialPopupURL",
        ),
    ),
    "coep": _Shape(kind="coep", directive=("type",), blocked=("blockedURL",)),
    "network-error": _Shape(kind="network", directive=("type",)),
    "deprecation": _Shape(kind="deprecation", directive=("id",)),
    "intervention": _Shape(kind="intervention", directive=("id",)),
    "crash": _Shape(kind="crash", directive=("reason",)),
    "permissions-policy-violation": _Shape(kind="permissions", directive=("featureId", "policyId")),
    "integrity-violation": _Shape(
        kind="integrity", directive=("destination",), blocked=("blockedURL",)
    ),
}
_DOCUMENT: Final = ("documentURL", "document-uri")
_SOURCE: Final = ("sourceFile", "source-file")


def read_reports(body: bytes, *, media_type: str, hosts: Container[str]) -> list[BrowserReport]:
    """The reports of one request about pages of our own `hosts`.

    Unknown types and pages of others are left out: browsers learn new types before we do. Raises
    BadRequestError for what is no report at all.
    """
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError(reason="a report that is no JSON") from None
    found = _legacy(parsed) if media_type == LEGACY else _modern(parsed)
    made = (_made(kind, url, told, hosts) for kind, url, told in found)
    return [report for report in made if report is not None]


def _legacy(parsed: object) -> Iterator[tuple[str, object, Body]]:
    told = _member(parsed, "csp-report")
    if not isinstance(told, dict):
        raise BadRequestError(reason="no csp-report")
    yield "csp-violation", None, cast("Body", told)


def _modern(parsed: object) -> Iterator[tuple[str, object, Body]]:
    # Some browsers send a single report as it is.
    listed = cast("list[object]", parsed if isinstance(parsed, list) else [parsed])
    for each in listed[:MAX_REPORTS]:
        kind, told = _member(each, "type"), _member(each, "body")
        if not isinstance(kind, str):
            raise BadRequestError(reason="a report without type")
        if isinstance(told, dict):
            yield kind, _member(each, "url"), cast("Body", told)


def _member(value: object, name: str) -> object:
    return cast("Mapping[str, Any]", value).get(name) if isinstance(value, dict) else None


def _made(kind: str, url: object, told: Body, hosts: Container[str]) -> BrowserReport | None:
    shape = _SHAPES.get(kind)
    document = describe(_first(told, _DOCUMENT) or url, hosts)
    if shape is None or not document.startswith(("/", "about:", "data:", "blob:")):
        return None
    return BrowserReport(
        kind=shape.kind,
        directive=_directive(shape, told),
        blocked=describe(_first(told, shape.blocked), hosts),
        document=document,
        source=describe(_first(told, _SOURCE), hosts),
        disposition=_DISPOSITIONS.get(name_of(told.get("disposition")), ""),
    )


def _directive(shape: _Shape, told: Body) -> str:
    value = _first(told, shape.directive)
    if shape.kind != "csp":
        return name_of(value) or OTHER
    # Browsers of old send the directive with all of its sources.
    name = value.partition(" ")[0].lower() if isinstance(value, str) else ""
    return name if name in CSP_DIRECTIVES else OTHER


def _first(told: Body, names: tuple[str, ...]) -> object:
    return next((told[name] for name in names if told.get(name)), None)
