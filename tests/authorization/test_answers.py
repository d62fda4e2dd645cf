import json
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    computed_field,
    model_serializer,
)
from typing_extensions import TypedDict

from tests.authorization.documents import ALICE, BOB, call
from tests.authorization.people import protect
from zenith.authorization import AllOf, masked, public
from zenith.authorization.answers import _is_marked
from zenith.authorization.masking import Mask, merged
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.sensitive import PII, Sensitive, SensitiveMask

SECRET = "wage-of-4711"


class Fields:
    """Everybody sees the title, the owner all, and nobody anything of what is locked."""

    name = "fields"

    def mask(self, subject, objects, action="read", context=None):
        return [self._seen(subject, each) for each in objects]

    def _seen(self, subject, each):
        facts = each if isinstance(each, dict) else {**vars(each)}
        if facts.get("locked"):
            return {}
        if facts.get("owner_id") == subject.subject:
            return dict(facts)
        return {name: facts[name] for name in ("title", "kids", "parts") if name in facts}


FIELDS = Fields()


class Paper(BaseModel):
    model_config = ConfigDict(extra="allow")
    title: str = "t"
    owner_id: str = "bob"
    wage: str = SECRET
    locked: bool = False
    kids: list["Paper"] = []

    @computed_field
    @property
    def loud(self) -> str:
        return self.wage.upper()


class PaperOut(BaseModel):
    title: str
    pay: str = Field(validation_alias="wage", serialization_alias="Pay")
    kids: list["PaperOut"] = []


@dataclass
class Sheet:
    title: str = "t"
    owner_id: str = "bob"
    wage: str = SECRET
    kids: list["Sheet"] = field(default_factory=list)


class Row:
    def __init__(self, **more):
        self.title, self.owner_id, self.wage = "t", "bob", SECRET
        self._state = SECRET
        vars(self).update(more)


class Page(BaseModel):
    items: list[Paper]
    total: int = 0


MAKERS = {
    "model": Paper,
    "dataclass": Sheet,
    "row": Row,
    "mapping": lambda: {"title": "t", "owner_id": "bob", "wage": SECRET},
}
SHAPES = {
    "one": (lambda make: make(), lambda answer: answer, ()),
    "list": (lambda make: [make(), make()], lambda answer: answer[1], ()),
    "tuple": (lambda make: (make(),), lambda answer: answer[0], ()),
    "iterator": (lambda make: iter([make()]), lambda answer: answer[0], ()),
    "enclosed": (
        lambda make: {"items": [make()], "more": {"best": make()}},
        lambda answer: answer["more"]["best"],
        (Paper, Sheet, Row),
    ),
}


def serve(endpoint, *, kinds=(), also=(), policy=FIELDS, **options):
    app = FastAPI(openapi_url=None)
    app.get("/", **options)(public(masked(policy, *kinds, also=also)(endpoint)))
    return app


async def get(app, principal=ALICE):
    return await call(protect(app, principal), path="/")


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("is_plain", [False, True])
async def test_what_is_hidden_does_not_leave_in_whatever_shape(maker, shape, is_plain):
    make, take, kinds = SHAPES[shape]
    if maker == "mapping" and kinds:
        pytest.skip("a mapping has no kind to be known by")

    async def endpoint():
        return make(MAKERS[maker])

    def plain():
        return make(MAKERS[maker])

    app = serve(plain if is_plain else endpoint, kinds=kinds)
    seen = await get(app)
    assert seen.status == 200
    assert SECRET.encode() not in seen.body.lower()
    assert take(json.loads(seen.body))["title"] == "t"
    assert SECRET.encode() in (await get(app, BOB)).body


