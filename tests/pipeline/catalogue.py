"""Endpoints of every shape, and requests to them: what FastAPI does is compared with what we do."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import (
    APIRouter,
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    FastAPI,
    Header,
    Path,
    Query,
    Request,
    Response,
)
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import AliasChoices, BaseModel, Field, Json
from starlette.requests import HTTPConnection


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Number(Enum):
    ONE = 1


class Item(BaseModel):
    name: str
    price: float = 1.5
    note: str | None = None
    inner: dict[str, int] = {}


class Filter(BaseModel):
    model_config = {"extra": "forbid"}
    limit: int = 10
    tags: list[str] = []


class Strict(BaseModel):
    number: int


WHOLE = Item(name="a", note="n")


def application() -> FastAPI:
    app = FastAPI(openapi_url=None)
    for add in (add_parameters, add_names, add_bodies, add_values):
        add(app)
    for add in (add_answers, add_responses, add_contents, add_others, add_handlers):
        add(app)
    return app


def add_parameters(app: FastAPI) -> None:
    @app.get("/path/{number}/{text}/{when}/{colour}")
    async def path(number: int, text: str, when: date, colour: Colour) -> Any:
        return [number, text, when, colour]

    @app.get("/aliased/{one}")
    async def aliased(two: Annotated[UUID, Path(alias="one")]) -> Any:
        return two

    @app.get("/at/{rest:path}")
    async def rest(rest: str, full: Annotated[bool, Query()] = False) -> Any:
        return [rest, full]

    @app.get("/converted/{number:int}")
    async def converted(number: int) -> Any:
        return number

    @app.get("/query")
    async def query(
        needed: int,
        several: Annotated[list[int] | None, Query()] = None,
        colour: Colour = Colour.RED,
        one: Number | None = None,
        amount: Annotated[Decimal, Query(gt=0, alias="amount-of")] = Decimal("1.50"),
        maybe: str | None = None,
        at: datetime | None = None,
    ) -> Any:
        return [needed, several, colour, one, amount, maybe, at]


def add_names(app: FastAPI) -> None:
    @app.get("/names")
    async def names(
        known: Annotated[int, Query(validation_alias="k")] = 1,
        either: Annotated[int, Query(validation_alias=AliasChoices("a", "b"))] = 2,
        shown: Annotated[int, Query(serialization_alias="s")] = 3,
    ) -> Any:
        return [known, either, shown]

    @app.get("/annotated")
    async def annotated(
        maybe: Annotated[int, Field(gt=1)] | None = None,
    ) -> Any:
        return maybe

    @app.get("/model")
    async def model(found: Annotated[Filter, Query()]) -> Any:
        return found

    @app.get("/json")
    async def json_text(found: Annotated[Json[list[int]], Query()], n: Json[int] = 1) -> Any:
        return [found, n]

    @app.get("/headers")
    async def headers(
        x_token: Annotated[str, Header()],
        under_score: Annotated[int, Header(convert_underscores=False)] = 0,
        x_many: Annotated[list[str] | None, Header()] = None,
        session: Annotated[str | None, Cookie()] = None,
        count: Annotated[int, Cookie(alias="n", le=9)] = 0,
    ) -> Any:
        return [x_token, under_score, x_many, session, count]

    @app.api_route("/connection", methods=["GET", "POST"])
    async def connection(request: Request, around: HTTPConnection) -> Any:
        body = await request.body()
        return [request is around, request.method, len(body), request.query_params.get("q")]


def add_bodies(app: FastAPI) -> None:
    @app.post("/item/{number}")
    async def item(number: int, item: Item, q: str = "-") -> Item:
        return item.model_copy(update={"note": f"{number}{q}"})

    @app.post("/embedded")
    async def embedded(item: Annotated[Item, Body(embed=True)]) -> Any:
        return item

    @app.post("/two")
    async def two(item: Item, count: Annotated[int, Body()] = 1) -> Any:
        return [item, count]

    @app.post("/optional")
    async def optional(item: Item | None = None) -> Any:
        return item


def add_values(app: FastAPI) -> None:
    @app.post("/any")
    async def anything(value: Annotated[Any, Body()]) -> Any:
        return repr(value)

    @app.post("/list")
    async def of_list(values: list[Strict]) -> list[Strict]:
        return values

    @app.post("/default")
    async def default(value: Annotated[int, Body(ge=1)] = 5) -> Any:
        return value

    @app.post("/factory")
    async def factory(value: Annotated[list[int], Body(default_factory=list)]) -> Any:
        value.append(1)
        return value

    @app.post("/named")
    async def named(item: Annotated[Item, Body(media_type="application/x-item")]) -> Any:
        return item

    router = APIRouter(strict_content_type=False)

    @router.post("/loose")
    async def loose(item: Item) -> Any:
        return item

    app.router.routes.append(router.routes[-1])


def add_answers(app: FastAPI) -> None:
    @app.get("/shaped", response_model_exclude={"price"}, response_model_exclude_none=True)
    async def shaped() -> Item:
        return Item(name="a")

    @app.get("/included", response_model=Item, response_model_include={"name", "inner"})
    async def included() -> Any:
        return {"name": "a", "inner": {"b": 1}, "more": 2}

    @app.get("/unset", response_model_exclude_unset=True, status_code=201)
    async def unset() -> Item:
        return Item(name="a")

    @app.get("/wrong")
    async def wrong() -> Item:
        return {"price": "much"}  # type: ignore[return-value]


def add_responses(app: FastAPI) -> None:
    @app.get("/none", status_code=204)
    async def none() -> None:
        return None

    @app.get("/nothing", status_code=304, response_model=None)
    async def nothing() -> Any:
        return WHOLE

    @app.get("/html", response_class=HTMLResponse)
    async def html() -> str:
        return "<b>"

    @app.get("/text", response_class=PlainTextResponse, status_code=203)
    async def text() -> Any:
        return "text"

    @app.get("/silent", response_class=JSONResponse, status_code=205, response_model=None)
    async def silent() -> Any:
        return {"a": 1}


def add_contents(app: FastAPI) -> None:
    @app.get("/own", response_model=None)
    async def own() -> Any:
        return PlainTextResponse("own", status_code=202, headers={"x-own": "1"})

    @app.get("/plain", response_model=None)
    async def plain() -> Any:
        return {"when": date(2026, 1, 2), "set": {1}, "item": WHOLE}

    @app.get("/unserialisable", response_model=None)
    async def unserialisable() -> Any:
        return object.__new__(type("Slots", (), {"__slots__": ()}))

    @app.get("/listed", response_class=JSONResponse)
    async def listed() -> list[Item]:
        return [WHOLE]

    @app.get("/numbers")
    async def numbers() -> dict[str, float]:
        return {"a": float("nan"), "b": 1e400}

    @app.get("/surrogate")
    async def surrogate() -> Any:
        return "\ud800"


def add_others(app: FastAPI) -> None:
    """What stays with FastAPI's own handler."""

    @app.get("/depends")
    async def depends(value: Annotated[int, Depends(lambda: 3)]) -> Any:
        return value

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> Any:
        tasks.add_task(int)
        return 1

    @app.get("/response")
    async def response(response: Response) -> Any:
        response.headers["x-own"] = "1"
        response.status_code = 203
        return 1

    @app.get("/thread")
    def thread(q: int = 1) -> Any:
        return q

    @app.get("/stream")
    async def stream() -> Any:
        yield {"a": 1}
        yield {"a": 2}


