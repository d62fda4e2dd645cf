"""Attack: somebody who is signed in reaches for another's object, field or row: with his number, in
another spelling, by another method, through another door, or through a check that breaks.
(OWASP API1 and API3, ASVS 8.2.2, 8.2.3.)
"""

import asyncio
import json
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, WebSocket
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount, Route

from tests.authorization.documents import (
    ALICE,
    BOB,
    EDITOR,
    READER,
    Application,
    Document,
    Documents,
    call,
    store,
)
from tests.authorization.people import only_the_pipeline, protect
from tests.pipeline.asgi import SignedInAs, connect, make_exchange, websocket_scope
from zenith.authorization import (
    ALLOW,
    AllOf,
    AuthorizationGuard,
    ConcealedError,
    Decision,
    Ownership,
    SecuredRoute,
    allowed,
    authorize,
    masked,
    public,
    require_permission,
    require_policy,
)
from zenith.kernel.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    SecurityError,
    ServiceUnavailableError,
)
from zenith.kernel.events import EventSink
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import SecurityMiddleware, current_exchange

SECRET = b"of bob"
REFUSED = frozenset({401, 403, 404, 405, 422})
MALLORY = ALICE
METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE", "get", "BREW")
SPELLINGS = (
    "/documents/2",
    "/documents/2/",
    "/documents/02",
    "/documents/+2",
    "/documents/ 2",
    "/documents/2 ",
    "/documents/2\n",
    "/documents/\uff12",
    "/documents/\u0662",
    "/documents/2.0",
    "/documents/2e0",
    "/documents/0x2",
    "/documents/1_0",
    "/documents/-2",
    "/documents/true",
    "/documents/null",
    "/documents/[2]",
    "/documents/1,2",
    "/documents/1;2",
    "/documents/1/../2",
    "/documents/%32",
    "//documents/2",
    "/documents//2",
    "/./documents/2",
    "/documents/2?document_id=1",
    "/documents/2#1",
    "/DOCUMENTS/2",
    "/documents/99999999999999999999999999",
    "/documents/2\x00",
)


def by_decorator(mine):
    async def read(document: Document):
        return {"title": document.title}

    mine.app.api_route("/documents/{document_id}", methods=["GET", "PUT", "DELETE"])(
        mine.access()(read)
    )
    return mine


def by_parameter(mine):
    parameter = mine.parameter()

    async def read(document: parameter):
        return {"title": document.title}

    mine.app.api_route("/documents/{document_id}", methods=["GET", "PUT", "DELETE"])(read)
    return mine


def by_router(mine):
    router = APIRouter(prefix="/documents", dependencies=[Depends(mine.access())])

    @router.api_route("/{document_id}", methods=["GET", "PUT", "DELETE"])
    async def read(document_id: int):
        return {"title": mine.documents[document_id].title}

    mine.app.include_router(router)
    return mine


def by_secured_route(mine):
    router = APIRouter(route_class=SecuredRoute)

    @router.api_route("/documents/{document_id}", methods=["GET", "PUT", "DELETE"])
    @mine.access()
    def read(document: Document):
        return {"title": document.title}

    mine.app.include_router(router)
    return mine


DECLARED = pytest.mark.parametrize(
    "declare", [by_decorator, by_parameter, by_router, by_secured_route]
)


def is_refused(answer):
    return answer.status in REFUSED and SECRET not in answer.body


@pytest.mark.parametrize("path", SPELLINGS)
@DECLARED
async def test_no_spelling_of_anothers_number_gives_his_object(declare, path):
    mine = declare(Application())
    answer = await mine.ask(MALLORY, path=path)
    assert is_refused(answer) or answer.status in (307, 308)
    assert SECRET not in answer.body


@pytest.mark.parametrize("method", METHODS)
@DECLARED
async def test_no_method_gives_it(declare, method):
    mine = declare(Application())
    assert is_refused(await mine.ask(MALLORY, method, "/documents/2"))