PAY, TITLE = {"pay", "title"}, {"title"}
RESPONSES = {
    "same": (Paper, {}),
    "other": (PaperOut, {}),
    "without defaults": (PaperOut, {"response_model_exclude_defaults": True}),
    "names": (PaperOut, {"response_model_by_alias": False}),
    "included": (PaperOut, {"response_model_include": PAY}),
    "excluded": (PaperOut, {"response_model_exclude": TITLE}),
    "class": (PaperOut, {"response_class": JSONResponse}),
}


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("is_list", [False, True])
async def test_response_models_leave_it_out_however_they_are_written(response, is_list):
    model, options = RESPONSES[response]

    async def endpoint():
        paper = Paper(kids=[Paper(), Paper(owner_id="alice", wage="mine")])
        return [paper] if is_list else paper

    options = {
        name: {"__all__": value} if is_list and isinstance(value, set) else value
        for name, value in options.items()
    }
    app = serve(endpoint, response_model=list[model] if is_list else model, **options)
    seen = await get(app)
    assert seen.status == 200
    assert SECRET.encode() not in seen.body.lower()
    assert SECRET.encode() in (await get(app, BOB)).body


async def test_members_that_may_not_be_seen_at_all_are_left_out():
    async def endpoint() -> Page:
        return Page(items=[Paper(locked=True), Paper(title="open")], total=2)

    assert (await get(serve(endpoint, kinds=(Paper,)))).body == (
        b'{"items":[{"title":"open","kids":[]}],"total":2}'
    )


async def test_an_object_that_may_not_be_seen_at_all_is_empty():
    async def endpoint() -> Paper:
        return Paper(locked=True)

    assert (await get(serve(endpoint))).body == b"{}"
    assert (await get(serve(lambda: Paper(locked=True)))).body == b"{}"


async def test_computed_fields_leave_only_by_name():
    async def endpoint() -> Paper:
        return Paper(owner_id="alice", wage="mine")

    async def the_same() -> Paper:
        return await endpoint()

    assert b"MINE" not in (await get(serve(the_same))).body
    assert b"MINE" in (await get(serve(endpoint, also={"loud"}))).body


async def test_empty_results_stay_empty():
    async def nothing() -> Paper | None:
        return None

    assert (await get(serve(nothing))).body == b"null"
    assert (await get(serve(lambda: {"items": []}, kinds=(Paper,)))).body == b'{"items":[]}'


@pytest.mark.parametrize(
    "result",
    [
        Response(SECRET),
        {"title": SECRET},
        {"papers": {SECRET}},
        SECRET,
    ],
)
async def test_what_cannot_be_masked_is_not_sent(result):
    async def endpoint():
        return result

    with pytest.raises(ConfigurationError, match="mask"):
        await get(serve(endpoint, kinds=(Paper,)))


async def test_what_a_response_model_makes_of_a_whole_object_is_left_out():
    class Told(BaseModel):
        text: Annotated[str, BeforeValidator(lambda paper: paper.wage)] = Field(
            validation_alias="document"
        )

    async def endpoint() -> Any:
        return {"document": Paper()}

    assert (await get(serve(endpoint, kinds=(Paper,), response_model=Told))).body == b"{}"


async def test_objects_that_a_response_model_drops_or_moves_are_not_sent():
    class Told(BaseModel):
        total: int = 1

    async def endpoint() -> Any:
        return {"paper": Paper()}

    with pytest.raises(ConfigurationError, match="Paper"):
        await get(serve(endpoint, kinds=(Paper,), response_model=Told))


async def test_a_stream_is_masked_item_by_item():
    async def described() -> AsyncIterable[Paper]:
        yield Paper()
        yield Paper(title="u")

    def plain() -> Iterable[Paper]:
        yield Paper()

    def undescribed():
        yield Paper()

    async def undescribed_async():
        yield {"title": "t", "wage": SECRET}

    for endpoint in (described, plain, undescribed, undescribed_async):
        # Whichever declaration stands above the other.
        for given in (endpoint, public(endpoint)):
            answer = await get(serve(given))
            assert answer.status == 200
            assert b'"title":"t"' in answer.body.replace(b": ", b":")
            assert SECRET.encode() not in answer.body.lower()


async def test_events_are_masked():
    async def endpoint() -> AsyncIterable[ServerSentEvent]:
        yield ServerSentEvent(data=Paper())

    async def objects() -> AsyncIterable[Paper]:
        yield Paper()

    for each in (endpoint, objects):
        answer = await get(serve(each, response_class=EventSourceResponse))
        assert b"title" in answer.body
        assert SECRET.encode() not in answer.body.lower()


