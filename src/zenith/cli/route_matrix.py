"""The matrix of callers and routes, as a page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from zenith.authorization import ListedRoute
from zenith.cli.output import printable

STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; --yes: #1a7f37; --no: #6e7781; --may: #7a4b00;
  --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --yes: #57c26d; --no: #9aa4ae; --may: #e3b341; --bad: #ff8f85; } }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; }
.scroll { overflow: auto; max-height: 80vh; }
.scroll:focus-visible { outline: 3px solid; }
table { border-collapse: collapse; }
caption { text-align: start; padding-block: .5rem; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: start;
  vertical-align: top; }
thead th { position: sticky; top: 0; background: Canvas; }
tbody th { font-weight: 600; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.yes { color: var(--yes); } .no { color: var(--no); } .may { color: var(--may); }
.bad { color: var(--bad); font-weight: 600; }
"""
LEGEND: Final = (
    ("yes", "may call"),
    ("no", "is refused"),
    ("own", "only on what is theirs"),
    ("policy", "as the policy says: on the object, or in the rows of the list"),
    ("scope", "with a credential that was issued with the scope"),
    ("factor", "after a recent proof of a factor"),
    ("?", "nobody has declared it"),
)


def matrix(routes: Sequence[ListedRoute], callers: Sequence[str], *, title: str) -> str:
    """HTML with a row for each route and a column for each caller; readable without colours."""
    columns = "".join(f'<th scope="col">{_text(name)}</th>' for name in callers)
    rows = "\n".join(_row(route, callers) for route in routes)
    legend = "".join(f"<dt>{_text(word)}</dt><dd>{_text(what)}</dd>" for word, what in LEGEND)
    undeclared = sum(not route.is_declared for route in routes)
    unchecked = sum(bool(route.object_parameters) for route in routes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{_text(title)}: who may call what</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{_text(title)}: who may call what</h1>
<p>{len(routes)} routes, {undeclared} undeclared, {unchecked} with unchecked objects.</p>
<div class="scroll" role="region" aria-label="Routes and callers" tabindex="0">
<table>
<caption>One row for each route, one column for each role.</caption>
<thead><tr><th scope="col">route</th>{columns}<th scope="col">declared</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
<h2>What the words say</h2>
<dl>{legend}</dl>
</main>
</body>
</html>
"""


def _row(route: ListedRoute, callers: Sequence[str]) -> str:
    name = _text(f"{','.join(route.methods)} {route.path}")
    cells = "".join(_cell(route.callers[caller]) for caller in callers)
    notes = [_text(each) for each in (*route.access, *route.masks)]
    if not route.is_declared:
        notes.append('<span class="bad">nothing</span>')
    if route.object_parameters:
        names = _text(", ".join(route.object_parameters))
        notes.append(f'<span class="bad">unchecked: {names}</span>')
    return f'<tr><th scope="row">{name}</th>{cells}<td>{"<br>".join(notes)}</td></tr>'


def _cell(answer: str) -> str:
    look = {"yes": "yes", "no": "no", "?": "bad"}.get(answer, "may")
    return f'<td class="{look}">{_text(answer)}</td>'


def _text(text: str) -> str:
    return escape(printable(text))
