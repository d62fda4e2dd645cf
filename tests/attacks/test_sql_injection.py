"""Attack: SQL in whatever a client can send: values, names of columns, operators, orders, limits,
cursors, search terms; columns that a client must not write; patterns that make the database work.

Nothing of it may reach the database as SQL, tell of a hidden column, or be a server error.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy import MetaData, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field

from zenith.authorization import public
from zenith.kernel.errors import ValidationError
from zenith.pipeline import SecurityMiddleware
from zenith.query import Query, Statement, ZenithModel, sensitive, sql
from zenith.query.conditions import OPERATORS
from zenith.stores.model_sessions import ModelSessions
from zenith.stores.sql import ModelDatabase

PAYLOADS: Final = (
    *("'", '"', "\\", "`", ";", "--", "/*", "*/", "#", "%", "_", "%%%", "(", ")", "()", "'||'"),
    *("' OR '1'='1", "' OR 1=1--", '" OR ""="', "1 OR 1=1", "1' OR '1'='1'/*", "') OR ('1'='1"),
    *("admin'--", "' OR 'x'='x';#", "1; DROP TABLE goods", "'; DROP TABLE goods; --"),
    *("1 UNION SELECT secret FROM goods", "' UNION SELECT NULL,NULL,secret,NULL FROM goods--"),
    *("' AND (SELECT substr(secret,1,1) FROM goods LIMIT 1)='h'--", "1 AND 1=2", "1/0"),
    *("' AND 1=randomblob(500000000)--", "1 AND pg_sleep(5)", "'; SELECT pg_sleep(5);--"),
    *("name) FROM goods; --", "(SELECT secret FROM goods)", "CASE WHEN 1=1 THEN id ELSE name END"),
    *("name COLLATE nocase", "1 desc", "id,secret", "secret", "goods.secret", "-secret", "--id"),
    *("rowid", "sqlite_master", "__class__", "metadata", "id__eq", "secret__starts_with", "__in"),
    *("0x27", "%27", "\u02bc OR 1=1", "\uff07 OR 1=1", "a\u0000b", "\U0001f600", "\u202e"),
    *("1e309", "NaN", "-1", "9" * 30, "9" * 5000, "null", "true", "[]", "{}", '{"$ne": null}'),
    "a" * 5000,
)


class Good(ZenithModel, table=True):
    """What the shop shows, and what it does not."""

    metadata = MetaData()
    __tablename__ = "goods"
    __writable__: ClassVar = {"name"}
    __filterable__: ClassVar = {
        "name": set(OPERATORS) - {"is_null"},
        "id": {"eq", "in", "gt", "lte"},
    }
    __sortable__: ClassVar = {"name", "id"}
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    secret: Annotated[str, sensitive] = Field(default="hush", exclude=True)


async def listing(
    request: Request, sort: str = "", after: str | None = None, size: int = 3
) -> dict[str, Any]:
    page = await Good.from_client(request.query_params, sort).page(after=after, size=size)
    return {"items": [good.model_dump() for good in page.items], "next": page.next}


async def chosen(column: str, value: str, order: str, limit: str) -> list[dict[str, Any]]:
    """A careless handler: everything is the client's."""
    try:
        query = Good.where(**{column: value}).order_by(order).limit(int(limit))
        return [good.model_dump() for good in await query]
    except ValueError as error:
        raise HTTPException(400, str(error)) from None


async def search(term: str) -> list[dict[str, Any]]:
    return [good.model_dump() for good in await Good.search("name", term)]


async def raw(name: str) -> list[dict[str, Any]]:
    return await sql("SELECT id, name FROM goods WHERE name = :name", name=name)


async def create(data: dict[str, Any]) -> dict[str, Any]:
    return (await Good.create(**data)).model_dump()


def _application(models: ModelDatabase) -> SecurityMiddleware:
    api = FastAPI()
    for handler in (listing, chosen, search, raw):
        api.add_api_route(f"/{handler.__name__}", public(handler))
    api.add_api_route("/create", public(create), methods=["POST"])
    return SecurityMiddleware(api, guards=[ModelSessions(models)])


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/goods.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def models(url: str) -> AsyncIterator[ModelDatabase]:
    async with ModelDatabase(url, create_tables=True, metadata=Good.metadata) as database:
        async with database.open():
            for number in range(5):
                await Good.create(name=f"good {number}")
        yield database


