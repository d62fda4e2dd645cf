"""The attack: read an answer that has more of an object than its reader may know (ASVS 8.2.3)."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from tests.accounts.application import browse, make_app, running
from zenith.authorization import masked, public
from zenith.kernel.sensitive import PII, SECRET, Sensitive, SensitiveMask
from zenith.policies import Policy


class Patient(BaseModel):
    room: int
    name: Sensitive[str, PII]
    pin: Sensitive[str, SECRET]


ADA = Patient(room=4, name="Ada", pin="1234")

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
