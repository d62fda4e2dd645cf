import logging

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.authorization.documents import ALICE, Application, Documents, call
from tests.authorization.people import protect
from tests.authorization.test_answers import FIELDS
from tests.pipeline.asgi import hello
from zenith.authorization import (
    allowed,
    authenticated,
    checks_objects,
    list_routes,
    masked,
    public,
    require_factor,
    require_permission,
    require_policy,
    require_role,
    require_scope,
)
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import RouteTable

CALLERS = {
    "anonymous": ANONYMOUS,
    "own": Principal(subject="a", permissions=Permissions(["documents:write:own"])),
    "all": Principal(
        subject="b", permissions=Permissions(["documents:write"]), roles=frozenset({"editor"})
    ),
}


class Rows(Documents):
    def where(self, subject, action, model, context=None):
        return f"{model.__name__} {action} {subject.subject}"


def load(document_id: int) -> dict:
    return {}


def listed(*declarations, path="/things", callers=CALLERS):
    app = FastAPI(openapi_url=None)

    def endpoint():
        return None

    for declaration in declarations:
        endpoint = declaration(endpoint)
    app.get(path)(endpoint)
    [route] = list_routes(RouteTable(app), declared={}, callers=callers)
    return route


WHO = [
    ((), "?", "?", "?"),
    ((public,), "yes", "yes", "yes"),
    ((authenticated,), "no", "yes", "yes"),
    ((require_role("editor"),), "no", "no", "yes"),
    ((require_scope("read"),), "no", "scope", "scope"),
    ((require_factor("password"),), "no", "factor", "factor"),
    ((require_policy(Documents(), "create"),), "policy", "policy", "policy"),
    ((require_permission("documents:write", resource=load),), "no", "own", "yes"),
    (
        (require_policy(Documents(), "read", resource=load), authenticated),
        "no",
    )
    + ("policy: object",) * 2,
]


@pytest.mark.parametrize(("declarations", "stranger", "own", "everything"), WHO)
def test_each_caller_is_answered(declarations, stranger, own, everything):
    assert listed(*declarations).callers == {
        "anonymous": stranger,
        "own": own,
        "all": everything,
    }


def test_lists_are_for_everybody_and_masks_are_shown():
    app = FastAPI(openapi_url=None)

    @app.get("/things", dependencies=[Depends(allowed(Rows(), "read", dict))])
    @masked(FIELDS)
    def endpoint():
        return []

    [route] = list_routes(RouteTable(app), declared={}, callers=CALLERS)
    assert route.access == ("policy documents: read (rows of dict)",)
    assert route.masks == ("masked by fields",)
    assert set(route.callers.values()) == {"policy: rows"}
    assert route.as_json() == {
        "methods": ["GET"],
        "path": "/things",
        "endpoint": f"{__name__}.{endpoint.__qualname__}",
        "declared": True,
        "access": ["policy documents: read (rows of dict)"],
        "masks": ["masked by fields"],
        "notes": [],
        "unchecked": [],
        "callers": dict.fromkeys(CALLERS, "policy: rows"),
    }


@pytest.mark.parametrize(
    "path",
    ["/a/{id}", "/a/{document_id:int}", "/a/{docId}", "/a/{uuid}/b", "/{user_key}", "/{slug}"],
)
def test_paths_that_name_objects_are_unchecked(path):
    assert listed(require_permission("a:b"), path=path).object_parameters
    assert listed(path=path).object_parameters


@pytest.mark.parametrize("path", ["/a/{year}", "/a/{paid}", "/a/{file:path}", "/grid"])
def test_other_paths_are_not(path):
    assert not listed(authenticated, path=path).object_parameters


@pytest.mark.parametrize(
    "declaration",
    [
        public,
        require_permission("documents:write", resource=load),
        checks_objects("authorize() in the handler"),
    ],
)
def test_what_decides_about_objects_is_checked(declaration):
    assert not listed(declaration, path="/documents/{document_id}").object_parameters


def test_access_by_path_mounts_and_sockets_are_listed():
    app = FastAPI(openapi_url=None)

    @app.websocket("/socket/{room_id}")
    @authenticated
    async def socket(socket: WebSocket):
        pass

    app.mount("/files", authenticated(Starlette()))
    app.mount("/inner", Starlette(routes=[Mount("/deep", hello)]))
    found = list(list_routes(RouteTable(app), declared={"/files": public}, callers={}))
    assert [(each.methods, each.path, each.access) for each in found] == [
        (("WEBSOCKET",), "/socket/{room_id}", ("authenticated",)),
        (("MOUNT",), "/files", ("authenticated", "public")),
        (("MOUNT",), "/inner/deep", ()),
    ]
    assert found[0].object_parameters == ("room_id",)


def unchecked_application():
    app = FastAPI(openapi_url=None)

    @app.get("/documents/{document_id}")
    @authenticated
    async def endpoint():
        return None

    @app.get("/open")
    @checks_objects("none are named")
    @public
    async def is_open():
        return None

    return app


async def test_the_start_warns_of_unchecked_objects(caplog):
    with caplog.at_level(logging.WARNING, logger="zenith"):
        answer = await call(protect(unchecked_application(), ALICE))
    assert answer.status == 200
    assert "decide nothing about the objects" in caplog.text
    assert "endpoint): document_id" in caplog.text
    assert "repr" not in caplog.text


async def test_the_start_refuses_them_if_it_is_told_to(caplog):
    with pytest.raises(ConfigurationError, match="document_id"):
        await call(protect(unchecked_application(), ALICE, unchecked_objects="refuse"))
    with caplog.at_level(logging.WARNING, logger="zenith"):
        await call(protect(unchecked_application(), ALICE, unchecked_objects="ignore"))
        mine = Application()

        @mine.app.get("/documents/{document_id}")
        @mine.access()
        async def endpoint():
            return None

        await mine.ask(ALICE)
    assert caplog.text == ""


async def test_access_by_path_may_be_undecided_too(caplog):
    app = FastAPI(openapi_url=None)

    @app.get("/documents/{document_id}")
    async def endpoint():
        return None

    declared = {"/documents/{document_id}": authenticated}
    with caplog.at_level(logging.WARNING, logger="zenith"):
        await call(protect(app, ALICE, declared=declared))
    assert "document_id" in caplog.text
    assert "checks objects: x" in repr(checks_objects("x"))
