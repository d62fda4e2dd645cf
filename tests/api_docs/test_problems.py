"""The description says how refusals look."""

from __future__ import annotations

import json

from fastapi import FastAPI

from zenith.api_docs import declare_problems

REFUSED = {"$ref": "#/components/responses/Problem"}


def described():
    app = FastAPI()

    @app.get("/one/{number}")
    async def one(number: int):
        return number

    @app.get("/other", responses={422: {"description": "own"}, "default": {"description": "own"}})
    async def other(number: int):
        return number

    return app.openapi()


def test_every_operation_may_be_refused():
    schema = described()
    declare_problems(schema)
    responses = schema["paths"]["/one/{number}"]["get"]["responses"]
    assert responses.keys() == {"200", "422", "default"}
    assert responses["422"] == responses["default"] == REFUSED
    content = schema["components"]["responses"]["Problem"]["content"]
    members = content["application/problem+json"]["schema"]["properties"]
    assert members.keys() == {"type", "title", "status", "detail", "code", "instance"}
    assert "HTTPValidationError" not in json.dumps(schema)


def test_what_an_operation_says_itself_stays():
    schema = described()
    declare_problems(schema)
    responses = schema["paths"]["/other"]["get"]["responses"]
    assert responses["422"] == responses["default"] == {"description": "own"}


def test_a_description_without_operations_stays_empty():
    schema = {"openapi": "3.1.0", "paths": {"/": {"summary": "nothing", "get": {}}}}
    before = json.dumps(schema)
    declare_problems(schema)
    assert json.dumps(schema) == before
