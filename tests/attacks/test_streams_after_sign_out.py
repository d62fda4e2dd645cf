"""The attack: open a socket or an event stream with a stolen credential, and go on after its owner
has ended it everywhere; he cannot see it to close it (ASVS 7.4.1, 7.4.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from fastapi import WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from tests.accounts.application import (
    ORIGIN,
    bearer,
    browse,
    login,
    make_app,
    register,
    running,
    sign_in_with_form,
)
from tests.pipeline.asgi import make_scope
from zenith import authenticated

WAYS = ["bearer", "cookie", "api_key"]


@pytest.fixture(autouse=True)
def judged_each_time(monkeypatch):
    monkeypatch.setattr("zenith.authentication.lasting.MAX_AGE", 0.0)


class Thief:
    """Holds a copy of a credential, and what was opened with it."""

    def __init__(self, app, client, tokens, way):
        self.app, self.client, self.tokens, self.way = app, client, tokens, way
        self.messages, self.answers = asyncio.Queue(), asyncio.Queue()

    async def steal(self):
        if self.way == "cookie":
            async with browse(self.app) as browser:
                await sign_in_with_form(browser)
                cookie = f"zenith-session={browser.cookies['zenith-session']}"
                self.shown = (b"cookie", cookie.encode())
        elif self.way == "bearer":
            self.shown = (b"authorization", f"Bearer {self.tokens['access_token']}".encode())
        else:
            body = {"name": "x", "scopes": []}
            headers = bearer(self.tokens)
            self.made = (
                await self.client.post("/auth/api-keys", json=body, headers=headers)
            ).json()
            self.shown = (b"x-api-key", self.made["key"].encode())

    async def open(self, path, kind="websocket"):
        headers = [self.shown, (b"host", b"localhost:8000"), (b"origin", ORIGIN.encode())]
        scope = make_scope(type=kind, path=path, headers=headers)
        if kind == "websocket":
            self.messages.put_nowait({"type": "websocket.connect"})
        else:
            self.messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.running = asyncio.create_task(
            self.app(scope, self.messages.get, self.answers.put), name="thief"
        )
        return await self.next()

    async def next(self):
        async with asyncio.timeout(10):
            return await self.answers.get()

    async def end(self):
        """As the owner does."""
        headers = bearer(self.tokens)
        if self.way == "api_key":
            ended = await self.client.delete(f"/auth/api-keys/{self.made['id']}", headers=headers)
        else:
            ended = await self.client.post("/auth/logout/everywhere", headers=headers)
        assert ended.status_code in (200, 204), ended.text

    async def is_cut(self):
        """Nothing leaves any more, and nothing runs on."""
        end = await self.next()
        assert (end["type"], end["code"]) == ("websocket.close", 1008)
        async with asyncio.timeout(10):
            await self.running
        assert self.answers.empty()
        return True


@asynccontextmanager
async def thief(app, way) -> AsyncIterator[Thief]:
    async with running(app), browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        made = Thief(app, client, tokens, way)
        await made.steal()
        yield made


@pytest.mark.parametrize("way", WAYS)
async def test_a_socket_acts_no_more(tmp_path, way):
    app = make_app(tmp_path)

    @app.websocket("/act")
    @authenticated
    async def act(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(f"did {await socket.receive_text()}")

    async with thief(app, way) as held:
        assert (await held.open("/act"))["type"] == "websocket.accept"
        held.messages.put_nowait({"type": "websocket.receive", "text": "harm"})
        assert (await held.next())["text"] == "did harm"
        await held.end()
        held.messages.put_nowait({"type": "websocket.receive", "text": "harm"})
        assert await held.is_cut()


@pytest.mark.parametrize("way", WAYS)
async def test_a_socket_that_only_sends_is_cut(tmp_path, way):
    app, news = make_app(tmp_path), asyncio.Queue()

    @app.websocket("/feed")
    @authenticated
    async def feed(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(await news.get())

    async with thief(app, way) as held:
        await held.open("/feed")
        news.put_nowait("first")
        assert (await held.next())["text"] == "first"
        await held.end()
        news.put_nowait("second")
        assert await held.is_cut()


@pytest.mark.parametrize("way", WAYS)
async def test_an_event_stream_is_cut(tmp_path, way):
    app, news = make_app(tmp_path), asyncio.Queue()

    @app.get("/events")
    @authenticated
    async def events() -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            while True:
                yield f"data: {await news.get()}\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    async with thief(app, way) as held:
        assert (await held.open("/events", "http"))["status"] == 200
        news.put_nowait("first")
        assert b"first" in (await held.next())["body"]
        await held.end()
        news.put_nowait("second")
        end = await held.next()
        assert (end["body"], end.get("more_body", False)) == (b"", False), (
            "the client hears the end"
        )
        async with asyncio.timeout(10):
            await held.running
        assert held.answers.empty()


async def test_a_file_is_not_cut_off_half_way(tmp_path):
    app, parts = make_app(tmp_path), asyncio.Queue()

    @app.get("/file")
    @authenticated
    async def file() -> StreamingResponse:
        async def data() -> AsyncIterator[bytes]:
            while part := await parts.get():
                yield part

        return StreamingResponse(data(), media_type="application/octet-stream")

    async with thief(app, "bearer") as held:
        await held.open("/file", "http")
        await held.end()
        for part in (b"half", b"whole", b""):
            parts.put_nowait(part)
        assert [(await held.next())["body"] for _ in range(3)] == [b"half", b"whole", b""]
        await held.running


async def test_whoever_sends_to_all_sees_a_client_that_is_gone(tmp_path):
    """Its own request is refused nothing, and the others get theirs."""
    app, sockets = make_app(tmp_path), []

    @app.websocket("/room")
    @authenticated
    async def room(socket: WebSocket) -> None:
        await socket.accept()
        sockets.append(socket)
        with suppress(WebSocketDisconnect):
            await socket.receive_text()

    @app.post("/say")
    @authenticated
    async def say() -> list[str]:
        found = []
        for socket in sockets:
            try:
                await socket.send_text("hello")
                found.append("sent")
            except WebSocketDisconnect:
                found.append("gone")
        return found

    async with thief(app, "api_key") as held:
        other = Thief(app, held.client, held.tokens, "bearer")
        await other.steal()
        await held.open("/room")
        await other.open("/room")
        await held.end()
        said = await held.client.post("/say", headers=bearer(held.tokens))
        assert (said.status_code, said.json()) == (200, ["gone", "sent"])
        assert (await held.next())["code"] == 1008
        assert (await other.next())["text"] == "hello"
        for each in (held, other):
            each.messages.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await each.running
