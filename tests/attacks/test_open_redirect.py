"""An attacker sends a link to the real sign-in page whose `next` leads, after the sign-in, to a
page of the attacker's that asks for the password once more. Only paths of this application may be
gone to (ASVS 3.7.2); a Host header of the attacker's choice must not become the target either.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.console.conftest import house, open_house
from zenith.console.rendering import HOME, own_path

__all__ = ["house", "open_house"]

HERE = "https://app.example.org/account/sign-in"
ELSEWHERE = [
    "https://evil.example",
    "http:evil.example",
    "HTTPS:/evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ \\evil.example",
    "/\x00/evil.example",
    "/\u2044/evil.example",
    "/\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "",
    "/" + "a" * 3000,
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_targets_elsewhere_are_replaced(target):
    assert own_path(target) == HOME


@given(
    st.text(alphabet=st.sampled_from("/\\:@.?#%\t\r\n\x00 aefil\uff12\uff0f"), max_size=12).map(
        lambda text: "/" + text
    )
)
def test_whatever_is_let_through_stays_here(text):
    path = own_path(text)
    # As browsers read it: tabs and line ends are dropped, backslashes are slashes.
    read = path.replace("\\", "/").translate({9: None, 10: None, 13: None}).strip()
    assert urlsplit(urljoin(HERE, read)).netloc == "app.example.org"
    assert not read.startswith("//")


@pytest.mark.parametrize("target", ELSEWHERE)
def test_after_signing_in(house, target):
    visitor = house.visitor()
    visitor.register("redirected@example.org")
    page = visitor.get("/account/sign-in", params={"next": target})
    if "\x00" in target:
        assert page.status_code == 400
    else:
        assert 'name="next" value="/account/"' in page.text
    answer = visitor.sign_in("redirected@example.org", next=target)
    if answer.status_code == 422:  # too long to be looked at
        assert len(target) > 2048
        return
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/")


def test_several_targets(house):
    visitor = house.visitor()
    visitor.register("several@example.org")
    fields = {"email": "several@example.org", "password": "an honest river of stones"}
    answer = visitor.send("/account/sign-in", fields | {"next": ["/account/", "//evil.example"]})
    assert urlsplit(answer.headers["location"]).netloc == ""


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/..", "/%2f%2fevil.example", "/\\evil.example"]
)
def test_paths_that_look_like_hosts(house, path):
    """The way to the sign-in and the framework's own slash redirect stay on this host."""
    visitor = house.visitor()
    answer = visitor.client.get(f"http://localhost:8000{path}", follow_redirects=False)
    location = answer.headers.get("location", "/")
    assert urlsplit(urljoin(HERE, location)).netloc in ("app.example.org", "localhost:8000")


def test_a_chosen_host_is_not_gone_to(house):
    visitor = house.visitor()
    for path in ("/account", "/account/", "/"):
        answer = visitor.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
        assert answer.status_code == 421
        assert "evil.example" not in answer.headers.get("location", "")
        assert "evil.example" not in answer.text
