"""The helper finds what it is there to find: a test of it on an application that is wrong."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from zenith.testing import cross_tenants

ROWS = {1: "acme-secret", 2: "bolt-secret"}


def add_reading(app, rows):
    @app.get("/list")
    async def everything():
        return list(rows.values())

    @app.get("/rows/{row_id}")
    async def row(row_id: int, request: Request):
        own = request.headers["tenant"] in rows[row_id]
        return rows[row_id] if own else JSONResponse("no", 404)

    @app.get("/head/{row_id}")
    async def head(row_id: int):
        return JSONResponse("no", 404, headers={"x-row": rows[row_id]})

    @app.get("/other/{name}")
    async def named(name: str):
        return name


def add_writing(app, rows):
    @app.put("/rows/{row_id}")
    async def put(row_id: int):
        rows[row_id] = "changed"
        return JSONResponse("no", 403)

    @app.delete("/rows/{row_id}")
    async def delete(row_id: int):
        return "fine"

    @app.post("/crash/{row_id}")
    async def crash(row_id: int):
        return JSONResponse("oops", 500)


def add_signing_out(app):
    signed_in = ["other"]

    @app.post("/logout")
    async def logout():
        signed_in.clear()

    @app.post("/strict/{row_id}")
    async def strict(row_id: int):
        return JSONResponse("no", 404 if signed_in else 401)

    @app.post("/lost/{row_id}")
    async def lost(row_id: int):
        return JSONResponse("no", 401)


@pytest.fixture
async def report():
    app = FastAPI(openapi_url=None)
    rows = dict(ROWS)
    add_reading(app, rows)
    add_writing(app, rows)
    add_signing_out(app)
    app.mount("/static", FastAPI(openapi_url=None))

    def client(tenant: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app)
        return httpx.AsyncClient(
            transport=transport, base_url="http://t", headers={"tenant": tenant}
        )

    async with client("bolt") as own, client("acme") as other:
        yield await cross_tenants(
            app, own=own, other=other, parameters={"row_id": 2}, markers=["bolt-secret"]
        )


async def test_what_is_found(report):
    assert sorted(report.problems) == [
        "DELETE /rows/2: 200 answers for an object of the tenant",
        "GET /head/2: 404 shows data of the tenant",
        "GET /list: 200 its owner reads something else than before",
        "GET /list: 200 shows data of the tenant",
        "GET /rows/2: 404 its owner reads something else than before",
        "POST /crash/2: 500 fails",
        "POST /lost/2: 401 does not know who calls",
    ]
    assert report.untried == ("GET /other/{name}",)


async def test_what_is_right(report):
    right = [str(each) for each in report.crossings if not each.problem]
    assert {"GET /rows/2: 404", "POST /strict/2: 404", "POST /logout: 200"} <= {*right}