@pytest.mark.parametrize(
    "header",
    [
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-prefix",
        "x-user",
    ],
)
async def test_no_header_overrides_the_decision(header):
    mine = by_decorator(Application())
    app = protect(mine.app, MALLORY)
    answer = await call(app, path="/documents/2", headers=((header, "/documents/1"),))
    assert answer.status == 404


@pytest.mark.parametrize("query", [b"document_id=2", b"id=2", b"resource=2", b"document=2"])
async def test_a_number_in_the_query_or_body_is_not_the_one_that_is_loaded(query):
    mine = by_decorator(Application())
    answer = await call(
        protect(mine.app, MALLORY), "PUT", "/documents/1", b'{"document_id": 2}', query=query
    )
    assert json.loads(answer.body) == {"title": "of alice"}
    assert mine.loads == [1]


@pytest.mark.parametrize("root", ["", "/api"])
async def test_nothing_is_open_below_a_mount(root):
    mine = by_decorator(Application())
    outer = FastAPI(openapi_url=None)
    outer.mount("/inner", mine.app)
    app = protect(outer, MALLORY)
    refused = await call(app, path=f"{root}/inner/documents/2", root_path=root)
    assert refused.status == 404
    own = await call(app, path=f"{root}/inner/documents/1", root_path=root)
    assert own.status == 200


async def test_a_middleware_that_rewrites_the_path_reaches_what_the_new_path_allows():
    mine = by_decorator(Application())

    class Rewriting:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            await self.app({**scope, "path": "/documents/2"}, receive, send)

    mine.app.add_middleware(Rewriting)
    assert (await mine.ask(MALLORY, path="/documents/1")).status == 404


async def test_a_middleware_that_has_read_the_body_changes_nothing_of_the_decision():
    mine = Application()

    async def peek(request, following):
        await request.body()
        return await following(request)

    @mine.app.put("/documents/{document_id}")
    @mine.access("write")
    async def put(document: Document, changes: dict[str, Any]):
        return changes

    mine.app.add_middleware(BaseHTTPMiddleware, dispatch=peek)
    assert (await mine.ask(MALLORY, "PUT", "/documents/2")).status == 404
    assert (await mine.ask(MALLORY, "PUT", "/documents/1")).status == 200


def rooms(mine):
    @mine.app.websocket("/documents/{document_id}")
    @mine.access()
    async def by_decorator(socket: WebSocket, document: Document):
        await socket.accept()
        await socket.send_text(document.title)

    parameter = mine.parameter()

    @mine.app.websocket("/other/{document_id}")
    async def by_parameter(socket: WebSocket, document: parameter):
        await socket.accept()
        await socket.send_text(document.title)

    return mine


@pytest.mark.parametrize("path", ["/documents", "/other"])
@pytest.mark.parametrize(
    ("principal", "number", "first"),
    [
        (MALLORY, "2", "websocket.close"),
        (MALLORY, "9", "websocket.close"),
        (MALLORY, "x", "websocket.close"),
        (ANONYMOUS, "1", "websocket.close"),
        (MALLORY, "1", "websocket.accept"),
    ],
)
async def test_no_socket_opens_on_it(path, principal, number, first):
    mine = rooms(Application())
    answer = await connect(protect(mine.app, principal), websocket_scope(f"{path}/{number}"))
    assert answer.messages[0]["type"] == first
    assert not any(SECRET.decode() in str(message) for message in answer.messages)


class Broken:
    def __init__(self, error=None, answer=None):
        self.error, self.answer = error, answer

    async def authorize(self, principal, action, resource, context):
        if self.error is not None:
            raise self.error
        return self.answer


FAULTS = [
    *(Broken(error) for error in (ValueError("x"), KeyError("x"), RecursionError(), TypeError())),
    *(Broken(answer=answer) for answer in (None, True, 1, "allow", object(), {"allowed": True})),
    Broken(answer=Decision(allowed=1)),
    Broken(answer=Decision(allowed="yes")),
]


@pytest.mark.parametrize("policy", FAULTS)
@pytest.mark.parametrize("has_object", [True, False])
async def test_a_policy_that_breaks_denies(policy, has_object):
    mine = Application(policy=policy)
    if has_object:
        by_decorator(mine)
    else:
        mine.app.get("/documents/{document_id}")(require_policy(policy, "read")(lambda: "of bob"))
    answer = await mine.ask(MALLORY, path="/documents/2")
    assert answer.status == (404 if has_object else 403)
    assert SECRET not in answer.body


