"""An attacker sends a link to the real application that is to lead on to a page of the attacker's:
by two slashes, backslashes, characters that browsers drop or turn, credentials, hosts that only
begin or end like a permitted one, and addresses that run scripts (ASVS 1.2.2, 3.7.2).
"""

from __future__ import annotations

import pytest

from zenith.content import is_local_path, safe_redirect

SHOP = ["https://shop.example.org"]
TRICKS = [
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    "/\r\n/evil.example",
    " //evil.example",
    "/ /evil.example",
    "\x00//evil.example",
    "/\x00/x",
    "/%2f/evil.example",
    "/%2Fevil.example",
    "/%5cevil.example",
    "/%252fevil.example",
    "/%09/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/./\\evil.example",
    "/a//evil.example",
    "/a/..//evil.example",
    "/%2e%2e//evil.example",
    "/a/../b",
    "/\u2044evil.example",
    "/\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "/\u3002/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "http://evil.example",
    "https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "https://evil.example:443/",
    "https://shop.example.org@evil.example",
    "https://shop.example.org:443@evil.example/",
    "https://shop.example.org%40evil.example",
    "https://shop.example.org\\@evil.example",
    "https://shop.example.org.evil.example",
    "https://shop.example.orgevil.example",
    "https://evil.example/shop.example.org",
    "https://evil.example#shop.example.org",
    "https://evil.example?https://shop.example.org",
    "https://evil.example\\.shop.example.org",
    "https://shop\u3002example\uff0eorg.evil.example",
    "https://sh\u043ep.example.org",
    "https://shop.example.org:8443/",
    "http://shop.example.org/",
    "//shop.example.org/",
    "https://shop.example.org\t.evil.example",
    "https://[shop.example.org]/",
    "https://1249763844/",
    "javascript:hit(1)",
    "JaVaScRiPt:hit(1)",
    "java\tscript:hit(1)",
    "\x01javascript:hit(1)",
    "javascript://shop.example.org/%0ahit(1)",
    "data:text/html,x",
    "vbscript:x",
    "about:blank",
    "blob:https://shop.example.org/1",
    "view-source:https://shop.example.org",
    "mailto:a@b.example",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "",
    "/" + "a" * 3000,
]


@pytest.mark.parametrize("target", TRICKS)
def test_targets_elsewhere_are_replaced(target):
    assert safe_redirect(target, origins=SHOP, default="/home") == "/home"
    assert not is_local_path(target)


@pytest.mark.parametrize(
    "target", ["/", "/a", "/a/b.html?next=//evil.example#//x", "/@a", "/a:b", "/a%20b", "/?x"]
)
def test_targets_within_are_kept(target):
    assert safe_redirect(target, origins=SHOP) == target


def test_a_named_origin_is_reached_by_every_spelling_that_means_it():
    for target in (
        "https://shop.example.org",
        "HTTPS://SHOP.example.org:443/",
        "https://shop.example.org./",
    ):
        assert safe_redirect(target, origins=SHOP) == "https://shop.example.org/"
