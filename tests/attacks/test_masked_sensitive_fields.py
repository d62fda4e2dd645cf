"""The attack: read an answer that has more of an object than its reader may know (ASVS 8.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict
from typing_extensions import TypedDict

from tests.accounts.application import browse, make_app, running
from zenith.authorization import masked, public
from zenith.kernel.sensitive import PII, SECRET, Sensitive, SensitiveMask
from zenith.policies import Policy


class Patient(BaseModel):
    room: int
    name: Sensitive[str, PII]
    pin: Sensitive[str, SECRET]


ADA = Patient(room=4, name="Ada", pin="1234")


class Ward(BaseModel):
    number: int = 1
    beds: list[Patient] = []
    by_room: dict[str, Patient] = {}
    head: Patient | None = None


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    room: int
    name: Sensitive[str, PII]


class Hidden(BaseModel):
    name: Sensitive[str, PII] = "Ada"


class Pair(BaseModel):
    left: Hidden = Hidden()
    n: int = 1


class Mappings(BaseModel):
    n: int = 1
    pairs: list[dict[str, object]]


class Pairs(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    n: int
    pairs: list[Pair]


class Row(BaseModel):
    """Knows no marks: its response model does."""

    room: int = 4
    name: str = "Ada"


@dataclass(frozen=True)
class Badge:
    name: Sensitive[str, PII]


class Badges(BaseModel):
    n: int = 1
    worn: set[Badge] = {Badge("Ada")}


class Contact(TypedDict):
    room: int
    name: Sensitive[str, PII]


class Holder(BaseModel):
    n: int = 1
    contact: Contact


class Stored:
    """As an ORM without marks has it."""

    def __init__(self):
        self.room, self.name = 4, "Ada"


PLAIN = {"room": 4, "name": "Ada"}
DESCRIBED = {
    "dictionary": (Patient, {**PLAIN, "pin": "1"}, {"room": 4}),
    "dictionaries": (list[Shown], [PLAIN, PLAIN], [{"room": 4}] * 2),
    "stored": (Shown, Stored(), {"room": 4}),
    "within a dictionary": (dict[str, Shown], {"a": PLAIN}, {"a": {"room": 4}}),
    "none": (dict[str, Shown], {}, {}),
    "typed dictionary in a model": (Holder, {"contact": PLAIN}, {"n": 1}),
}
UNTOLD = {
    "dictionary": (Any, PLAIN),
    "with what is empty": (dict[str, Any], {**PLAIN, "notes": None}),
    "stored": (Any, Stored()),
    "typed dictionary": (Contact, PLAIN),
    "typed dictionaries": (list[Contact], [PLAIN]),
    "one field": (Annotated[str, BeforeValidator(lambda patient: patient.name)], ADA),
}

FULL = Ward(beds=[ADA, ADA], by_room={"4": ADA}, head=ADA)

WARD = Policy(
    "ward",
    [
        {
            "effect": "allow",
            "action": ["read"],
            "fields": ["name"],
            "conditions": [{"attribute": "resource.room", "operator": "equals", "value": 4}],
        }
    ],
)


@pytest.fixture
async def client(tmp_path):
    app = make_app(tmp_path)

    @app.get("/masked")
    @public
    @masked(SensitiveMask("patients:read-all"))
    async def masked_patient() -> Patient:
        return ADA

    @app.get("/masked-list")
    @public
    @masked(SensitiveMask())
    async def masked_list():
        return [ADA, ADA]

    @app.get("/by-policy")
    @public
    @masked(SensitiveMask(WARD))
    async def by_policy() -> list[Patient]:
        return [ADA, ADA.model_copy(update={"room": 5})]

    @app.get("/ward")
    @public
    @masked(SensitiveMask("patients:read-all"))
    async def ward() -> Ward:
        return FULL

    @app.get("/wards")
    @public
    @masked([SensitiveMask(), SensitiveMask("patients:read-all")], Ward)
    async def wards():
        return {"n": 1, "wards": [FULL], "by": Pair()}

    @app.get("/made")
    @public
    @masked(SensitiveMask("patients:read-all"), Row)
    async def made() -> list[Shown]:
        return [Row()]

    @app.get("/made-of-mappings", response_model=Pairs)
    @public
    @masked(SensitiveMask("patients:read-all"), Mappings)
    async def made_of_mappings() -> Any:
        return Mappings(pairs=[{"left": {"name": "Ada"}, "n": 2}])

    @app.get("/badges")
    @public
    @masked(SensitiveMask())
    async def badges() -> Badges:
        return Badges()

    @app.get("/unmasked")
    @public
    async def unmasked() -> Patient:
        return ADA

    async with running(app), browse(app) as client:
        yield client


async def test_a_mask_leaves_out_what_is_sensitive(client):
    assert (await client.get("/masked")).json() == {"room": 4}
    assert (await client.get("/masked-list")).json() == [{"room": 4}] * 2


async def test_a_policy_shows_fields_of_some_objects(client):
    """Of the sensitive ones: the room is in no rule and in the answer all the same."""
    found = (await client.get("/by-policy")).json()
    assert found == [{"room": 4, "name": "Ada"}, {"room": 5}]


async def test_what_is_secret_leaves_no_route(client):
    assert (await client.get("/unmasked")).json() == {"room": 4, "name": "Ada", "pin": "***"}


async def test_however_deep_it_is(client):
    """An object within another has marks of its own, and the inventory says that it is masked."""
    room = {"room": 4}
    ward = {"number": 1, "beds": [room, room], "by_room": {"4": room}, "head": room}
    assert (await client.get("/ward")).json() == ward
    found = (await client.get("/wards")).json()
    assert found == {"n": 1, "wards": [ward], "by": {"n": 1}}


async def test_the_marks_of_the_shape_in_which_it_leaves_count_too(client):
    assert (await client.get("/made")).json() == [{"room": 4}]
    assert (await client.get("/made-of-mappings")).json() == {"n": 1, "pairs": [{"n": 2}]}


async def test_where_nothing_can_be_left_out_of_a_member_all_are(client):
    assert (await client.get("/badges")).json() == {"n": 1}


async def answer_of(app: Any, kind: Any, result: Any) -> Any:
    async def endpoint() -> Any:
        return result

    endpoint.__annotations__["return"] = kind
    app.get("/")(public(masked(SensitiveMask())(endpoint)))
    async with running(app), browse(app) as client:
        client._transport.raise_app_exceptions = False
        return await client.get("/")


@pytest.mark.parametrize("name", DESCRIBED)
async def test_what_has_no_marks_goes_by_those_of_its_answer(tmp_path, name):
    """A dictionary is not emptied, nor let through: the route says what it answers."""
    kind, result, expected = DESCRIBED[name]
    answer = await answer_of(make_app(tmp_path), kind, result)
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("name", UNTOLD)
async def test_what_nothing_describes_does_not_leave(tmp_path, name):
    answer = await answer_of(make_app(tmp_path), *UNTOLD[name])
    assert answer.status_code == 500
    assert "Ada" not in answer.text