@pytest.fixture
async def client(models: ModelDatabase) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(_application(models))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as found:
        yield found


@pytest.fixture
def statements(models: ModelDatabase) -> list[str]:
    """Every statement that reaches the driver."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        del connection, cursor, rest
        seen.append(statement)

    event.listen(models.engine.sync_engine, "before_cursor_execute", note)
    return seen


def _requests(payload: str) -> list[tuple[str, dict[str, str]]]:
    """The payload in every place, one at a time."""
    good = {"column": "name", "value": "good 1", "order": "id", "limit": "3"}
    cursor = base64.urlsafe_b64encode(json.dumps(["x", payload]).encode()).decode()
    return [
        ("/listing", {"name": payload}),
        *(("/listing", {f"name__{operator}": payload}) for operator in OPERATORS),
        *(("/listing", {f"id__{operator}": payload}) for operator in ("eq", "in", "gt")),
        ("/listing", {payload: "1"}),
        ("/listing", {f"name__{payload}": "1"}),
        *(("/listing", {name: payload}) for name in ("sort", "after", "size")),
        ("/listing", {"after": cursor}),
        *(("/chosen", good | {name: payload}) for name in good),
        ("/search", {"term": payload}),
        ("/raw", {"name": payload}),
    ]


def _uses(payload: str) -> list[Callable[[], Query[Good] | Statement]]:
    """The payload in every place of a query, one at a time."""
    query = Good.where()
    return [
        *(
            partial(Good.where, **{f"{column}__{operator}": payload})
            for column in ("name", "id")
            for operator in OPERATORS
        ),
        *(partial(Good.from_client, {f"name__{operator}": payload}) for operator in OPERATORS),
        *(partial(Good.from_client, {f"id__{operator}": payload}) for operator in ("in", "gt")),
        *(partial(Good.from_client, {name: "1"}) for name in (payload, f"name__{payload}")),
        partial(Good.from_client, {}, payload),
        partial(Good.from_client, {}, [payload]),
        partial(Good.where, **{payload: 1}),
        partial(Good.where, payload),  # type: ignore[arg-type]
        partial(Good.order_by, payload),
        partial(Good.order_by, f"-{payload}"),
        partial(query.limit, payload),  # type: ignore[arg-type]
        partial(query.offset, payload),  # type: ignore[arg-type]
        partial(Good.search, "name", payload),
        partial(Good.search, payload, "x"),
        partial(sql, "SELECT id FROM goods WHERE name = :name", name=payload),
    ]


async def test_no_payload_reaches_the_database_as_sql(
    models: ModelDatabase, statements: list[str]
) -> None:
    async with models.open():
        refusals: list[str] = []
        for payload in PAYLOADS[::8]:
            # A NUL in raw SQL is refused by the server, which ends the transaction.
            for make in _uses(payload)[: -1 if "\0" in payload else None]:
                try:
                    await make()
                except (ValueError, ValidationError) as error:
                    refusals.append(str(error))
            with pytest.raises(ValidationError):
                await Good.where().page(after=payload)
            with pytest.raises(ValueError, match="integer"):
                await Good.get(payload)
        assert await Good.where().count() == 5
        assert await Good.where(Good.secret != "hush").count() == 0
    assert not any("hush" in refusal for refusal in refusals)
    # However many payloads: as many statements as there are kinds of queries, and all are known.
    shapes = {statement for statement in statements if not statement.startswith("BEGIN")}
    assert len(shapes) < 60, shapes
    assert not any(
        payload in shape for payload in PAYLOADS if len(payload) > 12 for shape in shapes
    )


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])
def test_no_payload_becomes_sql(dialect: Any) -> None:
    shapes: set[str] = set()
    for number, payload in enumerate(PAYLOADS):
        for make in _uses(payload)[:-1]:
            try:
                query = make()
            except (ValueError, ValidationError):
                continue
            if isinstance(query, Query) and number % 8 == 0:
                shapes.add(str(query.statement().compile(dialect=dialect)))
    assert len(shapes) < 60, shapes
    assert not any(
        payload in shape for payload in PAYLOADS if len(payload) > 12 for shape in shapes
    )


async def test_no_payload_is_a_server_error(client: httpx.AsyncClient) -> None:
    for payload in ("'; DROP TABLE goods; --", "a\0b"):
        for path, parameters in _requests(payload):
            answer = await client.get(path, params=parameters)
            assert answer.status_code in {200, 400, 422}, (path, parameters, answer.text)
            assert "hush" not in answer.text
    assert len((await client.get("/listing", params={"size": "99"})).json()["items"]) == 5


async def test_a_payload_is_found_as_the_text_it_is(models: ModelDatabase) -> None:
    names = [each for each in PAYLOADS if len(each) <= 100 and "\0" not in each]
    async with models.open():
        for name in names:
            await Good.create(name=name)
        for name in names:
            assert [good.name for good in await Good.where(name=name)] == [name]
            assert name in [good.name for good in await Good.search("name", name).limit(99)]


async def test_forged_cursors_show_nothing_else(client: httpx.AsyncClient) -> None:
    """A cursor is not signed: it may be written anew, and moves within what the query gives."""
    first = (await client.get("/listing", params={"sort": "name", "id__lte": "4"})).json()
    content = json.loads(base64.urlsafe_b64decode(first["next"] + "=="))
    for forged in ([content[0], "", 0], [content[0], "' OR 1=1--", -1]):
        cursor = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()
        answer = await client.get("/listing", params={"sort": "name", "after": cursor, "id": "2"})
        assert {item["id"] for item in answer.json()["items"]} <= {2}
    for broken in ("", "x", "W10", "bnVsbA", "e30", "A" * 9000, "é", base64.b64encode(b"[" * 900)):
        answer = await client.get("/listing", params={"after": broken or "!"})
        assert answer.status_code == 422
    for values in ([1], [None, 1], [{}, 1], [[1], 1], ["a", "b"], ["a", 2**70], [1, 2, 3]):
        cursor = base64.urlsafe_b64encode(json.dumps([content[0], *values]).encode()).decode()
        answer = await client.get("/listing", params={"sort": "name", "after": cursor})
        assert answer.status_code == 422, values
    other = await client.get("/listing", params={"sort": "-name", "after": first["next"]})
    assert "another order" in other.text


@pytest.mark.parametrize(
    "name", ["secret", "id", "__class__", "metadata", "registry", "model_config"]
)
async def test_mass_assignment(models: ModelDatabase, name: str) -> None:
    async with models.open():
        for write in (Good.create, (await Good.where(id=1).one()).update, Good.where(id=1).update):
            with pytest.raises(ValidationError, match="cannot be set"):
                await write(name="mine", **{name: "owned"})
        assert await Good.where(name="mine").count() == 0


async def test_mass_assignment_over_http(client: httpx.AsyncClient) -> None:
    answer = await client.post("/create", json={"name": "mine", "secret": "owned", "own": {}})
    assert answer.status_code == 422
    assert {tuple(fault["loc"]) for fault in answer.json()["detail"]} == {
        ("body", "secret"),
        ("body", "own"),
    }


async def test_hidden_columns_are_not_told_apart_from_none(client: httpx.AsyncClient) -> None:
    """Else a client would learn their names by trying."""
    for place in ({"column": "secret"}, {"order": "secret"}):
        asked = {"column": "name", "value": "x", "order": "id", "limit": "1"} | place
        there = await client.get("/chosen", params=asked)
        asked |= dict.fromkeys(place, "nosuch")
        absent = await client.get("/chosen", params=asked)
        assert there.status_code == absent.status_code == 400
        assert there.text.replace("secret", "nosuch")[:90] == absent.text[:90]


async def test_wildcards_cost_nothing(models: ModelDatabase) -> None:
    """`%_%_%_...` makes some databases try every way to match."""
    async with models.open():
        await Good.create(name="a" * 100)
        started = time.process_time()
        assert await Good.search("name", "%_" * 50) == []
        assert await Good.where(name__contains="%a%a%a%a%a%a%a%a%a%b") == []
        assert await Good.search("name", "%" * 101) == []
    assert time.process_time() - started < 1
