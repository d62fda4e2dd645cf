import inspect
import json
from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from fastapi import (
    APIRouter,
    Body,
    Depends,
    Form,
    HTTPException,
    Request,
    Security,
    WebSocket,
)
from fastapi.security import SecurityScopes

from tests.authorization.documents import ALICE, BOB, Application, Document, Documents, call
from tests.authorization.people import only_the_pipeline, protect
from tests.pipeline.asgi import connect, websocket_scope
from zenith.authorization import (
    Ownership,
    SecuredRoute,
    authenticated,
    mark_access,
    require_policy,
)
from zenith.authorization.routes import plan_at
from zenith.kernel.errors import NotFoundError
from zenith.kernel.principal import ANONYMOUS
from zenith.pipeline import RouteTable

PATH = "/documents/{document_id}"


def without_id(answer):
    return {name: value for name, value in json.loads(answer.body).items() if name != "instance"}


def by_decorator(mine, action="read", method="GET", **options):
    @mine.app.api_route(PATH, methods=[method])
    @mine.access(action, **options)
    async def handler(document: Document):
        return {"title": document.title}


def by_dependency(mine, action="read", method="GET", **options):
    parameter = mine.parameter(action, **options)

    @mine.app.api_route(PATH, methods=[method])
    async def handler(document: parameter):
        return {"title": document.title}


def by_route_dependency(mine, action="read", method="GET", **options):
    access = Depends(mine.access(action, **options))

    @mine.app.api_route(PATH, methods=[method], dependencies=[access])
    async def handler(document: Annotated[Document, Depends(mine.load)]):
        return {"title": document.title}


def plainly(mine, action="read", method="GET", **options):
    @mine.app.api_route(PATH, methods=[method])
    @mine.access(action, **options)
    def handler(document: Document):
        return {"title": document.title}


WAYS = pytest.mark.parametrize("way", [by_decorator, by_dependency, by_route_dependency, plainly])


@WAYS
async def test_the_object_is_loaded_once_and_handed_to_the_handler(way):
    mine = Application()
    way(mine)
    answer = await mine.ask(ALICE)
    assert (answer.status, answer.body) == (200, b'{"title":"of alice"}')
    assert mine.loads == [1]


@WAYS
@pytest.mark.parametrize("guard", [protect, only_the_pipeline])
async def test_what_there_is_not_and_what_is_not_mine_answer_the_same(way, guard):
    mine = Application()
    way(mine)
    app = guard(mine.app, ALICE)
    missing, forbidden = await call(app, path="/documents/9"), await call(app, path="/documents/2")
    assert missing.status == forbidden.status == 404
    assert without_id(missing) == without_id(forbidden)
    assert sorted(missing.headers) == sorted(forbidden.headers)


@WAYS
async def test_strangers_are_asked_to_sign_in_for_both(way):
    mine = Application()
    way(mine)
    assert [(await mine.ask(ANONYMOUS, path=f"/documents/{n}")).status for n in (2, 9, 3)] == [
        401,
        401,
        200,
    ]


async def test_who_may_read_it_is_told_that_the_rest_is_forbidden():
    mine = Application()
    by_dependency(mine, "write", "PUT")
    answers = [await mine.ask(ALICE, "PUT", f"/documents/{n}") for n in (1, 2, 3)]
    assert [answer.status for answer in answers] == [200, 404, 403]
    assert b"Not yours" in answers[2].body
    assert b"Not yours" not in answers[1].body


async def test_names_that_are_no_secret_may_be_told():
    mine = Application()
    by_dependency(mine, reveals_existence=True)
    assert [(await mine.ask(ALICE, path=f"/documents/{n}")).status for n in (2, 9)] == [403, 404]


@pytest.mark.parametrize("error", [HTTPException(404, "no 9"), NotFoundError(), KeyError("9")])
async def test_a_loader_may_say_in_its_own_way_that_there_is_none(error):
    mine = Application()

    async def load_document(document_id: int) -> Document:
        if document_id == 9:
            raise error
        return mine.documents[document_id]

    mine.load = load_document
    by_decorator(mine)
    missing = await mine.ask(ALICE, path="/documents/9")
    forbidden = await mine.ask(ALICE, path="/documents/2")
    assert missing.status == forbidden.status == 404
    assert without_id(missing) == without_id(forbidden)


async def test_what_else_a_loader_refuses_is_passed_on():
    mine = Application()

    async def load_document(document_id: int) -> Document:
        raise HTTPException(410, "gone")

    mine.load = load_document
    by_decorator(mine)
    assert (await mine.ask(ALICE)).status == 410


