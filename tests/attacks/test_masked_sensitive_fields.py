"""The attack: read an answer that has more of an object than its reader may know (ASVS 8.2.3)."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from tests.accounts.application import browse, make_app, running
from zenith.authorization import masked, public
from zenith.kernel.sensitive import PII, SECRET, Sensitive, SensitiveMask


class Patient(BaseModel):
    room: int
    name: Sensitive[str, PII]
    pin: Sensitive[str, SECRET]


ADA = Patient(room=4, name="Ada", pin="1234")


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

    @app.get("/unmasked")
    @public
    async def unmasked() -> Patient:
        return ADA

    async with running(app), browse(app) as client:
        yield client


async def test_a_mask_leaves_out_what_is_sensitive(client):
    assert (await client.get("/masked")).json() == {"room": 4}
    assert (await client.get("/masked-list")).json() == [{"room": 4}] * 2


async def test_what_is_secret_leaves_no_route(client):
    assert (await client.get("/unmasked")).json() == {"room": 4, "name": "Ada", "pin": "***"}
