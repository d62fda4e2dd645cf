"""The attack: input that no client sends, until one request makes the application fail. A 500
tells where it breaks, floods the log and hides real failures; every answer here is below 500."""

from __future__ import annotations

import asyncio
import random
from typing import Annotated, Any

import pytest
from fastapi import Body, Cookie, FastAPI, File, Form, Header, Query, Request, UploadFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.csrf.keys import guard
from tests.pipeline.asgi import ask, make_scope
from zenith.app import install_handlers
from zenith.pipeline import SecurityMiddleware
from zenith.transport import TransportGuard, TransportSettings


class Item(BaseModel):
    name: str
    price: float = 0
    tags: list[str] = []
    more: dict[str, Any] = {}


def fastapi_app():
    app = FastAPI()
    # FastAPI's own handler for invalid input repeats that input, and fails where it is bytes.
    install_handlers(app)

    @app.post("/any")
    async def anything(value: Annotated[Any, Body()]):
        return len(value) if isinstance(value, bytes) else value

    @app.post("/item")
    async def item(item: Item):
        return item

    @app.post("/form")
    async def form(name: Annotated[str, Form()], price: Annotated[float, Form()] = 0):
        return {"name": name, "price": str(price)}

    @app.post("/file")
    async def file(file: Annotated[UploadFile, File()], name: Annotated[str, Form()] = ""):
        return {"name": name, "filename": file.filename, "size": len(await file.read())}

    @app.get("/items/{name}")
    async def get(
        name: str,
        q: Annotated[list[str] | None, Query()] = None,
        number: Annotated[int | None, Query()] = None,
        x_tag: Annotated[list[str] | None, Header()] = None,
        session: Annotated[str | None, Cookie()] = None,
    ):
        return [name, q, number, x_tag, session]

    @app.get("/address")
    async def address(request: Request):
        return str(request.url_for("get", name="x"))

    return app


def starlette_app():
    async def echo(request):
        return JSONResponse({"path": request.url.path, "body": len(await request.body())})

    return Starlette(routes=[Route("/{rest:path}", echo, methods=["GET", "POST"])])


def secured(app):
    limits = TransportSettings(max_body_size=100_000)
    return SecurityMiddleware(app, guards=[TransportGuard(limits), guard()])


APP = secured(fastapi_app())
PATHS = ("/any", "/item", "/form", "/file", "/items/x", "/address", "/missing")
JSON_SEEDS = (
    b'{"name": "x", "price": 1.5, "tags": ["a"], "more": {"b": null}}',
    b"[" * 5000 + b"]" * 5000,
    b'{"name":' * 3000,
    rb'{"name": "\ud800", "price": "\udfff"}',
    b'{"name": NaN, "price": Infinity}',
    b'{"name": 1e999, "price": -1e999}',
    b'{"name": ' + b"9" * 5000 + b"}",
    b'{"name": ' + b"9" * 4000 + b', "price": ' + b"9" * 4000 + b"}",
    b'{"name": "\xff\xfe", "price": "\xc0\xaf"}',
    '{"name": "x"}'.encode("utf-16"),
    '{"name": "x"}'.encode("utf-32"),
    rb'{"name": "\u0000", "na\u0000me": 1}',
    b'{"name": 1, "name": {}, "name": []}',
    b'"' + b"\\" * 999,
    b"\xef\xbb\xbf{}",
    b"\x00",
    b"",
)
FORM_SEEDS = (
    b"name=x&price=1",
    b"name=%ff%fe&price=%zz",
    b"name=%ED%A0%80&price=nan",
    b"&=&==&name&" * 50,
    b"name=%00&price=1e999",
    b"name=" + b"a" * 70_000,
    b"a&" * 20_000,
)
DISPOSITION = b"Content-Disposition: form-data"
PARTS_SEEDS = (
    b'--x\r\n%b; name="name"\r\n\r\na\r\n--x\r\n%b; name="file"; filename="f"\r\n\r\nb\r\n--x--\r\n'
    % (DISPOSITION, DISPOSITION),
    b'--x\r\n%b; name="\xff\x00"; filename="../\xed\xa0\x80"\r\n\r\n\r\n--x--\r\n' % DISPOSITION,
    b"--x\r\n\r\n--x\r\n\r\n--x--",
    b"--x\r\n%b\r\n\r\nno name\r\n--x--\r\n" % DISPOSITION,
    b"--x" + b"\r\nA: b" * 500 + b"\r\n\r\n",
    b"--x\r\n%b; name*=utf-8''%%ff; filename*=x\r\n\r\n\r\n--x--" % DISPOSITION,
    b'--x\r\n%b; name="file"; filename="f"\r\nContent-Type: \xff\r\n\r\n\\ud800\r\n--x--\r\n'
    % DISPOSITION,
)
CONTENT_TYPES = (
    b"application/json",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"multipart/form-data",
    b"multipart/form-data; boundary=",
    b"multipart/form-data; boundary=x; charset=unicode_escape",
    b"multipart/form-data; boundary=x; charset=utf-16-le",
    b'multipart/form-data; boundary="x',
    b"application/json; charset=punycode",
    b"application/vnd.api+json",
    b"application/json; =; ;;",
    # Spaces to some readers, to others not.
    b"application/json\xa0",
    b"application/json\x85; a=b",
    b"/",
    b"\xff\xfe",
    b"",
)
TEXTS = (
    b"\xff",
    b"\x80",
    b"%00",
    b"%ff",
    b"%ED%A0%80",
    b"\\ud800",
    b"\x00",
    b"\r\n",
    b"NaN",
    b"-",
    b"1e999",
    b"9" * 5000,
    b"../",
    b"'\";--",
    b"{{7*7}}",
    b"${x}",
    b"%",
    b"[",
    b"{",
    b'"',
)
HEADER_NAMES = (b"cookie", b"x-tag", b"accept", b"range", b"origin", b"referer", b"host")


