"""Settings of mail."""

from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.mail import MailSettings


def test_the_usual():
    settings = MailSettings(host="smtp.example.org")
    assert (settings.security, settings.port_or_usual, settings.dangers) == ("starttls", 587, ())
    assert MailSettings(host="x", security="tls").port_or_usual == 465
    assert MailSettings(host="x", port=2525).port_or_usual == 2525
    assert MailSettings(host="x", allow_unencrypted=True).dangers == ("allow_unencrypted",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host": ""}, "mail.host"),
        ({"host": "smtp://x"}, "mail.host"),
        ({"host": "x\n"}, "mail.host"),
        ({"security": "none"}, "mail.security"),
        ({"sender": "nobody"}, "mail.sender"),
        ({"sender": "a@example.org\r\nBcc: b@example.org"}, "mail.sender"),
        ({"sender_name": "x\r\nBcc: b@example.org"}, "mail.sender_name"),
        ({"username": "x"}, "belong together"),
        ({"password": Secret("x")}, "belong together"),
        ({"port": 0}, "mail.port"),
        ({"port": 65536}, "mail.port"),
        ({"timeout": 0.5}, "mail.timeout"),
        ({"queue_size": 0}, "mail.queue_size"),
        ({"attempts": 0}, "mail.attempts"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        MailSettings(**({"host": "smtp.example.org"} | wrong))


def test_templates_are_a_folder(tmp_path):
    assert MailSettings(host="x", templates=tmp_path).templates == tmp_path
    with pytest.raises(ConfigurationError, match="templates is no folder"):
        MailSettings(host="x", templates=tmp_path / "missing")


def test_no_repr_shows_the_password():
    assert "sesame" not in repr(MailSettings(host="x", username="u", password=Secret("sesame")))
