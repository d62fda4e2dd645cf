"""What the API's description says about credentials: which there are, and which route needs one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from zenith.authorization import Access
from zenith.authorization.requirements import Anyone, HasScope
from zenith.pipeline import RouteEntry

Schema: TypeAlias = dict[str, Any]
AccessOf: TypeAlias = Callable[[RouteEntry], Iterable[Access]]
BEARER: Final = "bearer"
SESSION: Final = "session"
API_KEY: Final = "api_key"
_CONVERTER: Final = re.compile(r"\{([^}:]+):[^}]+\}")


def declare_security(
    schema: Schema,
    entries: Iterable[RouteEntry],
    *,
    cookie: str,
    access_of: AccessOf,
    keys: bool = False,
) -> None:
    """Write the credentials that the routes ask for into an OpenAPI document.

    Threat: a route that looks open in the description, so that clients are built and reviewed
    without its credential (ASVS 8.1.1). Public routes need none; operations that name their own
    stay as they are. `cookie` is the session cookie's name; `keys`: whether API keys are taken. A
    requirement says by an attribute `keys` that it takes them "never", or nothing but them: "only".
    """
    paths = cast("Mapping[str, Mapping[str, Any]]", schema.get("paths", {}))
    found = False
    for entry in entries:
        operations = paths.get(_CONVERTER.sub(r"{\1}", entry.path))
        asked = _asked_by(tuple(access_of(entry)), keys=keys)
        if entry.kind != "http" or operations is None or asked is None:
            continue
        for method in entry.methods:
            operation = operations.get(method.lower())
            if isinstance(operation, dict):
                found = True
                cast("Schema", operation).setdefault("security", asked)
    if not found:
        return
    components: Schema = schema.setdefault("components", {})
    schemes = _schemes(cookie) | (_KEYS if keys else {})
    components["securitySchemes"] = {**schemes, **components.get("securitySchemes", {})}


def _asked_by(accesses: Sequence[Access], *, keys: bool) -> list[dict[str, list[str]]] | None:
    """Alternatives in OpenAPI's form; None where nothing is asked for."""
    requirements = [access.requirement for access in accesses]
    if all(isinstance(requirement, Anyone) for requirement in requirements):
        return None
    scopes = sorted({each.scope for each in requirements if isinstance(each, HasScope)})
    # Sessions carry no scopes, so they cannot satisfy a route that asks for one.
    people: list[dict[str, list[str]]] = [{BEARER: scopes}] + ([] if scopes else [{SESSION: []}])
    told = {getattr(each, "keys", "") for each in requirements}
    if not keys or "never" in told:
        return people
    # What a key may do is its own matter: the scheme has no scopes in OpenAPI.
    key: dict[str, list[str]] = {API_KEY: []}
    return [key] if "only" in told else [*people, key]


def _schemes(cookie: str) -> Schema:
    return {
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access token that sign-in and refresh answer with.",
        },
        SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie,
            "description": "Set by the browser sign-in; changes also need a CSRF token.",
        },
    }


_KEYS: Final[Schema] = {
    API_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key; it may do what its scopes say.",
    }
}
