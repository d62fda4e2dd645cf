"""Attack: answer a passkey's challenge from a phishing site, for another site, a second time, in
another browser, for another account, from a frame, or with a copy of the authenticator.
"""

from __future__ import annotations

import json

import pytest

from tests.accounts.application import (
    EMAIL,
    bearer,
    events_of,
    login,
    serving,
)
from tests.mfa.authenticator import BE, BS, UV, Authenticator, b64
from zenith.kernel.events import EventType

OTHER = "ben@example.org"


@pytest.fixture
async def client(tmp_path):
    async with serving(tmp_path, EMAIL, OTHER) as client:
        yield client


async def enrol(client, device, email=EMAIL, **lies):
    """The answer to the registration, and the tokens of the sign-in."""
    tokens = (await login(client, email)).json()
    path = "/auth/factors/passkeys"
    answer = await client.post(f"{path}/options", headers=bearer(tokens))
    options = answer.json()["options"]
    body = {"credential": device.create(options, **lies), "name": "Key"}
    return await client.post(path, json=body, headers=bearer(tokens)), body, tokens


async def begin(client):
    return (await client.post("/auth/login/passkey/options")).json()


async def sign_in(client, begun, credential):
    body = {"handle": begun["handle"], "credential": credential}
    return await client.post("/auth/login/passkey", json=body)


LIES = [
    {"origin": "https://localhost.evil.example"},
    {"origin": "http://localhost:8001"},
    {"rp_id": "evil.example"},
    {"kind": "webauthn.payment"},
    {"said": {"crossOrigin": True}},
    {"said": {"topOrigin": "https://evil.example"}},
    {"said": {"challenge": b64(b"x" * 56)}},
    {"said": {"challenge": None}},
]


async def test_false_registrations(client):
    for lies in (*LIES, {"flags": BS}):
        answer, _, tokens = await enrol(client, Authenticator(), **lies)
        assert (answer.status_code, answer.json()["code"]) == (422, "factor_not_confirmed"), lies
        held = (await client.get("/auth/factors", headers=bearer(tokens))).json()
        assert held["passkeys"] == []


async def test_false_sign_ins(client):
    device = Authenticator()
    await enrol(client, device)
    for lies in (
        *LIES,
        {"flags": 0},
        {"flags": UV | BE},
        {"signature": b"0" * 70},
        {"user": b"0" * 32},
        {"user": None},
    ):
        begun = await begin(client)
        answer = await sign_in(client, begun, device.get(begun["options"], **lies))
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_factor"), lies
    begun = await begin(client)
    assert (await sign_in(client, begun, device.get(begun["options"]))).status_code == 200


async def test_an_answer_serves_once(client):
    device = Authenticator()
    added, body, tokens = await enrol(client, device)
    assert added.status_code == 201
    again = await client.post("/auth/factors/passkeys", json=body, headers=bearer(tokens))
    assert again.status_code == 401
    begun = await begin(client)
    credential = device.get(begun["options"])
    assert (await sign_in(client, begun, credential)).status_code == 200
    assert (await sign_in(client, begun, credential)).status_code == 401


async def test_a_challenge_belongs_to_who_asked(client):
    device = Authenticator()
    await enrol(client, device)
    mine, theirs = await begin(client), await begin(client)
    credential = device.get(theirs["options"])
    assert (await sign_in(client, mine, credential)).status_code == 401


async def test_a_challenge_for_a_second_step_signs_nobody_in_alone(client):
    device = Authenticator(flags=0)
    await enrol(client, device)
    due = (await login(client)).json()
    assert due["factors_due"] == ["passkey", "recovery_code"]
    path = "/auth/login/factor/passkey"
    asked = (await client.post(path, json={"challenge": due["challenge"]})).json()["options"]
    begun = await begin(client)
    assert (await sign_in(client, begun, device.get(asked))).status_code == 401
    asked = (await client.post(path, json={"challenge": due["challenge"]})).json()["options"]
    body = {"challenge": due["challenge"], "factor": "passkey", "credential": device.get(asked)}
    assert (await client.post("/auth/login/factor", json=body)).status_code == 200


async def test_a_passkey_opens_no_other_account(client):
    mine, theirs = Authenticator(), Authenticator()
    await enrol(client, mine)
    await enrol(client, theirs, OTHER)
    due = (await login(client)).json()
    body = {"challenge": due["challenge"]}
    asked = (await client.post("/auth/login/factor/passkey", json=body)).json()["options"]
    assert [each["id"] for each in asked["allowCredentials"]] == [b64(mine.id)]
    body |= {"factor": "passkey", "credential": theirs.get(asked)}
    assert (await client.post("/auth/login/factor", json=body)).status_code == 401


async def test_a_copy_of_the_authenticator_is_noticed(client):
    device = Authenticator()
    await enrol(client, device)
    for count, status in ((7, 200), (7, 401), (3, 401), (0, 401), (8, 200)):
        begun = await begin(client)
        answer = await sign_in(client, begun, device.get(begun["options"], count=count))
        assert answer.status_code == status
    events = await events_of(client.app, EventType.PASSKEY_CLONED)
    assert [(event.severity, event.outcome) for event in events] == [("CRITICAL", "denied")] * 3


async def test_a_key_that_is_known_is_not_taken_over(client):
    device = Authenticator()
    await enrol(client, device)
    stolen, _, _ = await enrol(client, device, OTHER)
    assert (stolen.status_code, stolen.json()["code"]) == (409, "factor_exists")


async def test_an_id_that_no_index_holds(client):
    """PostgreSQL cannot index it, and a fault of the sender would look like one of the database."""
    device = Authenticator()
    device.id = bytes(1024)
    answer, _, _ = await enrol(client, device)
    assert (answer.status_code, answer.json()["code"]) == (422, "factor_not_confirmed")
    device.id = bytes(1023)
    answer, _, _ = await enrol(client, device)
    assert answer.status_code == 201


async def test_malformed_answers_are_refused_cleanly(client):
    tokens = (await login(client)).json()
    begun = await begin(client)
    for credential in (
        {},
        {"id": 1},
        {"id": "x", "response": None},
        {"id": "x", "response": {"clientDataJSON": "!"}},
        {"id": "x", "response": {"clientDataJSON": b64(b"[]")}},
        {"id": "x", "response": {"clientDataJSON": b64(b"{")}},
        {"id": "x", "response": {"clientDataJSON": b64(b"[" * 3000)}},
    ):
        assert (await sign_in(client, begun, credential)).status_code == 401
        body = {"credential": credential}
        answer = await client.post("/auth/factors/passkeys", json=body, headers=bearer(tokens))
        assert answer.status_code == 422


async def test_malformed_parts_behind_a_true_challenge(client):
    device = Authenticator()
    await enrol(client, device)
    for name in ("authenticatorData", "signature", "userHandle"):
        for junk in ("", "!", b64(b"\xff" * 40), 7, None, []):
            begun = await begin(client)
            credential = device.get(begun["options"])
            credential["response"][name] = junk
            assert (await sign_in(client, begun, credential)).status_code == 401
    tokens = (await login(client, OTHER)).json()
    path = "/auth/factors/passkeys"
    for junk in ("", "!", b64(b"\xff" * 40), b64(b"\xa0"), 7, None):
        asked = await client.post(f"{path}/options", headers=bearer(tokens))
        credential = Authenticator().create(asked.json()["options"])
        credential["response"]["attestationObject"] = junk
        body = {"credential": credential}
        answer = await client.post(path, json=body, headers=bearer(tokens))
        assert answer.status_code == 422, json.dumps(junk)