async def test_a_policy_that_cannot_be_asked_is_unavailable():
    mine = by_decorator(Application(policy=Broken(ServiceUnavailableError(reason="engine"))))
    assert (await mine.ask(MALLORY, path="/documents/2")).status == 503


@pytest.mark.parametrize(
    "error", [LookupError(), KeyError(2), IndexError(), ConcealedError(reason="nested")]
)
async def test_a_loader_that_finds_nothing_says_no_more_than_a_denial(error):
    mine = Application()

    async def load_document(document_id: int) -> Document:
        raise error

    mine.load = load_document
    by_decorator(mine)
    assert (await mine.ask(MALLORY, path="/documents/2")).status == 404
    assert (await mine.ask(ANONYMOUS, path="/documents/2")).status == 401


@pytest.mark.parametrize("owner", [None, "", True, 1.0, b"alice", ["alice"], object()])
@pytest.mark.parametrize("as_mapping", [False, True])
async def test_an_owner_that_is_no_id_owns_nothing(owner, as_mapping):
    resource = {"owner_id": owner} if as_mapping else Document(1, owner)
    for subject in ("alice", "", "True", "None", "1", "1.0"):
        principal = Principal(subject=subject, permissions=Permissions(["a:b:own"]))
        with pytest.raises(PermissionDeniedError):
            await authorize(principal, "a:b", resource)


def owned(mine):
    access = require_permission("documents:write", resource=mine.load)

    @mine.app.put("/documents/{document_id}")
    @access
    async def put(document: Document, changes: dict[str, Any]):
        return {"title": document.title}

    return mine


@pytest.mark.parametrize(
    ("principal", "path", "status", "loads"),
    [
        (ALICE, "/documents/1", 200, [1]),
        (ALICE, "/documents/2", 404, [2]),
        (ALICE, "/documents/9", 404, [9]),
        (EDITOR, "/documents/2", 200, [2]),
        (READER, "/documents/1", 403, []),
        (ANONYMOUS, "/documents/1", 401, []),
    ],
)
async def test_own_means_owned(principal, path, status, loads):
    mine = owned(Application())
    answer = await mine.ask(principal, "PUT", path)
    assert answer.status == status
    assert mine.loads == loads
    assert (status == 200) == bool(answer.received)


@pytest.mark.parametrize("grant", ["documents:write:own", "documents:write:own:x", "documents"])
async def test_a_grant_for_ones_own_is_none_without_an_object(grant):
    principal = Principal(subject="alice", permissions=Permissions([grant]))
    app = FastAPI(openapi_url=None)
    app.get("/documents/1")(require_permission("documents:write")(lambda: "of bob"))
    assert (await call(protect(app, principal))).status == 403
    with pytest.raises(PermissionDeniedError):
        await authorize(principal, "documents:write")


async def test_a_handler_that_calls_another_is_asked_for_what_it_hands_over():
    mine = Application()

    @mine.access()
    async def read(document: Document):
        return document.title

    @mine.access()
    def plainly(document: Document):
        return document.title

    @mine.app.get("/forward/{number}")
    @public
    async def forward(number: int):
        return await read(mine.documents[number])

    @mine.app.get("/thread/{number}")
    @public
    def thread(number: int):
        return plainly(document=mine.documents[number])

    @mine.app.get("/loop/{number}")
    @public
    async def loop(number: int):
        return plainly(document=mine.documents[number])

    @mine.app.get("/without/{number}")
    @public
    async def without(number: int):
        return await read()

    for door in ("/forward", "/thread"):
        assert (await mine.ask(MALLORY, path=f"{door}/1")).status == 200
        assert (await mine.ask(MALLORY, path=f"{door}/2")).status == 404
    assert (await mine.ask(MALLORY, path="/loop/1")).status == 403
    with pytest.raises(ConfigurationError, match="without the object"):
        await mine.ask(MALLORY, path="/without/1")


