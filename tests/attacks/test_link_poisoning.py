"""The attack: ask for a reset of somebody's password with a forged Host, or forged proxy headers,
so that the mailed link leads to the attacker's host and brings him its secret (ASVS 4.1.2,
6.4.1)."""

from __future__ import annotations

import pytest

from tests.accounts.application import EMAIL, browse, make_app, make_settings, register, running
from tests.accounts.mails import link_in, mailed
from zenith.transport import TransportSettings

FORGED = [
    {"Host": "evil.example"},
    {"Host": "localhost:8000@evil.example"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "gopher", "X-Original-Host": "evil.example"},
    {"Forwarded": "host=evil.example;proto=https"},
    {"Origin": "https://evil.example", "Referer": "https://evil.example/"},
]


@pytest.fixture
async def app(tmp_path):
    # Not even an application that serves any host, behind proxies that it believes.
    transport = TransportSettings(
        allow_any_host=True, trusted_proxies=("127.0.0.1/32",), trust_forwarded_host=True
    )
    settings = make_settings(tmp_path, origin="https://app.example.org", transport=transport)
    async with running(make_app(tmp_path, settings=settings)) as app:
        yield app


async def test_links_begin_with_the_origin_of_the_settings(app):
    async with browse(app) as client:
        await register(client)
        for headers in FORGED:
            await client.post("/auth/password/forgot", json={"email": EMAIL}, headers=headers)
            await client.post("/auth/email/verify/resend", json={"email": EMAIL}, headers=headers)
            await client.post(
                "/auth/register",
                json={"email": EMAIL, "password": "quartz lantern 7 otter plum"},
                headers=headers,
            )
    mails = await mailed(app)
    assert len(mails) > len(FORGED)
    for mail in mails:
        assert link_in(mail).startswith("https://app.example.org/account/")
        assert "evil" not in mail.text + mail.html + mail.subject


async def test_a_path_that_leaves_the_origin_is_no_setting():
    from zenith.accounts import AccountSettings
    from zenith.kernel.errors import ConfigurationError

    for path in (
        "https://evil.example/{token}",
        "//evil.example/{token}",
        "/\\evil.example/{token}",
        "@evil.example/{token}",
        "/reset",
        "/{token}/{token}",
        "/re set/{token}",
        "/räset/{token}",
    ):
        with pytest.raises(ConfigurationError, match="reset_link"):
            AccountSettings(reset_link=path)
    assert AccountSettings(reset_link="/#/reset/{token}").reset_link == "/#/reset/{token}"
