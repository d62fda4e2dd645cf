from __future__ import annotations

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.asgi import ask, client, hello, make_exchange, make_scope
from zenith.kernel.errors import BadRequestError, PayloadTooLargeError
from zenith.pipeline import SecurityMiddleware
from zenith.transport import TransportGuard, TransportSettings
from zenith.transport.form import FormBody, FormKind, form_kind

URLENCODED = ("content-type", "application/x-www-form-urlencoded; charset=utf-8")
MULTIPART = ("content-type", "multipart/form-data; boundary=XyZ")
PART = '--XyZ\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        (b"", None),
        (b"application/json", None),
        (b"text/plain; boundary=a", None),
        (b"Application/X-WWW-Form-Urlencoded ; charset=utf-8", FormKind(b"&", -1)),
        (b"multipart/form-data; boundary=abc", FormKind(b"--abc", 1)),
        (
            b"multipart/form-data; boundary=----WebKitFormBoundaryAb1",
            FormKind(b"------WebKitFormBoundaryAb1", 1),
        ),
        (b'multipart/mixed;charset=utf-8; Boundary="a b:c"; x=y', FormKind(b"--a b:c", 1)),
    ],
)
def test_kinds(content_type, kind):
    assert form_kind(content_type) == kind


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b'multipart/form-data; boundary="a',
        b"multipart/form-data; boundary=a; boundary=b",
        b"multipart/form-data; boundary=a; BOUNDARY*=b",
        b"multipart/form-data; boundary=" + b"a" * 71,
        b"multipart/form-data; boundary=a\\b",
        b"multipart/form-data; boundary =a",
    ],
)
def test_a_boundary_that_is_not_certain_is_refused(content_type):
    with pytest.raises(BadRequestError):
        form_kind(content_type)


def parts(count):
    return (PART * count + "--XyZ--\r\n").encode()


@pytest.mark.parametrize(
    ("header", "body", "status"),
    [
        (URLENCODED, b"a=1&b=2&c=3", 200),
        (URLENCODED, b"a=1&b=2&c=3&d=4", 413),
        (URLENCODED, b"&" * 3, 413),
        (MULTIPART, parts(3), 200),
        (MULTIPART, parts(4), 413),
        (("content-type", "text/plain"), b"&" * 9, 200),
    ],
)
async def test_fields_are_counted(header, body, status):
    app = SecurityMiddleware(hello, guards=[TransportGuard(TransportSettings(max_form_fields=3))])
    for size in (len(body), 2):
        chunks = [body[start : start + size] for start in range(0, len(body), size)]
        answer = await ask(app, make_scope("POST", headers=[header]), *chunks)
        assert answer.status == status


@given(st.lists(st.binary(max_size=9) | st.just(b"--ab"), max_size=8), st.integers(1, 9))
async def test_however_it_is_cut(pieces, size):
    body = b"".join(pieces)
    chunks = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    exchange = make_exchange("POST", body=chunks)
    form = FormBody(exchange, limit=1000, kind=FormKind(b"--ab", 1), fields=2)
    read = b""
    try:
        for _ in chunks:
            read += (await form())["body"]
    except PayloadTooLargeError:
        assert body.count(b"--ab") > 3
        assert exchange.refusal is not None
    else:
        assert body.count(b"--ab") <= 3
        assert read == body
        assert (await form())["type"] == "http.disconnect"


async def test_a_handler_gets_its_form_and_the_client_a_clear_answer():
    app = FastAPI()

    @app.post("/")
    async def read(request: Request):
        return len(await request.form())

    secured = SecurityMiddleware(app, guards=[TransportGuard(TransportSettings(max_form_fields=5))])
    async with client(secured) as http:
        fields = {f"f{number}": "1" for number in range(5)}
        assert (await http.post("/", data=fields)).json() == 5
        assert (await http.post("/", data=fields, files={"file": b"x"})).status_code == 413
        refused = await http.post("/", data={**fields, "more": "1"})
        assert (refused.status_code, refused.json()["code"]) == (413, "payload_too_large")


async def test_parameters_of_a_query_are_counted():
    settings = TransportSettings(max_query_parameters=3)
    app = SecurityMiddleware(hello, guards=[TransportGuard(settings)])
    assert (await ask(app, make_scope(query=b"a&b&c"))).status == 200
    assert (await ask(app, make_scope(query=b"a&b&c&d"))).status == 400


@pytest.mark.parametrize(
    "headers",
    [
        [("content_length", "5")],
        [("Transfer_Encoding", "chunked")],
        [("range", "bytes=0-1"), ("range", "bytes=2-3")],
        [("sec-fetch-dest", "document"), ("sec-fetch-dest", "script")],
        [("access-control-request-method", "GET"), ("access-control-request-method", "PUT")],
    ],
)
async def test_what_two_readers_take_differently_is_refused(headers):
    app = SecurityMiddleware(hello, guards=[TransportGuard()])
    assert (await ask(app, make_scope(headers=headers))).status == 400


async def test_a_transfer_coding_before_its_time_is_refused():
    app = SecurityMiddleware(hello, guards=[TransportGuard()])
    scope = make_scope("POST", headers=[("transfer-encoding", "chunked")])
    assert (await ask(app, scope | {"http_version": "1.0"})).status == 400
    assert (await ask(app, scope)).status == 200


async def test_a_client_that_leaves_is_seen_to_leave():
    exchange = make_exchange("POST", body=[b"a=1"])
    form = FormBody(exchange, limit=9, kind=FormKind(b"&", -1), fields=2)
    assert (await form())["type"] == "http.request"
    assert (await form())["type"] == "http.disconnect"
