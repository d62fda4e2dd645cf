"""`zenith routes`: every route of an application with who may call it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from zenith.authorization import Access, ListedRoute, list_routes
from zenith.cli.output import ExitCode, fail, say, show, show_json
from zenith.cli.route_matrix import matrix
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import RouteTable
from zenith.rbac import RbacSettings, RoleSet

EXAMPLE: Final = "main:app"
NOTHING: Final = "NOTHING DECLARED"
STRANGER: Final = "anonymous"
SIGNED_IN: Final = "signed in"


def routes(
    application: Annotated[str, typer.Argument(help="Module and attribute, such as main:app.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with roles and routes.")
    ] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Only routes whose objects nothing decides on.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 if a route is undeclared, or unchecked.")
    ] = False,
) -> None:
    """Print every route of an application with who may call it. Nothing is started."""
    app = load_application(application)
    callers = _callers(_roles_of(app))
    found = list(list_routes(_table_of(app), declared=_declared_in(app), callers=callers))
    shown = [each for each in found if each.object_parameters] if unchecked else found
    if html is not None:
        html.write_text(matrix(shown, list(callers), title=application), encoding="utf-8")
    if as_json:
        show_json({"routes": [each.as_json() for each in shown]})
    elif html is None:
        show([_line(each) for each in shown], empty="no routes")
    else:
        say(f"wrote {html}")
    faults = [each for each in found if _is_fault(each, unchecked=unchecked)]
    if strict and faults:
        what = "have unchecked objects" if unchecked else "declare no access"
        fail(f"{len(faults)} of {len(found)} routes {what}", fix="declare who may call them")


def _is_fault(route: ListedRoute, *, unchecked: bool) -> bool:
    return bool(route.object_parameters) if unchecked else not route.is_declared


def load_application(name: str) -> Any:
    """The application, imported as a server would; what fails in it fails the command."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        fail(f"`{name}` names no application", fix=f"write {EXAMPLE}", code=ExitCode.USAGE)
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        fix = "run this in the folder of the application, where all that it imports is installed"
        fail(f"there is no module {error.name}", fix=fix, code=ExitCode.USAGE)
    except AttributeError as error:
        fail(str(error), fix=f"name what the module has: {EXAMPLE}", code=ExitCode.USAGE)
    except ConfigurationError as error:
        fail(error.problem, fix=error.fix, code=ExitCode.USAGE)
    return found


def _table_of(app: Any) -> RouteTable:
    seen = app
    while not isinstance(getattr(seen, "routes", None), list) and hasattr(seen, "app"):
        seen = seen.app
    return RouteTable(seen)


def _declared_in(app: Any) -> Mapping[str, Access]:
    found: Mapping[str, Access] = getattr(app, "declared_access", {})
    return found


def _roles_of(app: Any) -> RoleSet:
    settings = getattr(getattr(app, "settings", None), "rbac", None)
    return (settings if isinstance(settings, RbacSettings) else RbacSettings()).role_set()


def _callers(roles: RoleSet) -> dict[str, Principal]:
    """A stranger, somebody without a role, and one of each role, the lowest first."""
    found = {STRANGER: ANONYMOUS, SIGNED_IN: Principal(subject="somebody")}
    compiled = {role: roles.compile([role]) for role in sorted(roles.roles)}
    for role, (held, permissions) in sorted(compiled.items(), key=lambda each: len(each[1][0])):
        found[role] = Principal(subject="somebody", roles=held, permissions=permissions)
    return found


def _line(route: ListedRoute) -> dict[str, str]:
    notes: Sequence[str] = (*(route.access or (NOTHING,)), *route.masks, *route.notes)
    unchecked = f"UNCHECKED: {', '.join(route.object_parameters)}"
    return {
        "methods": ",".join(route.methods),
        "path": route.path,
        "who_may_call": "; ".join([*notes, *([unchecked] if route.object_parameters else [])]),
        "endpoint": route.endpoint,
    }
