"""The attack: put line breaks into whatever reaches a mail (the address, the name of a device, a
subject), so that it gets further recipients, headers or a body of the attacker's (CWE-93), or put
markup into it, so that a mail of ours says what the attacker wants (ASVS 1.2.1)."""

from __future__ import annotations

import pytest

from tests.accounts.application import EMAIL, PASSWORD, browse, login, make_app, register, running
from tests.accounts.mails import mailed
from zenith.mail import Mail, MailError, compose

BREAKS = ["\r\n", "\n", "\r", "\x00", "\u2028", "\x0b", "\x85", "%0d%0a", "=?utf-8?q?=0d=0a?="]


@pytest.mark.parametrize("line_break", BREAKS)
def test_an_address_adds_no_header(line_break):
    for to in (
        f"ada@example.org{line_break}Bcc: eve@example.org",
        f"{line_break}Bcc: eve@example.org{line_break}ada@example.org",
        f"ada{line_break}@example.org",
        f'"ada{line_break}Bcc: eve"@example.org',
    ):
        mail = Mail(to=to, subject="s", text="t", html="h")
        try:
            message = compose(mail, sender="n@example.org", at=1.0)
        except MailError:
            continue
        assert message["Bcc"] is None
        assert b"eve@example.org" not in message.as_bytes().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r"])
def test_a_subject_adds_no_header(line_break):
    mail = Mail(to="a@example.org", subject=f"x{line_break}Bcc: e@x.org", text="t", html="h")
    with pytest.raises(MailError):
        compose(mail, sender="n@example.org", at=1.0)


@pytest.mark.parametrize("to", ["a@example.org,eve@example.org", "a@example.org;eve@example.org"])
def test_an_address_is_one(to):
    with pytest.raises(MailError):
        compose(Mail(to=to, subject="s", text="t", html="h"), sender="n@example.org", at=1.0)


async def test_what_strangers_send_says_nothing_in_mails(tmp_path):
    async with running(make_app(tmp_path)) as app, browse(app) as client:
        await register(client, name="<a href=https://evil.example>Click</a> evil.example")
        for email in ("ada@example.org\r\nBcc: eve@example.org", "ada@example.org,eve@x.org"):
            answer = await client.post("/auth/password/forgot", json={"email": email})
            assert answer.status_code == 422
        tokens = (await login(client)).json()
        agent = "Mozilla <script>alert(1)</script> https://evil.example Firefox/1"
        answer = await client.post(
            "/auth/password",
            json={"current_password": PASSWORD, "new_password": "velvet anchor 3 maple kite"},
            headers={"Authorization": f"Bearer {tokens['access_token']}", "User-Agent": agent},
        )
        assert answer.status_code == 204
        mails = await mailed(app)
        assert {mail.to for mail in mails} == {EMAIL}
        assert any("Firefox" in mail.text for mail in mails)
        for mail in mails:
            assert "evil" not in mail.text + mail.html
            assert "<script" not in mail.html
