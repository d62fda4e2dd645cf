"""The guide's API keys: model, dependency, scopes."""

from __future__ import annotations

from zenith.api_keys import APIKey, is_key

KEYS = "/auth/api-keys"


async def make(guide, headers, **body):
    answer = await guide.client.post(KEYS, json={"name": "reports", **body}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_generated_key_is_verified_by_its_hash():
    """The guide's prefix is the first characters of the secret, stored and shown in clear; ours is
    a name beside 256 bits that stay whole. A checksum lets scanners know a leaked key."""
    key, key_hash = APIKey.generate_key()
    record = APIKey(name="reports", key_hash=key_hash, prefix=key[:15], scopes=("read:data",))
    other, _ = APIKey.generate_key()
    assert key.startswith("zk_")
    assert key_hash not in key
    assert record.verify_key(key)
    assert not record.verify_key(other)
    assert is_key(key)
    assert (record.rate_limit, record.revoked, record.last_used_at) == (1000, False, None)


async def test_the_dependency_refuses_what_does_not_hold(guide):
    """The guide tells expired keys from unknown ones, looks through several rows, never charges
    `rate_limit`, and commits a row with every request."""
    ada = await guide.bearer()
    made = await make(guide, ada, scopes=["read:data"], rate_limit=3)
    key = {"X-API-Key": made["key"]}
    assert (await guide.client.get("/api/data", headers=key)).status_code == 200
    missing = await guide.client.get("/api/data")
    wrong = await guide.client.get("/api/data", headers={"X-API-Key": "no key"})
    forged = await guide.client.get("/api/data", headers={"X-API-Key": made["key"][:-1] + "_"})
    assert [answer.status_code for answer in (missing, wrong, forged)] == [401] * 3
    assert wrong.json()["detail"] == forged.json()["detail"]
    for expected in (200, 200, 429):
        assert (await guide.client.get("/api/data", headers=key)).status_code == expected
    await guide.client.delete(f"{KEYS}/{made['id']}", headers=ada)
    gone = await guide.client.get("/api/data", headers=key)
    assert (gone.status_code, gone.json()["detail"]) == (401, wrong.json()["detail"])


async def test_data_is_for_keys_with_the_scope(guide):
    """The guide believes the scopes of the row, whatever its owner may do by now; and anybody may
    write any scope into it."""
    ada = await guide.bearer()
    reading = await make(guide, ada, scopes=["read:data"])
    other = await make(guide, ada, scopes=["posts:read"])
    for key, status in ((reading, 200), (other, 403)):
        sent = {"Authorization": f"Bearer {key['key']}"}
        assert (await guide.client.get("/api/data", headers=sent)).status_code == status
    assert (await guide.client.get("/api/data", headers=ada)).status_code == 403
    body = {"name": "x", "scopes": ["users:write"]}
    refused = await guide.client.post(KEYS, json=body, headers=ada)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_api_key_request")
