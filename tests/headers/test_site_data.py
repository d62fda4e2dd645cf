"""Clear-Site-Data: at sign-outs, over https, as the settings say."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from tests.pipeline.asgi import make_scope
from zenith.headers import HeadersSettings, clear_site_data
from zenith.headers.site_data import SiteData
from zenith.pipeline import Exchange


def cleared(settings=None, *, scheme="https", https_origin=False, services=None, headers=()):
    if services is None:
        data = SiteData(settings or HeadersSettings(), https_origin=https_origin)
        services = {SiteData: data}
    exchange = Exchange(make_scope("/", scheme=scheme, headers=headers), None, services)
    response = Response()
    clear_site_data(exchange, response)
    return response.headers.get("clear-site-data")


@pytest.mark.parametrize(
    ("kinds", "value"),
    [
        (("cache", "storage"), '"cache", "storage"'),
        (("cookies",), '"cookies"'),
        ((), None),
    ],
)
def test_what_is_cleared(kinds, value):
    assert cleared(HeadersSettings(clear_at_sign_out=kinds)) == value


def test_cookies_stay_by_default():
    """They would go for every host of the domain, with those by which devices are known."""
    assert cleared() == '"cache", "storage"'


def test_over_https_only():
    assert cleared(scheme="http") is None
    assert cleared(scheme="http", https_origin=True) == '"cache", "storage"'


def test_nothing_where_the_headers_are_off():
    assert cleared(services={}) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_with_a_token_of_its_own_has_nothing_forgotten(site):
    """Where CORS lets it call: it would empty the storage of whoever looks at it."""
    assert cleared(headers=[("sec-fetch-site", site)]) is None
    # Whose cookies came along is signed out.
    assert cleared(headers=[("sec-fetch-site", site), ("cookie", "a=b")]) is not None


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_pages_of_our_own_and_programs(site):
    assert cleared(headers=[("sec-fetch-site", site)]) is not None