async def test_events_and_streams_of_text_are_not_sent():
    async def events() -> AsyncIterable[ServerSentEvent]:
        yield ServerSentEvent(raw_data=SECRET)

    async def text():
        yield SECRET

    for endpoint, kind in ((events, EventSourceResponse), (text, StreamingResponse)):
        answer = None
        with pytest.raises((ConfigurationError, ExceptionGroup)):
            answer = await get(serve(endpoint, response_class=kind))
        assert answer is None


async def test_a_masked_endpoint_that_another_calls_is_masked_too():
    @masked(FIELDS)
    async def inner() -> Paper:
        return Paper()

    @masked(FIELDS)
    def plainly():
        return Paper()

    app = FastAPI(openapi_url=None)

    @app.get("/")
    @public
    async def outer():
        return {"inner": await inner(), "plainly": plainly()}

    assert SECRET.encode() not in (await get(app)).body.lower()


async def test_included_routers_are_masked():
    router = APIRouter()

    @router.get("/")
    @public
    @masked(FIELDS)
    async def endpoint() -> Paper:
        return Paper()

    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/papers")
    answer = await call(protect(app, ALICE), path="/papers/")
    assert answer.status == 200
    assert SECRET.encode() not in answer.body.lower()


async def test_two_masks_leave_what_both_show():
    class Titles:
        def mask(self, subject, objects, action="read", context=None):
            return [{"title": "x"} for _ in objects]

    async def the_same() -> Paper:
        return Paper(owner_id="alice")

    async def endpoint() -> Paper:
        return Paper(owner_id="alice")

    one = serve(endpoint, policy=[FIELDS, Titles()])
    assert (await get(one)).body == b'{"title":"t"}'
    app = FastAPI(openapi_url=None)
    app.get("/")(public(masked(FIELDS)(masked(Titles())(the_same))))
    assert (await get(app)).body == b'{"title":"t"}'


async def test_a_result_of_the_wrong_shape_stays_an_error():
    async def endpoint() -> Paper:
        return {"title": 1}

    with pytest.raises(Exception, match="validation error"):
        await get(serve(endpoint))


def test_masked_is_refused_where_it_could_not_hold():
    def response() -> JSONResponse:
        return JSONResponse(SECRET)

    with pytest.raises(ConfigurationError, match="written by itself"):
        masked(FIELDS)(response)
    with pytest.raises(ConfigurationError, match="no mask"):
        masked(object())


async def test_above_the_routes_decorator_it_refuses_the_start():
    app = FastAPI(openapi_url=None)

    @masked(FIELDS)
    @app.get("/")
    @public
    async def endpoint() -> Paper:
        return Paper()

    with pytest.raises(ConfigurationError, match="after the route was registered"):
        await get(app)


def mask(*kinds):
    return Mask(FIELDS, principal=ALICE, action="read", kinds=kinds, context={})


def test_a_field_read_under_several_names_needs_all_of_them():
    class Out(BaseModel):
        text: str = Field("", validation_alias=AliasChoices("title", AliasPath("wage", 0)))

    assert mask().excluded(Paper(), Out()) == {"text": True}


def test_a_root_model_is_what_it_holds():
    many = RootModel[list[Paper]]([Paper()])
    excluded = mask(Paper).excluded([many.root[0]], many)
    assert excluded[0]["wage"] is True


def test_extra_fields_are_fields():
    paper = Paper(bonus=SECRET)
    assert mask().excluded(paper, paper)["bonus"] is True


@pytest.mark.parametrize(
    ("theirs", "both"),
    [
        (None, {0: {"a": True}}),
        ({0}, {0: True}),
        ({0: {"b"}}, {0: {"a": True, "b": True}}),
        ({"__all__": {"b"}}, {0: {"a": True, "b": True}, "__all__": {"b"}}),
        ({0: ...}, {0: True}),
        ({1: True}, {0: {"a": True}, 1: True}),
    ],
)
def test_exclusions_of_both_count(theirs, both):
    assert merged({0: {"a": True}}, theirs) == both


def test_all_of_shows_what_each_shows():
    both = AllOf(FIELDS, FIELDS)
    assert both.mask(ALICE, [Paper()]) == [{"title": "t", "kids": []}]


