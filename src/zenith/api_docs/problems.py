"""What the API's description says about refusals: how they look, on every operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

Schema: TypeAlias = dict[str, Any]
NAME: Final = "Problem"
STOCK: Final = "#/components/schemas/HTTPValidationError"
TEXT: Final[Mapping[str, str]] = {"type": "string"}


def declare_problems(schema: Schema) -> None:
    """Write into an OpenAPI document that every operation may answer a problem (RFC 9457).

    Threat: clients that were generated without refusals, and take one for data. What FastAPI says
    of invalid input has a media type and a form that are never sent. Operations that describe these
    answers themselves stay as they are.
    """
    paths = cast("Mapping[str, Mapping[str, object]]", schema.get("paths", {}))
    found = [responses for item in paths.values() for responses in _responses_of(item)]
    if not found:
        return
    refused = {"$ref": f"#/components/responses/{NAME}"}
    for responses in found:
        if STOCK in str(responses.get("422")):
            responses["422"] = refused
        responses.setdefault("default", refused)
    components: Schema = schema.setdefault("components", {})
    described: Schema = components.setdefault("responses", {})
    described.setdefault(NAME, _problem())
    for left in ("HTTPValidationError", "ValidationError"):
        if f"#/components/schemas/{left}" not in str(schema):
            components.get("schemas", {}).pop(left, None)


def _responses_of(item: Mapping[str, object]) -> list[Schema]:
    operations = (cast("Schema", each) for each in item.values() if isinstance(each, dict))
    return [each["responses"] for each in operations if isinstance(each.get("responses"), dict)]


def _problem() -> Schema:
    fault: Schema = {
        "type": "object",
        "required": ["type", "loc", "msg"],
        "properties": {"type": TEXT, "loc": {"type": "array", "items": {}}, "msg": TEXT},
    }
    faults: Schema = {"type": "array", "items": fault}
    members: Schema = {
        "type": {**TEXT, "description": "`urn:zenith:problem:` and the code."},
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": {"anyOf": [TEXT, faults], "description": "For people; a list of what is wrong."},
        "code": {**TEXT, "description": "What programs tell refusals apart by."},
        "instance": {**TEXT, "description": "The request, as the audit log names it."},
    }
    content: Schema = {"type": "object", "required": sorted(members), "properties": members}
    return {
        "description": "Refused (RFC 9457).",
        "content": {"application/problem+json": {"schema": content}},
    }