def add_handlers(app: FastAPI) -> None:
    """What is told of errors, in full."""

    async def refused(request: Request, error: Any) -> JSONResponse:
        context = {name: getattr(error, f"endpoint_{name}", None) for name in ("path", "function")}
        cause = type(error.__cause__).__name__
        told = [repr(error.errors()), repr(error.body), context, cause]
        return JSONResponse(told, status_code=422)

    app.add_exception_handler(RequestValidationError, refused)
    app.add_exception_handler(ResponseValidationError, refused)


UUID_TEXT = "0b7e4a30-5b0e-4a3b-9d37-6a1fbb1f0a11"
GETS = [
    "/path/1/a/2026-01-02/red",
    "/path/x/a/2026-13-02/green",
    "/path/1/%20/2026-01-02/blue",
    f"/aliased/{UUID_TEXT}",
    "/aliased/none",
    "/at/a/b/c",
    "/at/a?full=1",
    "/at/?full=perhaps",
    "/converted/12",
    "/query",
    "/query?needed=1",
    "/query?needed=1&needed=2",
    "/query?needed=x&several=1&several=y&colour=green&one=2&amount-of=-1&at=never",
    "/query?needed=1&several=1&several=2&colour=blue&amount-of=2.50&maybe=&at=2026-01-02T03:04:05Z",
    "/query?needed=&maybe=m",
    "/query?needed=%31&one=1",
    "/names",
    "/names?k=4&b=5&shown=6&s=7",
    "/names?known=4&a=5&b=6&k=x",
    "/annotated",
    "/annotated?maybe=2",
    "/annotated?maybe=1",
    "/model?limit=3&tags=a&tags=b",
    "/model?limit=x&other=1",
    "/json?found=[1,2]&n=4",
    "/json?found=[&n=x",
    "/json",
    "/headers",
    "/connection?q=1",
    "/shaped",
    "/included",
    "/unset",
    "/wrong",
    "/none",
    "/nothing",
    "/html",
    "/text",
    "/silent",
    "/own",
    "/plain",
    "/unserialisable",
    "/listed",
    "/numbers",
    "/surrogate",
    "/depends",
    "/background",
    "/response",
    "/thread?q=2",
    "/thread?q=x",
    "/stream",
]
HEADERS = [
    [],
    [("x-token", "a")],
    [("x-token", "a"), ("x-token", "b"), ("under_score", "3"), ("x-many", "1"), ("x-many", "2")],
    [("x-token", "a"), ("cookie", "session=s; n=4")],
    [("x-token", ""), ("cookie", "n=40; session=")],
    [("x-token", "a"), ("under-score", "3"), ("cookie", "n=x")],
]
POSTS = [
    "/item/7?q=z",
    "/item/x",
    "/embedded",
    "/two",
    "/optional",
    "/any",
    "/list",
    "/default",
    "/factory",
    "/named",
    "/loose",
    "/connection",
]
BODIES = [
    b"",
    b"{",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b'[{"number": 1}, {"number": "2"}]',
    b'[{"number": "x"}]',
    b'{"name": "a"}',
    b'{"name": 1, "price": "x"}',
    b'{"item": {"name": "a"}, "count": 3}',
    b'{"item": null, "count": "x"}',
    b"\xff\xfe",
    b"[" * 100_000,
    b"name=a",
]
TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
    "APPLICATION/JSON",
    "text/plain",
    "application/x-item",
    "nonsense",
    "",
    None,
]