async def test_many_callers_at_once_get_their_own():
    """One application, one policy, callers that wait on each other in loader and policy."""

    class Slow(Documents):
        async def authorize(self, principal, action, resource, context):
            await asyncio.sleep(0)
            return await super().authorize(principal, action, resource, context)

    mine = Application(policy=Slow())

    class ByHeader(SignedInAs):
        async def on_request(self, exchange):
            exchange.principal = Principal(subject=exchange.header(b"x-who"))

    @mine.app.put("/documents/{document_id}")
    @mine.access("write")
    async def put(document: Document, changes: dict[str, Any]):
        await asyncio.sleep(0)
        return document.owner_id

    guards = [ByHeader(ALICE), AuthorizationGuard()]
    app = SecurityMiddleware(mine.app, guards=guards)

    async def one(who, number):
        headers = (("x-who", who), ("content-type", "application/json"))
        answer = await call(app, "PUT", f"/documents/{number}", headers=headers)
        return who, number, answer.status, answer.body

    pairs = [(who, number) for who in ("alice", "bob", "eve") for number in (1, 2, 3)] * 5
    for who, number, status, body in await asyncio.gather(*(one(*pair) for pair in pairs)):
        owner = "alice" if number == 1 else "bob"
        assert status == (200 if who == owner else 403 if number == 3 else 404)
        assert (body == f'"{owner}"'.encode()) == (who == owner)


async def test_an_object_that_is_kept_between_requests_is_decided_on_each_time():
    mine, kept = Application(), {}

    async def load_document(document_id: int) -> Document:
        return kept.setdefault(document_id, Document(document_id, "bob", "of bob"))

    mine.load = load_document
    by_decorator(mine)
    for principal, status in ((BOB, 200), (MALLORY, 404), (BOB, 200), (ANONYMOUS, 401)):
        assert (await mine.ask(principal, path="/documents/2")).status == status
    kept[2].owner_id = "alice"
    assert (await mine.ask(BOB, path="/documents/2")).status == 404


async def test_an_object_of_a_parent_that_is_refused_is_never_loaded():
    mine, loaded = Application(), []
    parent = mine.access()

    async def load_note(document: Annotated[Document, Depends(parent)], note: int) -> Document:
        loaded.append(note)
        return Document(note, "alice", "of bob")

    @mine.app.put("/documents/{document_id}/{note}")
    @require_policy(mine.policy, "write", resource=load_note)
    async def put(note: Document, changes: dict[str, Any]):
        return note.title

    answer = await mine.ask(MALLORY, "PUT", "/documents/2/5")
    assert (answer.status, answer.received, loaded) == (404, 0, [])
    assert (await mine.ask(MALLORY, "PUT", "/documents/1/5")).status == 200


async def test_two_objects_of_one_route_are_both_decided_on():
    mine = Application()

    async def load_other(other: int) -> Document | None:
        return mine.documents.get(other)

    @mine.app.put("/documents/{document_id}/{other}")
    @mine.access("write", into="document")
    @require_policy(mine.policy, "write", resource=load_other, into="second")
    async def put(document, second, changes: dict[str, Any]):
        return [document.title, second.title]

    for path in ("/documents/1/2", "/documents/2/1", "/documents/1/9"):
        answer = await mine.ask(MALLORY, "PUT", path)
        assert (answer.status, answer.received) == (404, 0)
    assert (await mine.ask(MALLORY, "PUT", "/documents/1/1")).status == 200


async def test_a_denial_wins_among_several_policies():
    class Anything:
        async def authorize(self, principal, action, resource, context):
            return ALLOW

    mine = Application(policy=[Anything(), Documents()])
    by_decorator(mine)
    assert (await mine.ask(MALLORY, path="/documents/2")).status == 404
    assert (await mine.ask(MALLORY, path="/documents/1")).status == 200
    with pytest.raises(PermissionDeniedError):
        await authorize(MALLORY, "write", store()[2], policy=[Anything(), Documents()])


class Log:
    def __init__(self):
        self.events = []

    def note(self, event):
        self.events.append(event)