def bodies(mine):
    access = mine.access("write")

    @mine.app.put(PATH)
    @access
    async def put(document: Document, changes: Annotated[dict[str, str], Body()]):
        return {**changes, "title": document.title}

    @mine.app.patch(PATH, dependencies=[Depends(access)])
    async def patch(changes: dict[str, str]):
        return changes

    @mine.app.post(PATH)
    async def post(document: Annotated[Document, Depends(access)], note: Annotated[str, Form()]):
        return {"note": note}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
@pytest.mark.parametrize(
    ("principal", "path", "status"),
    [
        (BOB, "/documents/1", 404),
        (BOB, "/documents/9", 404),
        (ANONYMOUS, "/documents/1", 401),
        (ALICE, "/documents/x", 422),
    ],
)
async def test_the_body_of_who_is_refused_is_never_read(method, principal, path, status):
    mine = Application()
    bodies(mine)
    answer = await mine.ask(principal, method, path)
    assert answer.status == status
    assert answer.received == 0


async def test_the_body_of_who_is_admitted_is_read_and_the_object_loaded_once():
    mine = Application()
    bodies(mine)
    put = await mine.ask(ALICE, "PUT", body=b'{"a":"b"}')
    assert put.body == b'{"a":"b","title":"of alice"}'
    patch = await mine.ask(ALICE, "PATCH", body=b'{"a":"b"}')
    assert patch.body == b'{"a":"b"}'
    form = (("content-type", "application/x-www-form-urlencoded"),)
    post = await call(protect(mine.app, ALICE), "POST", body=b"note=x", headers=form)
    assert post.body == b'{"note":"x"}'
    assert mine.loads == [1, 1, 1]


async def test_without_the_guard_a_secured_route_decides_before_the_body():
    mine = Application()
    router = APIRouter(route_class=SecuredRoute)

    @router.put(PATH)
    @mine.access("write")
    async def put(document: Document, changes: dict[str, str]):
        return changes

    @router.post("/documents")
    @require_policy(mine.policy, "create")
    async def create(changes: dict[str, str]):
        return changes

    mine.app.include_router(router)
    for method, path in (("PUT", "/documents/1"), ("POST", "/documents")):
        refused = await call(only_the_pipeline(mine.app, BOB), method, path)
        assert (refused.status, refused.received) == (404 if method == "PUT" else 403, 0)
        assert (await call(only_the_pipeline(mine.app, ALICE), method, path)).status == 200


async def test_a_failing_loader_is_the_servers_failure_and_reads_nothing():
    mine = Application()

    async def load_document(document_id: int) -> Document:
        raise RuntimeError("database")

    mine.load = load_document
    bodies(mine)
    answer = None
    with pytest.raises(RuntimeError, match="database"):
        answer = await mine.ask(ALICE, "PUT")
    assert answer is None


async def test_one_session_serves_loader_and_handler():
    mine, events = Application(), []

    async def session() -> AsyncIterator[object]:
        events.append("open")
        yield object()
        events.append("close")

    shared = Annotated[object, Depends(session)]

    async def load_document(document_id: int, session: shared) -> Document:
        events.append(session)
        return mine.documents[document_id]

    mine.load = load_document
    access = mine.access("write")

    @mine.app.put(PATH)
    @access
    async def put(document: Document, changes: dict[str, str], session: shared):
        events.append(session)

    @mine.app.get(PATH)
    async def get(session: shared, document: Annotated[Document, Depends(access)]):
        events.append(session)

    for method in ("PUT", "GET"):
        events.clear()
        assert (await mine.ask(ALICE, method)).status == 200
        assert len(events) == 4
        assert events[0] == "open"
        assert events[1] is events[2]
        assert events[3] == "close"


@pytest.mark.parametrize("replaced", ["loader", "session"])
async def test_replaced_dependencies_are_replaced(replaced):
    mine = Application()

    def session():
        yield "real"

    shared = Annotated[str, Depends(session)]

    async def load_document(document_id: int, session: shared) -> Document:
        return Document(document_id, "alice", session)

    mine.load = load_document
    parameter = mine.parameter("write")

    @mine.app.put(PATH)
    async def put(document: parameter, session: shared, changes: dict[str, str]):
        return [document.title, session]

    assert (await mine.ask(ALICE, "PUT")).body == b'["real","real"]'
    if replaced == "loader":
        mine.app.dependency_overrides[load_document] = lambda: Document(1, "alice", "fake")
        assert (await mine.ask(ALICE, "PUT")).body == b'["fake","real"]'
    else:
        mine.app.dependency_overrides[session] = lambda: "fake"
        assert (await mine.ask(ALICE, "PUT")).body == b'["fake","fake"]'


