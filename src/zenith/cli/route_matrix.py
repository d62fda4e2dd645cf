"""The matrix of callers and routes, as a page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from zenith.authorization import ListedRoute
from zenith.cli.output import printable

STYLE: Final = """
:root { color-scheme: light dark; --page: #f6f7fc; --card: #fff; --text: #171b2d; --line: #dfe3f0;
  --muted: #59617a; --yes: #12683a; --yes-soft: #e3f6ea; --no: #59617a; --may: #7a4b00;
  --may-soft: #fdf1d8; --bad: #b42318; --bad-soft: #fdeceb; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0b0d16; --card: #141828; --text: #e9ecf8; --line: #2a3048; --muted: #a3abc6;
    --yes: #6fdc95; --yes-soft: #11301f; --no: #a3abc6; --may: #f0c050; --may-soft: #33290f;
    --bad: #ff9d94; --bad-soft: #3a1a1a; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; color: var(--text);
  background: var(--page); }
main { max-width: 90rem; margin-inline: auto; padding: 2rem clamp(1rem, 4vw, 3rem); }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h1 + p, caption, dd { color: var(--muted); }
.scroll { overflow: auto; max-height: 80vh; background: var(--card); border-radius: .9rem;
  border: 1px solid var(--line); }
.scroll:focus-visible { outline: 3px solid; }
table { border-collapse: separate; border-spacing: 0; width: 100%; }
caption { text-align: start; padding: .8rem 1rem; }
th, td { border-block-start: 1px solid var(--line); padding: .5rem 1rem; text-align: start;
  vertical-align: top; }
thead th { position: sticky; top: 0; background: var(--card); color: var(--muted);
  font-size: .85rem; }
tbody th { font: 600 .9rem/1.6 ui-monospace, monospace; overflow-wrap: anywhere;
  min-width: 12rem; }
.yes { color: var(--yes); background: var(--yes-soft); font-weight: 600; } .no { color: var(--no); }
.may { color: var(--may); background: var(--may-soft); }
.bad { color: var(--bad); background: var(--bad-soft); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; }
dt { font-weight: 600; } dd { margin: 0; }
@media print { .scroll { max-height: none; } }
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
    notes = [_text(each) for each in (*route.access, *route.masks, *route.notes)]
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
