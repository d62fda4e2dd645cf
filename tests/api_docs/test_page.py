"""The pages: nothing inline, nothing foreign, everything escaped."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser

import pytest

from zenith.api_docs import PAGE_DIRECTIVES, docs_page, redirect_page
from zenith.headers import NONCE, ContentSecurityPolicy
from zenith.kernel.errors import ConfigurationError

EVIL = '"\'></title></main><script>alert(1)</script><main x="'


class Parsed(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.texts = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def page(**changes):
    return docs_page(**{"title": "T", "openapi_url": "/o.json", "asset_url": "/docs/a", **changes})


def test_scripts_are_files_with_the_nonce():
    parsed = Parsed(page(nonce="abc"))
    assert parsed.of("script") == [
        {"nonce": "abc", "src": "/docs/a/swagger-ui-bundle.js"},
        {"nonce": "abc", "src": "/docs/a/docs.js"},
    ]
    assert Parsed(redirect_page(asset_url="/docs/a", nonce="abc")).of("script") == [
        {"nonce": "abc", "src": "/docs/a/oauth2-redirect.js"}
    ]


@pytest.mark.parametrize("text", [page(oauth={"clientId": "x"}), redirect_page(asset_url="/a")])
def test_nothing_inline_and_nothing_foreign(text):
    parsed = Parsed(text)
    for tag, attributes in parsed.tags:
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "script":
            assert "nonce" not in attributes
            assert attributes["src"].startswith("/")
    assert not re.search(r"(https?:)?//[a-z]", text)


def test_options_are_data():
    parsed = Parsed(
        page(
            options={"docExpansion": "none", "deepLinking": False},
            oauth={"clientId": EVIL},
            redirect_url="/docs/back",
        )
    )
    place = parsed.of("main")[0]
    options = json.loads(place["data-options"])
    assert options["url"] == "/o.json"
    assert options["docExpansion"] == "none"
    assert options["deepLinking"] is False
    assert options["validatorUrl"] is None
    assert options["queryConfigEnabled"] is False
    assert json.loads(place["data-oauth"]) == {"clientId": EVIL}
    assert place["data-redirect"] == "/docs/back"


@pytest.mark.parametrize("name", ["title", "openapi_url", "asset_url", "redirect_url", "nonce"])
def test_text_cannot_become_markup(name):
    plain, attacked = Parsed(page(**{name: "x"})), Parsed(page(**{name: EVIL}))
    assert [tag for tag, _ in attacked.tags] == [tag for tag, _ in plain.tags]
    assert EVIL not in page(**{name: EVIL})
    assert html.escape(EVIL) in page(**{name: EVIL}) or name == "openapi_url"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"queryConfigEnabled": True}, "attacker's API"),
        ({"validatorUrl": "https://validator.example.com"}, "another site"),
    ],
)
def test_unsafe_options_are_refused(options, why):
    with pytest.raises(ConfigurationError, match=why):
        page(options=options)
    assert page(options=dict.fromkeys(options, None) | {"queryConfigEnabled": False})


def test_secret_in_the_page_is_refused():
    with pytest.raises(ConfigurationError, match="visitors read") as refusal:
        page(oauth={"clientId": "docs", "clientSecret": "hunter2"})
    assert "hunter2" not in str(refusal.value)


def test_directives_are_a_policy_without_dangers():
    policy = ContentSecurityPolicy.from_directives(PAGE_DIRECTIVES)
    assert policy.dangers == ()
    assert NONCE in policy.script_src


def test_a_csrf_token_travels_as_data():
    (main,) = Parsed(page(csrf=("X-CSRF-Token", EVIL))).of("main")
    assert json.loads(main["data-csrf"]) == {"header": "X-CSRF-Token", "token": EVIL}
    assert "data-csrf" not in page()
