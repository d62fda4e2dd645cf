"""The session of a request: committed before the answer leaves, rolled back for an error."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, ClassVar

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
from sqlmodel import Field
from starlette.responses import JSONResponse, StreamingResponse

from tests.accounts.application import make_app, make_settings, running
from tests.pipeline.asgi import ask, connect, make_scope, websocket_scope
from tests.query.models import metadata
from zenith.app import Zenith
from zenith.authorization import public
from zenith.kernel.errors import ConfigurationError, PermissionDeniedError
from zenith.kernel.keys import Secret
from zenith.pipeline import SecurityMiddleware
from zenith.query import ZenithModel, get_session, sql, transaction
from zenith.query.session import ModelSession
from zenith.query.settings import QuerySettings
from zenith.stores.model_sessions import ModelSessions
from zenith.stores.sql import ModelDatabase


class Entry(ZenithModel, table=True):
    """Its table is SQLModel's own collection, which applications use."""

    __tablename__ = "request_entries"
    __writable__: ClassVar = {"text"}
    id: int | None = Field(default=None, primary_key=True)
    text: str = Field(unique=True)


async def add(text: str) -> str:
    await Entry.create(text=text)
    return "saved"


async def fail(text: str) -> None:
    await Entry.create(text=text)
    raise HTTPException(409, "no")


async def refuse(text: str) -> None:
    await Entry.create(text=text)
    raise PermissionDeniedError


async def crash(text: str) -> None:
    await Entry.create(text=text)
    raise ZeroDivisionError


async def answer(text: str) -> Any:
    await Entry.create(text=text)
    return JSONResponse({}, status_code=422)


async def count(session: Annotated[ModelSession, Depends(get_session)]) -> int:
    return int((await sql("SELECT count(*) AS n FROM request_entries").one())["n"]) + (
        0 if session else 1
    )


async def late(tasks: BackgroundTasks) -> str:
    async def work() -> None:
        await Entry.create(text="background")

    tasks.add_task(work)
    return "started"


async def stream() -> StreamingResponse:
    async def lines() -> Any:
        for entry in await Entry.order_by("id"):
            yield entry.text

    await Entry.create(text="streamed")
    return StreamingResponse(lines())


async def twice() -> str:
    first = await Entry.create(text="twice")
    async with transaction():
        first.text = "changed"
        await first.save()
    return "saved"


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await Entry.create(text="socket")
    await socket.send_text(f"{await Entry.where(text='socket').count()}")
    await socket.close()


ROUTES = (add, fail, refuse, crash, answer, count, late, stream, twice)


def _mount(app: FastAPI, declare: Any = public) -> FastAPI:
    for handler in ROUTES:
        app.add_api_route(f"/{handler.__name__}", declare(handler))
    app.add_api_websocket_route("/talk", declare(talk))
    return app


def _wrapped(models: ModelDatabase) -> SecurityMiddleware:
    return SecurityMiddleware(_mount(FastAPI()), guards=[ModelSessions(models)])


async def _get(app: Any, path: str, query: bytes = b"") -> Any:
    return await ask(app, make_scope("GET", path, query=query))


@pytest.fixture
async def models(tmp_path: Any) -> Any:
    async with ModelDatabase(f"sqlite:///{tmp_path}/m.db", create_tables=True) as database:
        yield database


async def _rows(models: ModelDatabase) -> list[str]:
    async with models.open():
        return [entry.text for entry in await Entry.order_by("id")]


async def test_a_good_answer_is_kept(models: ModelDatabase) -> None:
    found = await _get(_wrapped(models), "/add", b"text=a")
    assert (found.status, found.body) == (200, b'"saved"')
    assert await _rows(models) == ["a"]


@pytest.mark.parametrize(
    ("path", "status"), [("/fail", 409), ("/refuse", 403), ("/answer", 422), ("/crash", 500)]
)
async def test_an_error_leaves_nothing(models: ModelDatabase, path: str, status: int) -> None:
    app = _wrapped(models)
    if status == 500:
        with pytest.raises(ZeroDivisionError):
            await _get(app, path, b"text=a")
    else:
        assert (await _get(app, path, b"text=a")).status == status
    assert await _rows(models) == []


