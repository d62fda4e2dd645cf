from __future__ import annotations

import re

import pytest
from fastapi import FastAPI, Form, Request, UploadFile
from jinja2 import Environment
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from tests.csrf.keys import guard
from tests.pipeline.asgi import client, make_exchange, make_scope
from zenith.csrf import CsrfToken, csrf_field, csrf_token
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import SecurityMiddleware


def application(**settings):
    app = FastAPI()

    @app.get("/form")
    async def form(token: CsrfToken):
        return {"token": token}

    @app.get("/page")
    async def page(request: Request):
        return {"token": csrf_token(request)}

    templates = Environment(autoescape=True)
    templates.globals.update(csrf_token=csrf_token, csrf_field=csrf_field)

    @app.get("/template")
    async def template():
        return HTMLResponse(templates.from_string("{{ csrf_field() }}|{{ csrf_token() }}").render())

    @app.get("/template-in-a-thread")
    def threaded():
        return HTMLResponse(templates.from_string("{{ csrf_field() }}|{{ csrf_token() }}").render())

    @app.get("/plain")
    async def plain():
        return {}

    @app.post("/submit")
    async def submit(data: str = Form()):
        return {"data": data}

    @app.post("/upload")
    async def upload(file: UploadFile):
        return {"size": len(await file.read())}

    @app.post("/json")
    async def json(data: dict):
        return data

    return SecurityMiddleware(app, guards=[guard(**settings)])


@pytest.mark.parametrize("path", ["/form", "/page"])
async def test_from_the_form_to_the_handler(path):
    async with client(application(), "https://app.example") as browser:
        answer = await browser.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert re.match(r"__Host-zenith-csrf=[\w-]{43}; ", answer.headers["set-cookie"])
        token = answer.json()["token"]
        form = {"data": "x", "csrf_token": token}
        assert (await browser.post("/submit", data=form)).json() == {"data": "x"}
        assert (await browser.post("/submit", data={"data": "x"})).status_code == 403
        files = {"file": b"z" * 2_000_000}
        answer = await browser.post("/upload", data={"csrf_token": token}, files=files)
        assert answer.json() == {"size": 2_000_000}
        answer = await browser.post("/json", json={"a": 1}, headers={"X-CSRF-Token": token})
        assert answer.json() == {"a": 1}


async def test_a_page_that_asks_for_no_token_sets_no_cookie():
    async with client(application()) as browser:
        assert "set-cookie" not in (await browser.get("/plain")).headers


def test_without_a_guard_a_token_would_protect_nothing():
    with pytest.raises(ConfigurationError, match="no CsrfGuard"):
        csrf_token(make_exchange())


def test_outside_the_pipeline_there_is_nothing_to_bind_to():
    with pytest.raises(ConfigurationError, match="outside"):
        csrf_token(HTTPConnection(make_scope()))


@pytest.mark.parametrize("path", ["/template", "/template-in-a-thread"])
async def test_templates_call_it_without_being_handed_anything(path):
    async with client(application(field_name="proof"), "https://app.example") as browser:
        answer = await browser.get(path)
        field, _, token = answer.text.partition("|")
        assert re.fullmatch(r'<input type="hidden" name="proof" value="[\w-]+">', field)
        assert answer.headers["cache-control"] == "no-store"
        for each in (token, field.split('"')[5]):
            answer = await browser.post("/submit", data={"data": "x", "proof": each})
            assert answer.status_code == 200, path


def test_outside_of_a_request_there_is_no_token():
    with pytest.raises(ConfigurationError):
        csrf_field()
