from __future__ import annotations

import pytest

from zenith.csrf import Origins
from zenith.csrf.origins import origin_of, own_origin

DERIVED = Origins((), ("https://partner.example",))
NAMED = Origins(("https://app.example",), ())


def fault(origins=DERIVED, *, secure=True, host="app.example", **headers):
    raw = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return origins.fault(raw, secure=secure, host=host)


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_pass(site):
    assert fault(sec_fetch_site=site) == ""
    assert fault(sec_fetch_site=site, origin="https://app.example") == ""


@pytest.mark.parametrize(
    "site", ["cross-site", "same-site", "", "SAME-ORIGIN", "same-origin, none"]
)
def test_every_other_site_is_refused_even_with_our_origin(site):
    assert fault(sec_fetch_site=site, origin="https://app.example")
    assert fault(sec_fetch_site=site)
    assert fault(sec_fetch_site=site, referer="https://app.example/form")


def test_a_trusted_origin_passes_from_another_site():
    assert fault(sec_fetch_site="cross-site", origin="https://partner.example") == ""
    assert fault(sec_fetch_site="same-site", origin="https://partner.example") == ""
    assert fault(origin="https://partner.example") == ""


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://app.example",
        "https://app.example:8443",
        "https://evil.example",
        "https://app.example.evil.example",
        "https://sub.app.example",
        "https://app.example/",
        "app.example",
    ],
)
def test_any_other_origin_is_refused(origin):
    assert fault(origin=origin) == "foreign Origin"
    if origin != "null":
        assert fault(origin=origin, sec_fetch_site="same-origin") == "foreign Origin"


@pytest.mark.parametrize("origins", [DERIVED, NAMED])
def test_a_page_of_ours_that_does_not_tell_its_origin(origins):
    """So browsers send forms under `Referrer-Policy: no-referrer`."""
    assert fault(origins, origin="null", sec_fetch_site="same-origin") == ""
    for site in ("cross-site", "same-site", "none", "", "SAME-ORIGIN"):
        assert fault(origins, origin="null", sec_fetch_site=site)
    assert fault(origins, origin="null", referer="https://app.example/") == "foreign Origin"


def test_default_ports_are_not_written_by_browsers():
    assert fault(origin="https://app.example", host="app.example:443") == ""
    assert fault(origin="http://app.example", host="APP.example:80", secure=False) == ""
    assert fault(origin="https://app.example", host="app.example:80")


def test_named_origins_stand_in_for_the_host():
    assert fault(NAMED, origin="https://app.example", host="10.0.0.7:8000", secure=False) == ""
    assert fault(NAMED, origin="http://10.0.0.7:8000", host="10.0.0.7:8000", secure=False)


def test_referer_is_asked_only_where_nothing_else_speaks():
    assert fault() == ""
    assert fault(referer="") == ""
    assert fault(referer="https://app.example/a?b#c") == ""
    assert fault(referer="https://evil.example/https://app.example/") == "foreign Referer"
    assert fault(referer="no address at all") == "foreign Referer"
    assert fault(referer="https://evil.example/", sec_fetch_site="same-origin") == ""


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        (b"https://a.example/b", b"https://a.example"),
        (b"https://a.example?b/c", b"https://a.example"),
        (b"https://a.example#b?c/d", b"https://a.example"),
        (b"https://a.example", b"https://a.example"),
        (b"https://a.example:1/b", b"https://a.example:1"),
    ],
)
def test_the_origin_ends_where_the_path_begins(url, origin):
    assert origin_of(url) == origin


def test_own_origin():
    assert own_origin(secure=True, host="A.example:443") == b"https://a.example"
    assert own_origin(secure=False, host="a.example:8000") == b"http://a.example:8000"
