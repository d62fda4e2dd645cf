from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from zenith.console.rendering import NOTICES, address, own_path, sentences
from zenith.kernel.errors import (
    ConflictError,
    RateLimitError,
    ServiceUnavailableError,
    ValidationError,
)

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("path", ["/", "/a", "/a?b=c&d=e#f", "/admin/accounts?search=%2F%2Fevil"])
def test_own_paths_stay(path):
    assert own_path(path) == path


def test_addresses_carry_what_they_are_given():
    assert address("/a", search="", after="") == "/a"
    found = urlsplit(address("/a", search="x&y=%ü", after=""))
    assert parse_qs(found.query) == {"search": ["x&y=%ü"]}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 second"), (41.2, "42 seconds"), (90, "90 seconds"), (91, "2 minutes")],
)
def test_refusals_say_how_long_to_wait(seconds, said):
    assert sentences(RateLimitError(retry_after=seconds)) == [
        f"Too many attempts. Wait {said}, then try again."
    ]


def test_refusals_are_sentences():
    assert sentences(None) == []
    assert sentences(ConflictError("No")) == ["No"]
    assert sentences(ValidationError(["a", {"msg": "b"}])) == ["a", "b"]
    assert "too busy" in sentences(ServiceUnavailableError())[0]


@pytest.mark.parametrize("notice", NOTICES)
def test_a_notice_is_named_by_its_key(anybody, notice):
    page = anybody.get(f"/account/sign-in?notice={notice}")
    assert NOTICES[notice] in page.text


@pytest.mark.parametrize("notice", ["You+have+won", "<b>", "__class__", "", "signed-out%00"])
def test_other_notices_are_not_shown(anybody, notice):
    assert 'class="notice"' not in anybody.get(f"/account/sign-in?notice={notice}").text


def foreign_scripts(page):
    """Every script that is not a file of ours with the nonce of the page."""
    ours = re.compile(
        r'<script src="/assets/[a-z-]+\.js\?v=[0-9a-f]+" nonce="[0-9a-f]{32}" defer></script>'
    )
    return re.findall(r"<script.*", ours.sub("", page))


@pytest.mark.parametrize(
    "path",
    [
        "/account/sign-in?next=/{}",
        "/account/sign-in?notice={}",
        "/{}",
        "/account/register?{}={}",
    ],
)
def test_markup_in_addresses_is_text(anybody, path):
    page = anybody.get(path.replace("{}", MARKUP.replace("/", "%2F")))
    assert foreign_scripts(page.text) == []
    assert "<img src=x" not in page.text


def test_markup_in_forms_is_text(anybody):
    fields = {"email": MARKUP, "name": MARKUP, "password": MARKUP, "next": f"/{MARKUP}"}
    for path in ("/account/sign-in", "/account/register"):
        page = anybody.send(path, fields)
        assert page.status_code in (401, 422)
        assert foreign_scripts(page.text) == []
        assert "<img src=x" not in page.text
        assert "&lt;script&gt;" in page.text
        assert f'value="{MARKUP[:8]}' not in page.text


def test_markup_in_names_is_text(house, member):
    house.visitor().join("markup@example.org", name=MARKUP)
    page = house.ada.get("/admin/accounts?search=markup").text
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page
    own = house.visitor(**{"user-agent": MARKUP})
    own.sign_in("markup@example.org")
    page = own.get("/account/").text
    assert "&lt;script&gt;" in page
    assert foreign_scripts(page) == []


def test_nothing_is_inline(house, member):
    for visitor, path in [
        (member, "/account/"),
        (member, "/account/password"),
        (member, "/account/sign-in"),
        (house.visitor(), "/"),
        (house.visitor(), "/nowhere"),
        (house.ada, "/admin/accounts"),
    ]:
        page = visitor.get(path).text
        assert "/assets/console.css?v=" in page
        assert "/assets/zenith.svg?v=" in page
        assert foreign_scripts(page) == []
        assert not re.search(r"<style|<\w[^>]*\s(?:style|on\w+)=|javascript:", page)


def test_passwords_are_advised_by_the_policy(open_house):
    house = open_house(ZENITH_PASSWORDS__MIN_LENGTH="20")
    assert "At least 20 characters" in house.visitor().get("/account/register").text
