"""A mail on the wire."""

from __future__ import annotations

import pytest

from zenith.mail import Mail, MailError, compose


def mail(**more):
    values = {"to": "ada@example.org", "subject": "s", "text": "t", "html": "<p>h</p>"}
    return Mail(**(values | more))


def test_lines_are_short_enough_for_every_server():
    message = compose(mail(text="x" * 5000, html="y" * 5000), sender="n@example.org", at=1.0)
    assert max(map(len, message.as_bytes().split(b"\r\n"))) <= 998


def test_no_repr_shows_it():
    shown = repr(mail(text="https://secret", kind="reset_password"))
    assert shown == "Mail(kind='reset_password')"


@pytest.mark.parametrize("to", ["", "ada", "@", "a@b@c", "ada@example.org, eve@example.org"])
def test_what_is_no_address_is_refused_for_good(to):
    with pytest.raises(MailError) as caught:
        compose(mail(to=to), sender="n@example.org", at=1.0)
    assert caught.value.lasting