async def test_a_taken_value_is_409(models: ModelDatabase) -> None:
    app = _wrapped(models)
    await _get(app, "/add", b"text=a")
    assert (await _get(app, "/add", b"text=a")).status == 409
    assert models.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_what_cannot_be_committed_is_not_said_to_be_saved(
    models: ModelDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlmodel.ext.asyncio.session import AsyncSession

    async def gone(self: object) -> None:
        raise ConnectionResetError

    app = _wrapped(models)
    with monkeypatch.context() as patch:
        patch.setattr(AsyncSession, "commit", gone)
        found = await _get(app, "/add", b"text=a")
    assert found.status == 503
    assert b"saved" not in found.body
    assert await _rows(models) == []


async def test_an_unforeseen_failure_of_the_commit_is_500(
    models: ModelDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlmodel.ext.asyncio.session import AsyncSession

    async def broken(self: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(AsyncSession, "commit", broken)
    with pytest.raises(ZeroDivisionError):
        await _get(_wrapped(models), "/add", b"text=a")


async def test_a_request_that_does_not_query_opens_nothing(models: ModelDatabase) -> None:
    app = FastAPI()
    app.add_api_route("/", public(_hello))
    found = await _get(SecurityMiddleware(app, guards=[ModelSessions(models)]), "/")
    assert found.status == 200
    assert models.engine.pool.checkedin() == 0  # type: ignore[attr-defined]


async def _hello() -> str:
    return "hello"


async def test_background_tasks_and_streams_query_on_their_own(models: ModelDatabase) -> None:
    app = _wrapped(models)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/late")
        assert (await client.get("/stream")).text == "backgroundstreamed"
    assert await _rows(models) == ["background", "streamed"]
    assert models.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_each_statement_of_a_socket_is_its_own_transaction(models: ModelDatabase) -> None:
    messages = await connect(_wrapped(models), websocket_scope("/talk"))
    sent = getattr(messages, "messages", messages)
    assert any(message.get("text") == "1" for message in sent)
    assert await _rows(models) == ["socket"]


async def test_plain_fastapi_without_any_middleware(models: ModelDatabase) -> None:
    app = FastAPI(dependencies=[Depends(models.session, scope="function")])
    _mount(app, declare=lambda handler: handler)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
    ) as client:
        assert (await client.get("/add?text=a")).status_code == 200
        assert (await client.get("/fail?text=b")).status_code == 409
        assert (await client.get("/crash?text=c")).status_code == 500
        assert (await client.get("/twice")).status_code == 200
        assert (await client.get("/count")).json() == 2
    assert await _rows(models) == ["a", "changed"]


async def test_zenith_gives_every_request_a_session(tmp_path: Any) -> None:
    app = make_app(tmp_path)
    _mount(app)
    async with running(app):
        assert (await _get(app, "/add", b"text=a")).status == 200
        assert (await _get(app, "/fail", b"text=b")).status == 409
        assert (await _get(app, "/count")).body == b"1"
        async with app.models.open():
            assert await Entry.where().count() == 1
    assert (tmp_path / "zenith.models.db").exists()


async def test_a_request_that_has_written_can_use_zeniths_own_stores(tmp_path: Any) -> None:
    """One SQLite file would have one writer: the request would wait for itself until it fails."""
    app = make_app(tmp_path)

    @app.get("/both")
    @public
    async def both() -> str:
        await Entry.create(text="written")
        await app.accounts.registration.register(
            "ada@example.org", "quartz lantern 7 otter plum", client=_client()
        )
        return "done"

    async with running(app):
        found = await asyncio.wait_for(_get(app, "/both"), 5)
    assert found.body == b'"done"'


def _client() -> Any:
    from zenith.accounts import Client

    return Client(address="198.51.100.7", user_agent="test")


def test_models_in_zeniths_own_sqlite_file_are_refused(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/zenith.db"
    with pytest.raises(ConfigurationError, match="one writer"):
        Zenith(settings=make_settings(tmp_path, database=url, query=QuerySettings(url=Secret(url))))


def test_models_may_live_elsewhere(tmp_path: Any) -> None:
    query = QuerySettings(url=Secret(f"sqlite:///{tmp_path}/shop.db"), create_tables=False)
    app = Zenith(settings=make_settings(tmp_path, query=query))
    assert app.models.settings.url.reveal().endswith("shop.db")
    assert not app.models.is_new


async def test_a_database_without_the_tables_refuses_the_start(tmp_path: Any) -> None:
    async with ModelDatabase(f"sqlite:///{tmp_path}/m.db", metadata=metadata) as models:
        guard = ModelSessions(models, check_tables=True)
        with pytest.raises(ConfigurationError, match="lacks the table `note`"):
            await guard.startup()
        await models.create_tables()
        await guard.startup()
        async with models.open():
            await sql('ALTER TABLE note RENAME COLUMN "text" TO content').execute()
        with pytest.raises(ConfigurationError, match=r"the column `note\.text`"):
            await guard.startup()
        await guard.shutdown()


async def test_a_table_that_exists_is_not_altered(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/m.db"
    async with ModelDatabase(url) as models, models.open():
        await sql("CREATE TABLE note (id INTEGER PRIMARY KEY)").execute()
    async with ModelDatabase(url, create_tables=True, metadata=metadata) as models:
        with pytest.raises(ConfigurationError, match=r"the column `note\.text`"):
            async with models.open():
                await sql("SELECT 1 AS n")


async def test_no_models_no_look_at_the_database(tmp_path: Any) -> None:
    from sqlalchemy import MetaData

    async with ModelDatabase(f"sqlite:///{tmp_path}/no.db", metadata=MetaData()) as models:
        await ModelSessions(models, check_tables=True).startup()
    assert not (tmp_path / "no.db").exists()
    assert repr(models) == "ModelDatabase(sqlite)"
