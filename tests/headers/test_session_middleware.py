"""The framework's own sessions, where unsafe cookies are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware

from tests.accounts.application import make_settings
from zenith import Zenith
from zenith.headers import HeadersSettings
from zenith.kernel.errors import ConfigurationError

HTTPS = "https://app.example.org"


def started(tmp_path, *, origin=HTTPS, cookies="refuse", exceptions=None, **middleware):
    headers = HeadersSettings(cookies=cookies, cookie_exceptions=exceptions or {})
    settings = replace(make_settings(tmp_path), origin=origin, headers=headers)
    app = Zenith(settings=settings)
    app.add_middleware(GZipMiddleware)
    app.add_middleware(SessionMiddleware, secret_key="k" * 32, **middleware)
    return app.build_middleware_stack()


def test_the_start_is_refused(tmp_path):
    """Instead of sessions that never work, since each answer loses its cookie."""
    with pytest.raises(ConfigurationError, match="cookie `mine`, which lacks Secure") as refusal:
        started(tmp_path, session_cookie="mine")
    assert "https_only=True" in refusal.value.fix


def test_what_is_safe_or_excepted_starts(tmp_path):
    assert started(tmp_path, https_only=True)
    assert started(tmp_path, exceptions={"session": ("Secure",)})
    assert started(tmp_path, cookies="add")
    assert started(tmp_path, origin="http://localhost:8000")