async def test_a_background_task_decides_for_whom_it_was_told():
    mine, log, outcome = Application(), Log(), []

    async def later(principal, document):
        # Another request may be running by now, and this one's context is no authority.
        current_exchange.get().principal = BOB
        try:
            await authorize(principal, "write", document, policy=mine.policy)
        except PermissionDeniedError as error:
            outcome.append(error)

    @mine.app.post("/documents/{number}")
    @public
    async def post(number: int, request: Request, tasks: BackgroundTasks):
        tasks.add_task(later, MALLORY, mine.documents[number])

    app = SecurityMiddleware(
        mine.app,
        guards=[SignedInAs(MALLORY), AuthorizationGuard()],
        services={EventSink: log},
    )
    assert (await call(app, "POST", "/documents/2")).status == 200
    [error], [event] = outcome, log.events
    assert (error.detail, error.reason) == ("Not yours", "write: not the owner")
    assert (event.subject, event.reason, event.target) == ("alice", error.reason, "write")


async def test_plain_code_is_refused_and_recorded():
    log = Log()
    with pytest.raises(PermissionDeniedError) as caught:
        await authorize(MALLORY, "read", store()[2], policy=Documents(), events=log)
    assert "owner" not in caught.value.detail
    assert [event.reason for event in log.events] == ["read: not the owner"]
    await authorize(MALLORY, "read", store()[1], policy=Documents(), context={"a": 1})
    with pytest.raises(PermissionDeniedError) as caught:
        await authorize(MALLORY, "read", policy=Broken(answer=Decision(allowed=False)))
    assert caught.value.reason == "user alice may not read"


class Rows(Documents):
    """Conditions as functions of a row, and fields."""

    def __init__(self, *, gives=True):
        super().__init__()
        self.gives = gives

    def where(self, subject, action, model, context=None):
        if not self.gives:
            return None
        return frozenset(
            number
            for number, each in store().items()
            if each.owner_id == subject.subject or each.public
        )

    def mask(self, subject, objects, action="read", context=None):
        return [
            vars(each) if each.owner_id == subject.subject else {"id": each.id, "title": ""}
            for each in objects
        ]


def lists(policy):
    app = FastAPI(openapi_url=None)
    rows = Annotated[Any, Depends(allowed(policy, "read", Document))]

    @app.get("/documents")
    async def documents(rows: rows):
        return [each.title for number, each in store().items() if number in rows]

    return app


@pytest.mark.parametrize(
    ("principal", "titles"),
    [
        (MALLORY, ["of alice", "public"]),
        (BOB, ["of bob", "public"]),
        (ANONYMOUS, ["public"]),
        (READER, ["public"]),
    ],
)
@pytest.mark.parametrize("policies", [Rows(), [Rows()], [Rows(), Rows()]])
async def test_lists_hold_what_the_policy_allows(principal, titles, policies):
    answer = await call(protect(lists(policies), principal), path="/documents")
    assert json.loads(answer.body) == titles


async def test_a_policy_without_a_condition_shows_no_list():
    with pytest.raises(ConfigurationError, match="every row"):
        await call(protect(lists(Rows(gives=False)), MALLORY), path="/documents")
    for policy in (Documents(), [Documents()]):
        with pytest.raises(ConfigurationError, match="where"):
            allowed(policy, "read", Document)
    with pytest.raises(ConfigurationError, match="would drop"):
        allowed(Rows(), "read", Document)(lambda: None)


class Public(BaseModel):
    number: int = Field(validation_alias="id")
    name: str = Field("", validation_alias="title", serialization_alias="Name")
    owner_id: str | None = None


@pytest.mark.parametrize("by_alias", [True, False])
@pytest.mark.parametrize(
    "options",
    [{}, {"response_model_include": {"owner_id", "number"}}, {"response_model_exclude": {"name"}}],
)
@pytest.mark.parametrize("number", [2, 3])
async def test_anothers_field_does_not_leave(by_alias, options, number):
    app = FastAPI(openapi_url=None)
    options = {**options, "response_model": Public, "response_model_by_alias": by_alias}

    @app.get("/documents/{number}", **options)
    @public
    @masked(Rows())
    async def read(number: int):
        return store()[number]

    answer = await call(protect(app, MALLORY), path=f"/documents/{number}")
    assert answer.status == 200
    assert b'"bob"' not in answer.body
    own = await call(protect(app, BOB), path=f"/documents/{number}")
    assert b'"bob"' in own.body