async def test_a_dependency_with_scopes_of_its_own_is_not_shared():
    mine = Application()
    asked = []

    async def who(scopes: SecurityScopes) -> str:
        asked.append(scopes.scopes)
        return "x"

    async def load_document(
        document_id: int, who: Annotated[str, Security(who, scopes=["a"])]
    ) -> Document:
        return mine.documents[document_id]

    mine.load = load_document

    @mine.app.get(PATH)
    @mine.access()
    async def get(document: Document, who: Annotated[str, Security(who, scopes=["b"])]):
        return who

    assert (await mine.ask(ALICE)).status == 200
    assert sorted(asked) == [["a"], ["b"]]


async def test_a_loader_that_needs_the_body_decides_after_it():
    mine = Application()

    async def load_document(document_id: Annotated[int, Body(embed=True)]) -> Document | None:
        return mine.documents.get(document_id)

    mine.load = load_document

    @mine.app.post("/documents")
    @mine.access()
    async def post(document: Document):
        return document.title

    body = b'{"document_id": 1}'
    assert (await mine.ask(ALICE, "POST", "/documents", body)).status == 200
    refused = await mine.ask(BOB, "POST", "/documents", body)
    assert (refused.status, refused.received) == (404, 1)
    missing = await mine.ask(BOB, "POST", "/documents", b'{"document_id": 9}')
    assert missing.status == 404


async def test_a_loader_may_read_the_body_itself():
    mine = Application()

    async def load_document(request: Request) -> Document | None:
        return mine.documents.get(int((await request.json())["number"]))

    mine.load = load_document

    @mine.app.post("/documents")
    @mine.access()
    async def post(document: Document, number: Annotated[int, Body(embed=True)]):
        return document.title

    answer = await mine.ask(ALICE, "POST", "/documents", b'{"number": 1}')
    assert (answer.status, answer.received) == (200, 1)
    refused = await mine.ask(BOB, "POST", "/documents", b'{"number": 1}')
    assert refused.status == 404


async def test_streams_begin_once_it_is_decided():
    mine = Application()

    @mine.app.get(PATH)
    @mine.access()
    def stream(document: Document):
        yield document.title

    assert b"of alice" in (await mine.ask(ALICE)).body
    assert (await mine.ask(ALICE, path="/documents/2")).status == 404


def annotation_of(loader, handler, name="document", **options):
    declared = require_policy(Documents(), "read", resource=loader, **options)(handler)
    return inspect.signature(declared).parameters[name].annotation


def test_types_that_cannot_be_resolved_are_compared_by_name():
    class Hidden:
        pass

    async def load(document_id: int) -> "Hidden | None": ...

    async def handler(document: "Hidden", other: "Hidden | str"): ...

    assert annotation_of(load, handler) != "Hidden"
    assert annotation_of(load, handler, "other") == "Hidden | str"


def test_loaders_may_be_classes_and_generators():
    class Loaded:
        def __init__(self, document_id: int): ...

    async def by_class(document: Loaded, object_0: int): ...

    async def generator() -> AsyncIterator[Document]:
        yield Document(1, "alice")

    async def several() -> Document | str | None: ...

    async def by_generator(document: Document): ...

    async def by_union(document: Document | str | None, **more: int): ...

    assert annotation_of(Loaded, by_class) is not Loaded
    assert annotation_of(generator, by_generator) is not Document
    assert annotation_of(several, by_union) != Document | str | None
    declared = require_policy(Documents(), "read", resource=generator)(by_class)
    assert list(inspect.signature(declared).parameters) == ["document", "object_0", "object_1"]


async def test_a_socket_with_a_wrong_path_and_a_shared_dependency_is_closed():
    mine = Application()

    async def session() -> int:
        return 1

    shared = Annotated[int, Depends(session)]

    async def load(document_id: int, session: shared) -> Document | None:
        return mine.documents.get(document_id)

    @mine.app.websocket(PATH)
    @require_policy(mine.policy, "read", resource=load)
    async def socket(socket: WebSocket, session: shared, document: Document):
        await socket.accept()

    for path, first in (("/documents/x", "close"), ("/documents/1", "accept")):
        answer = await connect(protect(mine.app, ALICE), websocket_scope(path))
        assert answer.messages[0]["type"] == f"websocket.{first}"


async def test_declarations_among_what_a_loader_depends_on_stay():
    mine = Application()

    async def signed_in() -> int:
        return 1

    mark_access(signed_in, authenticated)

    async def load(document_id: int, who: Annotated[int, Depends(signed_in)]) -> Document:
        return mine.documents[document_id]

    @mine.app.get(PATH)
    @require_policy(mine.policy, "read", resource=load)
    async def read(document: Document):
        return document.title

    assert (await mine.ask(ANONYMOUS, path="/documents/3")).status == 401
    assert (await mine.ask(ALICE, path="/documents/3")).status == 200
    [entry] = RouteTable(mine.app).entries
    assert authenticated in entry.marks


def test_where_there_is_no_route_there_is_no_plan():
    assert plan_at({}) is None
    assert Ownership("a:b").name == "permission a:b"
