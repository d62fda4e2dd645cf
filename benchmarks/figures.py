"""The page of figures and its plots, written by every whole run of `make bench`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from benchmarks.history import Entry
from benchmarks.names import (
    ASSEMBLED,
    CHANGE,
    COOKIE,
    DJANGO,
    LIMITS,
    LITESTAR,
    RULES,
    SEEN,
    UNSEEN,
    by_attribute,
    hit,
    kept,
    kept_of,
)
from benchmarks.plot import Axes, Group, Panel, bars, lines
from benchmarks.report import FOLDER, Row, Section, number

DOCS = FOLDER.parent / "docs"
OURS = "Zenith"
MEASURED_WITH = (
    *("fastapi", "starlette", "pydantic", "uvicorn", "litestar", "django", "slowapi"),
    *(
        "starlette-csrf",
        "secure",
        "pyjwt",
        "joserfc",
        "limits",
        "redis",
        "casbin",
        "vakt",
        "cedarpy",
    ),
)
RATIOS = {
    "seen before": f"{kept(SEEN)} (µs; peer: bare FastAPI)",
    "never seen": f"{kept(UNSEEN)} (µs; peer: bare FastAPI)",
    "session and CSRF": f"{kept(CHANGE)} (µs; peer: bare FastAPI)",
}
"""What the plot of releases shows, and under which names it was recorded."""
PREFACE = """\
# Measured figures

Written by `make bench`; [Speed, and how it is measured](speed.md) says how to read it. Figures of
Zenith and of its peers come from one run on one machine, in turns; CPU time unless a table says
otherwise. Rows without a budget are there to be compared.
"""
TABLE_HEAD = """\
| | Zenith | peer | ratio | ± | budget | |
|---|--:|---|--:|--:|--:|---|
"""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A drawing, and what it says to who does not see it."""

    name: str
    says: str
    svg: str


def write(sections: Sequence[Section], run: Entry, releases: Sequence[Entry]) -> list[str]:
    """Write the page and the plots below `docs/`; what could not be drawn is said."""
    plots: list[Plot] = []
    missing: list[str] = []
    rows = [row for section in sections for row in section.rows]
    drawn: dict[str, Callable[[], Plot]] = {
        "frameworks": lambda: _frameworks(rows),
        "rate-limits": lambda: _rate_limits(rows),
        "policies": lambda: _policies(rows),
        "history": lambda: _history(releases),
    }
    for name, draw in drawn.items():
        try:
            plots.append(draw())
        except LookupError as error:
            missing.append(f"not drawn: {name} ({error.args[0]})")
    for plot in plots:
        (DOCS / "images" / f"bench-{plot.name}.svg").write_text(plot.svg, encoding="utf-8")
    page = DOCS / "explanation" / "figures.md"
    page.write_text(text(sections, run, plots), encoding="utf-8")
    return [*missing, f"written: {page.relative_to(FOLDER.parent)}"]


def text(sections: Sequence[Section], run: Entry, plots: Sequence[Plot]) -> str:
    """The whole page."""
    machine = f"{run['cores']} cores, Python {run['python']}"
    parts = [
        PREFACE,
        f"Zenith {run['version']}, {run['date']}; {machine}; {', '.join(_versions())}.\n",
    ]
    parts += [f"![{plot.says}](../images/bench-{plot.name}.svg)\n" for plot in plots]
    parts += [_table(section) for section in sections if section.rows]
    return "\n".join(parts)


def _versions() -> Iterator[str]:
    for name in MEASURED_WITH:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def _table(section: Section) -> str:
    rows = "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row.cells()) + " |\n"
        for row in section.rows
    )
    return f"## {section.title}\n\n{TABLE_HEAD}{rows}"


def _row(rows: Sequence[Row], name: str, peer: str) -> Row:
    for row in rows:
        if row.name == name and row.peer_name == peer:
            return row
    raise LookupError(f"no row {name!r} beside {peer}")


def _values(rows: Sequence[Row], beside: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Ours, then those of the peers."""
    found = [_row(rows, name, peer) for name, peer in beside]
    theirs = {row.peer_name: row.peer for row in found if row.peer is not None}
    return {OURS: found[0].ours, **theirs}


def _frameworks(rows: Sequence[Row]) -> Plot:
    groups: list[Group] = []
    for kind, cookie in ((SEEN, COOKIE), (UNSEEN, ""), (CHANGE, CHANGE)):
        beside = [
            (kept_of(kind, "FastAPI"), ASSEMBLED),
            (kept_of(kind, "Litestar"), LITESTAR),
        ]
        if cookie:
            beside.append((kept_of(cookie, "Django"), DJANGO))
        groups.append(Group(label=kind, values=_values(rows, beside)))
    title = "of its own bare framework's throughput; Django's GET by cookie session"
    panel = Panel(title=title, unit="%", groups=groups)
    says = "Throughput kept with all protections on. " + "; ".join(map(_spoken, groups))
    title = "What protection leaves of a framework's throughput"
    return Plot(name="frameworks", says=f"{says}.", svg=bars(title, says, [panel]))


def _spoken(group: Group) -> str:
    values = ", ".join(f"{name} {number(value)}" for name, value in group.values.items())
    return f"{group.label}: {values}"


def _rate_limits(rows: Sequence[Row]) -> Plot:
    panels = [
        Panel(
            title=title,
            unit="µs",
            groups=[
                Group(label=hit(count), values=_values(rows, [(hit(count), peer)]))
                for count in LIMITS
            ],
        )
        for title, peer in (("in memory, CPU time", "limits"), ("in Redis, wall time", "PING"))
    ]
    says = "Time of a hit. " + "; ".join(
        f"{panel.title}: {_spoken(group)}" for panel in panels for group in panel.groups
    )
    return Plot(name="rate-limits", says=f"{says}.", svg=bars("One rate-limit hit", says, panels))


def _policies(rows: Sequence[Row]) -> Plot:
    peers = ("vakt", "cedarpy", "casbin")
    values: dict[str, list[float | None]] = {}
    for count in RULES:
        beside = [(by_attribute(count), peer) for peer in peers]
        for name, value in _values(rows, beside).items():
            values.setdefault(name, []).append(value)
    says = "Time of a decision among 10, 100 and 1,000 rules. " + "; ".join(
        f"{name}: {', '.join(number(value or 0) for value in each)} µs"
        for name, each in values.items()
    )
    axes = Axes(places=[f"{count:,}" for count in RULES], below="rules", unit="µs", powers=True)
    svg = lines("One policy decision, by number of rules", says, axes, values)
    return Plot(name="policies", says=f"{says}.", svg=svg)


def _history(releases: Sequence[Entry]) -> Plot:
    ratios = [{row["name"]: row["ratio"] for row in each["rows"]} for each in releases]
    values: dict[str, list[float | None]] = {}
    for name, recorded in RATIOS.items():
        found = [None if each.get(recorded) is None else 100 * each[recorded] for each in ratios]
        if any(value is not None for value in found):
            values[name] = found
    if not values:
        raise LookupError("no release is recorded")
    says = "Share of bare FastAPI's throughput kept, by release. " + "; ".join(
        f"{name}: " + ", ".join("none" if value is None else number(value) for value in each)
        for name, each in values.items()
    )
    places = [str(each["version"]) for each in releases]
    axes = Axes(places=places, below="release", unit="%")
    svg = lines("Throughput kept of bare FastAPI, by release", says, axes, values)
    return Plot(name="history", says=f"{says}.", svg=svg)