def test_declarations_that_could_not_hold_are_refused():
    mine = Application()

    async def unnamed(document_id: int):
        return None

    async def one(document: Document):
        return None

    async def two(first: Document, second: Document):
        return None

    for action, target, message in (
        (require_policy(mine.policy, "read", resource=unnamed), one, "cannot tell"),
        (mine.access(), two, "several parameters"),
        (mine.access(into="nothing"), one, "lacks"),
        (mine.access(), Starlette(), "only a route of FastAPI"),
        (mine.access(), type("Endpoint", (), {"dispatch": one}), "only a route of FastAPI"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            action(target)
    for make in (
        lambda: require_policy(object(), "read"),
        lambda: require_policy([], "read"),
        lambda: require_policy([object()], "read") and AllOf(),
        lambda: require_policy(mine.policy, ""),
        lambda: Ownership("a:b", owner="_secret"),
        lambda: Ownership("a:*"),
    ):
        with pytest.raises(ConfigurationError):
            make()


async def test_a_declaration_above_the_routes_decorator_refuses_the_start():
    mine = Application()

    @mine.access()
    @mine.app.get("/documents/{document_id}")
    async def read(document_id: int):
        return mine.documents[document_id].title

    with pytest.raises(ConfigurationError, match="after the route was registered"):
        await mine.ask(MALLORY, path="/documents/2")


async def test_outside_of_fastapi_there_is_no_object_and_so_no_answer():
    mine = Application()

    @mine.access()
    async def read(request):
        return mine.documents[2].title

    app = Starlette(routes=[Route("/documents/{document_id}", read), Mount("/m", Starlette())])
    for guard in (protect, only_the_pipeline):
        with pytest.raises(ConfigurationError):
            await call(guard(app, MALLORY), path="/documents/2")


async def test_the_action_alone_is_decided_where_nothing_is_loaded():
    policy = Documents()
    app = FastAPI(openapi_url=None)
    create = require_policy(policy, "create")

    @app.post("/decorated")
    @create
    async def decorated(changes: dict[str, Any]):
        return "done"

    @app.post("/plain")
    @create
    def plain(changes: dict[str, Any]):
        return "done"

    @app.post("/dependency")
    async def dependency(principal: Annotated[Principal, Depends(create)], changes: dict[str, Any]):
        return principal.subject

    app.mount("/mounted", create(Starlette()))
    for path in ("/decorated", "/plain", "/dependency"):
        refused = await call(protect(app, BOB), "POST", path)
        assert (refused.status, refused.received) == (403, 0)
        for guard in (protect, only_the_pipeline):
            assert (await call(guard(app, BOB), "POST", path)).status == 403
            assert (await call(guard(app, ALICE), "POST", path)).status == 200
            assert (await call(guard(app, ANONYMOUS), "POST", path)).status == 401
    for guard in (protect, only_the_pipeline):
        assert (await call(guard(app, BOB), path="/mounted/x")).status == 403
        assert (await call(guard(app, ALICE), path="/mounted/x")).status == 404


async def test_access_by_path_may_be_a_policys():
    app = FastAPI(openapi_url=None)
    app.get("/documents/1")(lambda: "of bob")
    declared = {"/documents/1": require_policy(Documents(), "read")}
    assert (await call(protect(app, BOB, declared=declared))).status == 403
    assert (await call(protect(app, ALICE, declared=declared))).status == 200


def test_nothing_is_concluded_from_the_principal_alone():
    access = require_policy(Documents(), "read")
    assert access.requirement.decide(ALICE).denied
    exchange = make_exchange(principal=ANONYMOUS)
    exchange.failure = AuthenticationError("Token expired")
    with pytest.raises(SecurityError, match="Token expired"):
        asyncio.run(require_policy(Documents(), "read", resource=store).admit(exchange, None))
