"""People with second factors."""

from __future__ import annotations

import base64
import time

from tests.accounts.application import EMAIL, PASSWORD, bearer, login
from zenith.mfa.totp import code_at, step_at


def secret_of(text):
    return base64.b32decode(text + "=" * (-len(text) % 8))


def code_for(text, *, steps=0):
    """The code that an app with this secret shows now, or some steps later."""
    return code_at(secret_of(text), step_at(time.time()) + steps)


async def finish(client, due, factor, code):
    body = {"challenge": due["challenge"], "factor": factor, "code": code}
    return await client.post("/auth/login/factor", json=body)


async def add_totp(client, email=EMAIL, password=PASSWORD):
    """Its secret, the recovery codes, and tokens that have proven it."""
    tokens = (await login(client, email, password)).json()
    begun = (await client.post("/auth/factors/totp", headers=bearer(tokens))).json()
    body = {"ticket": begun["ticket"], "code": code_for(begun["secret"])}
    added = await client.post("/auth/factors/totp/confirm", json=body, headers=bearer(tokens))
    assert added.status_code == 201, added.text
    return begun["secret"], added.json()["recovery_codes"], {**tokens, **added.json()}
