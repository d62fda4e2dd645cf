"""Django under ASGI, bare and with its own parts, each as its own documentation shows it.

It has no bearer tokens and no rate limit of its own, so neither is measured: the GET comes from a
browser that is signed in, and nothing is counted. Sessions are cached over SQLite, users are in it.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.test.utils import override_settings
from django.urls import path
from pydantic import ValidationError

from benchmarks.apps.shop import ORIGIN, SECRET, Item, create_item, get, post, read_item
from benchmarks.driver import HOST, Call

NEW = django.VERSION >= (6, 0)
"""Since then it has a content security policy."""
YEARS = 63_072_000
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    *(["django.middleware.csp.ContentSecurityPolicyMiddleware"] if NEW else []),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


async def _read(request: HttpRequest, item_id: int) -> HttpResponse:
    del request
    return JsonResponse((await read_item(item_id)).model_dump())


async def _create(request: HttpRequest) -> HttpResponse:
    try:
        item = Item.model_validate_json(request.body)
    except ValidationError as error:
        return JsonResponse({"detail": error.errors()}, status=422)
    return JsonResponse((await create_item(item)).model_dump())


urlpatterns = [
    path("bare/items/<int:item_id>", _read),
    path("bare/items", _create),
    path("items/<int:item_id>", login_required(_read)),
    path("items", login_required(_create)),
]


def _configure(folder: Path) -> None:
    """Once for the process: its settings are those of all its applications."""
    logging.getLogger("django").setLevel(logging.CRITICAL)
    policy = {"default-src": ["'self'"], "object-src": ["'none'"], "frame-ancestors": ["'none'"]}
    settings.configure(
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=[HOST.decode("ascii")],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
        ],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "django.db"}
        },
        SESSION_ENGINE="django.contrib.sessions.backends.cached_db",
        SESSION_COOKIE_SECURE=True,
        CSRF_COOKIE_SECURE=True,
        CSRF_TRUSTED_ORIGINS=[ORIGIN.decode("ascii")],
        SECURE_SSL_REDIRECT=True,
        SECURE_HSTS_SECONDS=YEARS,
        SECURE_HSTS_INCLUDE_SUBDOMAINS=True,
        LOGGING_CONFIG=None,
        **({"SECURE_CSP": policy} if NEW else {}),
    )
    django.setup()


class _Django:
    """Both have the same settings; each has loaded its own middleware."""

    def __init__(self, *middleware: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="zenith-bench-")
        if not settings.configured:
            _configure(Path(self._folder.name))
        with override_settings(MIDDLEWARE=middleware):
            self.app: Any = ASGIHandler()

    async def stop(self) -> None:
        """Remove its folder."""
        self._folder.cleanup()


class DjangoBare(_Django):
    """Django without any middleware."""

    def __init__(self) -> None:
        super().__init__()

    async def start(self) -> None:
        """It is ready."""

    def seen(self) -> Call:
        cookie = b"sessionid=" + b"x" * 32
        return get((b"cookie", cookie), path="/bare/items/42")

    def change(self) -> Call:
        cookie = b"sessionid=" + b"x" * 32
        return post((b"cookie", cookie), (b"x-csrftoken", b"x" * 64), path="/bare/items")


class DjangoProtected(_Django):
    """Its security, session, CSRF, authentication and framing middlewares, and `login_required`."""

    def __init__(self) -> None:
        super().__init__(*MIDDLEWARE)
        self._cookie = self._token = ""

    async def start(self) -> None:
        """Make the database, and sign an account in."""
        await sync_to_async(self._sign_in)()

    def _sign_in(self) -> None:
        # Models can be imported only once there are settings.
        from django.contrib.auth import login  # noqa: PLC0415
        from django.contrib.auth.models import User  # noqa: PLC0415
        from django.contrib.sessions.backends.cached_db import SessionStore  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        request = HttpRequest()
        request.session = SessionStore()
        login(request, User.objects.create_user("ada", "ada@bench.example", SECRET))
        request.session.save()
        self._token = get_token(request)
        session, secret = request.session.session_key, request.META["CSRF_COOKIE"]
        self._cookie = f"sessionid={session}; csrftoken={secret}"

    def seen(self) -> Call:
        return get((b"cookie", self._cookie.encode("ascii")))

    def change(self) -> Call:
        return post(
            (b"cookie", self._cookie.encode("ascii")), (b"x-csrftoken", self._token.encode("ascii"))
        )
