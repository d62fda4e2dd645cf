"""What mails say."""

from __future__ import annotations

import re

import pytest

from zenith.accounts.wording import WORDINGS
from zenith.kernel.errors import ConfigurationError
from zenith.mail import Letters, MailError, Wording

LINK = "https://app.example.org/account/reset/token"


def letters(wordings=WORDINGS, **more):
    return Letters(wordings, application="Zenith", origin="https://app.example.org", **more)


@pytest.mark.parametrize("notice", WORDINGS)
def test_every_notice_can_be_written(notice):
    wording = WORDINGS[notice]
    link = LINK if wording.button else ""
    facts = dict.fromkeys(wording.facts, "fact & <b>more</b>")
    mail = letters().write(notice, to="ada@example.org", facts=facts, link=link)
    assert mail.kind == notice
    assert mail.subject.endswith(" · Zenith")
    assert "{" not in mail.text
    assert "{" not in re.sub(r"<style>.*?</style>", "", mail.html, flags=re.DOTALL)
    for text in (mail.text, mail.html):
        assert (LINK in text) is bool(link)
    assert "<b>" not in mail.html
    # Each fact that is declared is told, and each that is told is declared.
    told = set(re.findall(r"\{(\w+)\}", " ".join((wording.subject, *wording.paragraphs))))
    assert told == set(wording.facts)


def test_facts_are_data():
    wordings = {"n": Wording(subject="From {device}", paragraphs=("{device}",), facts=("device",))}
    write = letters(wordings).write
    nasty = "x\r\nBcc: eve@example.org\x1b[2J{{ 7*7 }}{origin.__class__}" + "y" * 500
    mail = write("n", to="a@example.org", facts={"device": nasty})
    assert "\r" not in mail.subject
    assert "\n" not in mail.subject
    assert "{{ 7*7 }}" in mail.text
    assert "{origin.__class__}" in mail.text
    assert len(mail.subject) < 250
    assert "From unknown" in write("n", to="a@example.org").subject


def test_an_application_writes_its_own(tmp_path):
    (tmp_path / "reset_password.html").write_text("<i>{{ paragraphs[0] }}</i>", encoding="utf-8")
    (tmp_path / "letter.txt").write_text("OWN {{ subject }}", encoding="utf-8")
    write = letters(templates=tmp_path).write
    mail = write("reset_password", to="a@example.org", link=LINK)
    assert mail.html.startswith("<i>You can now")
    assert mail.text == "OWN Set a new password"
    assert "<i>" not in write("password_reset", to="a@example.org").html


def test_a_broken_template_loses_its_mail_and_nothing_else(tmp_path):
    (tmp_path / "letter.txt").write_text("{{ nothing.such }}", encoding="utf-8")
    with pytest.raises(MailError) as caught:
        letters(templates=tmp_path).write("password_reset", to="a@example.org")
    assert (caught.value.reason, caught.value.lasting) == ("template: UndefinedError", True)


def test_an_unknown_notice_is_a_mistake_in_code():
    with pytest.raises(ConfigurationError, match="no notice `nonsense`"):
        letters().write("nonsense", to="a@example.org")