async def assert_no_failure(app, scope, *chunks):
    answer = await ask(app, scope, *chunks)
    assert answer.status < 500, (scope, chunks, answer.body)


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("path", ["/any", "/item", "/form", "/file"])
async def test_every_body_as_every_type(path, content_type):
    for body in JSON_SEEDS + FORM_SEEDS + PARTS_SEEDS:
        headers = [("content-type", content_type), ("content-length", str(len(body)))]
        await assert_no_failure(APP, make_scope("POST", path, headers=headers), body)
        half = len(body) // 2
        await assert_no_failure(
            APP, make_scope("POST", path, headers=headers), body[:half], body[half:]
        )


async def test_a_client_that_leaves_before_its_body():
    for path in PATHS:
        for content_type in CONTENT_TYPES:
            scope = make_scope("POST", path, headers=[("content-type", content_type)])
            await assert_no_failure(APP, scope)


async def test_every_text_everywhere():
    for text in TEXTS:
        for name in HEADER_NAMES:
            await assert_no_failure(APP, make_scope(path="/items/x", headers=[(name, text)]))
            await assert_no_failure(APP, make_scope(path="/address", headers=[(name, text)]))
        for key in (b"q=", b"number=", b"", b"=", b"q[]="):
            await assert_no_failure(APP, make_scope(path="/items/x", query=key + text))
        path = "/items/" + text.decode("utf-8", "replace")
        await assert_no_failure(APP, make_scope(path=path, raw_path=b"/items/" + text))


def mutated(body, chance):
    """The body with some bytes changed, removed, repeated or replaced by a hostile text."""
    body = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(body))
        match chance.randint(0, 4):
            case 0:
                body[at : at + 1] = bytes([chance.randint(0, 255)])
            case 1:
                del body[at : at + chance.randint(1, 20)]
            case 2:
                body[at:at] = body[: chance.randint(0, 50)]
            case 3:
                body[at:at] = chance.choice(TEXTS)
            case _:
                body[at:at] = bytes([chance.choice(b'[]{}",:\\u0-eE.&=%\r\n')]) * chance.randint(
                    1, 9
                )
    return bytes(body)


async def test_two_thousand_mutations():
    chance = random.Random(20261122)
    seeds = (
        [("application/json", body) for body in JSON_SEEDS]
        + [("application/x-www-form-urlencoded", body) for body in FORM_SEEDS]
        + [("multipart/form-data; boundary=x", body) for body in PARTS_SEEDS]
    )
    for _ in range(2000):
        content_type, seed = chance.choice(seeds)
        body = mutated(seed[:2000], chance)
        cut = chance.randint(0, len(body))
        scope = make_scope("POST", chance.choice(PATHS), headers=[("content-type", content_type)])
        await assert_no_failure(APP, scope, body[:cut], body[cut:])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "FOO"]),
    path=st.one_of(st.sampled_from(PATHS), st.text().map(lambda text: "/" + text)),
    raw_path=st.one_of(st.none(), st.binary(), st.binary().map(lambda data: b"/items/" + data)),
    query=st.binary(),
    headers=st.lists(
        st.tuples(
            st.one_of(st.sampled_from([*HEADER_NAMES, b"content-type", b"x"]), st.binary()),
            st.one_of(st.sampled_from(TEXTS + CONTENT_TYPES), st.binary()),
        ),
        max_size=6,
    ),
    chunks=st.lists(st.one_of(st.sampled_from(JSON_SEEDS + FORM_SEEDS), st.binary()), max_size=4),
    version=st.sampled_from(["1.0", "1.1", "2", "3"]),
)
def test_whatever_hypothesis_thinks_of(method, path, raw_path, query, headers, chunks, version):
    scope = make_scope(
        method, path, raw_path=raw_path or b"", headers=headers, query=query, http_version=version
    )
    if raw_path is None:
        del scope["raw_path"]
    for app in (APP, secured(starlette_app())):
        asyncio.run(assert_no_failure(app, dict(scope), *chunks, b""))
