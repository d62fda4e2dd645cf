"""One annotation, end to end: the column, the filter, the answer, the log's names, the inventory,
the refused start.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Annotated, ClassVar

import pytest
from fastapi import APIRouter, FastAPI, Header
from pydantic import BaseModel
from sqlalchemy import Column, String
from sqlmodel import Field

from tests.accounts.application import browse, make_app, running
from zenith import ZenithModel
from zenith.assembly.data_models import routes_of, secret_names
from zenith.assembly.inventory import check_sensitive_columns, lines_of
from zenith.authorization import masked, public
from zenith.encryption import BlindIndex, EncryptedString, EncryptionService
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import new_token
from zenith.kernel.sensitive import PII, SECRET, Sensitive, SensitiveMask

SERVICE = EncryptionService(new_token(48))
NUMBERS = BlindIndex(new_token(48), normalize="digits")


class Inpatient(ZenithModel, table=True):
    __encryption__: ClassVar = SERVICE
    __writable__: ClassVar = {"name", "ssn", "pin", "room"}
    __filterable__: ClassVar = {"room"}
    __sortable__: ClassVar = {"room"}
    id: int | None = Field(default=None, primary_key=True)
    name: Sensitive[str, PII]
    ssn: Sensitive[str, PII] = Field(sa_type=EncryptedString(SERVICE, index=NUMBERS))
    pin: Sensitive[str, SECRET] = "0000"
    room: int = 4


class Card(BaseModel):
    holder: Sensitive[str, PII]
    number: int = 1


class Wallet(BaseModel):
    cards: list[Card]


class Patient(BaseModel):
    allergy: Sensitive[str, PII]


class Visit(BaseModel):
    ward: Sensitive[str, PII]


@pytest.fixture
def clinic(tmp_path):
    """An application whose model is encrypted by its annotation alone."""
    app = make_app(tmp_path)

    @app.post("/inpatients")
    @public
    async def admit(
        patient: Inpatient, iban: Annotated[Sensitive[str, PII], Header()] = ""
    ) -> Inpatient:
        return await Inpatient.create(**patient.model_dump(exclude={"id"}))

    @app.get("/inpatients")
    @public
    @masked(SensitiveMask("patients:read-all"))
    async def everybody(room: str = "4") -> list[Inpatient]:
        return await Inpatient.from_client({"room": room}).all()

    @app.get("/wanted")
    @public
    async def wanted(field: str) -> list[int]:
        return [each.room for each in await Inpatient.from_client({field: "Ada"}).all()]

    @app.get("/ordered")
    @public
    async def ordered(field: str) -> list[int]:
        return [each.room for each in await Inpatient.from_client(sort=field).all()]

    @app.get("/by-ssn")
    @public
    async def by_ssn(ssn: str) -> int:
        return await Inpatient.where(Inpatient.ssn == ssn).count()

    @app.get("/wallet")
    @public
    async def wallet() -> Wallet:
        return Wallet(cards=[Card(holder="Ada")])

    return app


async def test_one_annotation_protects_a_field_everywhere(clinic, tmp_path):
    given = {"name": "Ada Lovelace", "ssn": "078-05-1120", "pin": "4711"}
    async with running(clinic), browse(clinic) as client:
        answer = await client.post("/inpatients", json=given)
        assert answer.status_code == 200, answer.text
        assert answer.json()["name"] == "Ada Lovelace"
        assert answer.json()["pin"] == "***"
        assert (await client.get("/inpatients")).json() == [{"id": 1, "room": 4}]
        for path in ("/wanted", "/ordered"):
            for field in ("name", "ssn", "pin"):
                assert (await client.get(path, params={"field": field})).status_code == 422
            assert (await client.get(path, params={"field": "room"})).status_code in (200, 422)
        assert (await client.get("/by-ssn", params={"ssn": "078051120"})).json() == 1
    row = Inpatient(**given)
    assert "Ada" not in repr(row)
    assert "4711" not in repr(row)
    files = [each for each in tmp_path.glob("*.db*") if b"inpatient" in each.read_bytes()]
    assert files
    for file in files:
        held = file.read_bytes()
        assert b"Lovelace" not in held
        assert b"078-05-1120" not in held
        assert b"4711" not in held


async def test_what_was_stored_opens_again(clinic, tmp_path):
    async with running(clinic), browse(clinic) as client:
        await client.post("/inpatients", json={"name": "Ada", "ssn": "1", "pin": "2"})
        async with clinic.models.open():
            (found,) = await Inpatient.where(room=4).all()
            assert (found.name, found.ssn, found.pin) == ("Ada", "1", "2")
    (file,) = [each for each in tmp_path.glob("*.db") if b"inpatient" in each.read_bytes()]
    with closing(sqlite3.connect(file)) as connection, connection:
        (stored,) = connection.execute(f"SELECT name FROM {Inpatient.__tablename__}")  # noqa: S608
    connection.close()
    assert stored[0].startswith("~") or "Ada" not in stored[0]


def test_the_inventory_says_where_it_is_and_where_it_leaves(clinic):
    lines = {(each.model.rpartition(".")[2], each.field): each for each in lines_of(clinic)}
    name, ssn, pin = (lines["Inpatient", field] for field in ("name", "ssn", "pin"))
    assert (name.encrypted, name.indexed, name.category) == (True, "", PII)
    assert name.table == Inpatient.__tablename__
    assert name.routes == ("POST /inpatients",)
    assert name.masked == ("GET /inpatients",)
    assert (ssn.encrypted, ssn.indexed) == (True, "blind")
    assert pin.routes == ()
    assert set(pin.masked) == {"POST /inpatients", "GET /inpatients"}
    card = lines["Card", "holder"]
    assert (card.table, card.encrypted, card.routes) == ("", False, ("GET /wallet",))
    assert name.as_json()["kind"] == "str"


def test_logs_know_the_names(clinic):
    assert {"name", "ssn", "pin", "holder", "iban"} <= secret_names(clinic)
    assert "room" not in secret_names(clinic)
    paths = {each.entry.path for each in routes_of(clinic)}
    assert "/wallet" in paths
    assert "/page" not in paths


@pytest.mark.parametrize("own", [{"sa_type": String}, {"sa_column": Column(String())}])
def test_a_type_of_its_own_does_not_say_that_plain_text_is_meant(own):
    name = f"Overridden_{next(iter(own))}"
    model = type(
        name,
        (ZenithModel,),
        {
            "__annotations__": {"id": int, "name": Sensitive[str, PII]},
            "__module__": __name__,
            "__encryption__": SERVICE,
            "id": Field(primary_key=True),
            "name": Field(**own),
        },
        table=True,
    )
    try:
        for is_production in (False, True):
            with pytest.raises(ConfigurationError, match=rf"{name}\.name") as caught:
                check_sensitive_columns(is_production=is_production)
        assert "'plain_text': True" in caught.value.fix
        model.__table__.c.name.info["plain_text"] = True
        assert not [each for each in check_sensitive_columns(is_production=True) if "Over" in each]
    finally:
        model.metadata.remove(model.__table__)


def test_a_table_that_says_nothing_refuses_the_start_of_production(tmp_path):
    class Forgotten(ZenithModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: Sensitive[str, PII] = Field(index=True)

    try:
        told = check_sensitive_columns(is_production=False)
        assert "Forgotten.name is sensitive, and stored in plain text" in told
        with pytest.raises(ConfigurationError, match=r"Forgotten\.name") as caught:
            check_sensitive_columns(is_production=True)
        assert "__encryption__" in caught.value.fix
        (line,) = [each for each in lines_of(make_app(tmp_path)) if each.table == "forgotten"]
        assert (line.encrypted, line.indexed) == (False, "plain")
        Forgotten.__encryption__ = None
        assert not [each for each in check_sensitive_columns(is_production=False) if "Forg" in each]
    finally:
        Forgotten.metadata.remove(Forgotten.__table__)


def test_included_routers_and_mounted_applications_count_too(tmp_path):
    router, inner = APIRouter(), FastAPI()

    @router.post("/patients")
    @public
    async def admit(patient: Patient) -> Visit:
        return Visit(ward=patient.allergy)

    @inner.get("/cards")
    async def card(
        number: Sensitive[str, PII], x_pin: Annotated[Sensitive[str, PII], Header()]
    ) -> None:
        del number, x_pin

    app = make_app(tmp_path)
    app.include_router(router, prefix="/clinic")
    app.mount("/inner", inner)
    assert {"allergy", "ward", "number", "x_pin", "x-pin"} <= secret_names(app)
    assert {"/clinic/patients", "/inner/cards"} <= {each.entry.path for each in routes_of(app)}
    (ward,) = [each for each in lines_of(app) if each.field == "ward"]
    assert ward.routes == ("POST /clinic/patients",)