class Shelf(RootModel[list[Paper]]):
    """Papers, and nothing around them."""


class Labelled(RootModel[dict[str, Paper]]):
    """Papers by a name."""


class Written(Paper):
    @model_serializer
    def write(self) -> dict[str, str]:
        return {"title": self.title, "and": self.wage}


@pytest.mark.parametrize("response_model", [None, "same"])
async def test_root_models_are_what_they_hold(response_model):
    """Pydantic excludes nothing called `root`: such a result once left as it was."""
    app = FastAPI()
    for path, answer in (("/shelf", Shelf([Paper()])), ("/labelled", Labelled({"a": Paper()}))):
        options = {"response_model": type(answer) if response_model else None}
        app.get(path, **options)(public(masked(FIELDS)(lambda answer=answer: answer)))
    assert json.loads((await call(protect(app, ALICE), "GET", "/shelf")).body) == [
        {"title": "t", "kids": []}
    ]
    assert SECRET.encode() not in (await call(protect(app, ALICE), "GET", "/labelled")).body


def test_what_a_model_writes_by_itself_is_refused_where_something_is_hidden():
    def ask(principal):
        return Mask(FIELDS, principal=principal, action="read", context={}).plain(Written())

    with pytest.raises(ConfigurationError, match="serializer of Written"):
        ask(ALICE)


class Plain(BaseModel):
    room: int = 4
    name: str = "Ada"


class Marked(BaseModel):
    model_config = ConfigDict(frozen=True)
    room: int = 4
    name: Sensitive[str, PII] = "Ada"


@pytest.mark.parametrize("policy", [SensitiveMask(), AllOf(SensitiveMask(), SensitiveMask())])
def test_a_mask_by_marks_looks_at_both_shapes_however_deep(policy):
    mask = Mask(policy, principal=ALICE, action="read", kinds=(Plain,), context={})
    content = {"a": Plain(), "b": {"c": {"name": "Ada"}}, "d": {Marked()}, "e": [Marked()]}
    value = {"a": Marked(), "b": {"c": Marked()}, "d": {Marked()}, "e": [Marked()], "f": {1}}
    assert mask.excluded(content, value) == {
        "a": {"name": True},
        "b": {"c": {"name": True}},
        "d": True,
        "e": {0: {"name": True}},
    }


def mask_by_marks():
    return Mask(SensitiveMask(), principal=ALICE, action="read", context={})


@pytest.mark.parametrize("content", [{"name": "Ada", "room": 4}, [{"name": "Ada"}], Plain()])
def test_what_has_no_marks_is_told_by_the_shape_in_which_it_leaves(content):
    value, hidden = Marked(), {"name": True}
    if isinstance(content, list):
        value, hidden = [value], {0: hidden}
    assert mask_by_marks().excluded(content, value, is_described=True) == hidden


def test_a_dictionary_alone_is_told_by_the_shape_too():
    assert mask_by_marks().excluded({"name": "Ada"}, Marked()) == {"name": True}


def test_a_set_of_marked_objects_does_not_leave():
    """Nothing can be left out of its members, and nothing is left of it."""
    mask = Mask(SensitiveMask(), principal=ALICE, action="read", kinds=(Plain,), context={})
    with pytest.raises(ConfigurationError, match="cannot tell what of set"):
        mask.excluded({Marked()}, {Marked()}, is_described=True)


def test_what_nothing_describes_does_not_leave():
    for content in ({"name": "Ada"}, [{"name": "Ada"}]):
        with pytest.raises(ConfigurationError, match="cannot tell what of dict"):
            mask_by_marks().excluded(content, content)


class Contact(TypedDict):
    name: Sensitive[str, PII]


class Inner(BaseModel):
    contact: Contact


@pytest.mark.parametrize(
    ("answer", "tells"),
    [
        (Marked, True),
        (list[Marked], True),
        (dict[str, Marked], True),
        (Plain, False),
        (Contact, False),
        (list[Contact], False),
        (Any, False),
    ],
)
def test_whether_the_models_of_an_answer_tell_what_is_sensitive(answer, tells):
    assert _is_marked(answer) is tells
