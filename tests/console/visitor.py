"""A visitor of the console without a browser: reads forms as a browser does and sends them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ERROR = re.compile(r'role="alert".*?</div>\s*</div>', re.DOTALL)
PASSWORD = "an honest river of stones"


class Visitor:
    """Wraps an httpx.Client or Starlette's TestClient; keeps its cookies."""

    def __init__(self, client: Any) -> None:
        self.client = client
        client.headers["Accept"] = "text/html"

    def get(self, path, **options):
        return self.client.get(path, **options)

    def token(self, path="/account/sign-in"):
        """The CSRF token of a page's forms."""
        page = self.get(path)
        found = TOKEN.search(page.text)
        assert found, f"{path}: {page.status_code} {page.text[:300]}"
        return unescape(found.group(1))

    def send(self, path, fields=None, *, form="/account/sign-in", **options):
        """Post a form with the token of the page `form`; redirects are not followed."""
        data = {"csrf_token": self.token(form), **(fields or {})}
        return self.client.post(path, data=data, follow_redirects=False, **options)

    def register(self, email, password=PASSWORD, name=""):
        fields = {"email": email, "password": password, "name": name}
        return self.send("/account/register", fields, form="/account/register")

    def sign_in(self, email, password=PASSWORD, **fields):
        return self.send("/account/sign-in", {"email": email, "password": password, **fields})

    def join(self, email, password=PASSWORD, name=""):
        """Register and sign in."""
        assert self.register(email, password, name).status_code == 303
        answer = self.sign_in(email, password)
        assert answer.status_code == 303, errors(answer)
        return self

    def set_up(self, link, email="ada@example.org", password=PASSWORD):
        """Create the administrator by the first-run link, and sign in."""
        path = link[link.index("/setup/") :]
        arrived = self.get(path, follow_redirects=True)
        assert arrived.status_code == 200, f"{arrived.status_code}: {arrived.text[-600:]}"
        fields = {"email": email, "password": password, "repeated": password}
        answer = self.send("/setup", fields, form="/setup")
        assert answer.headers["location"].startswith("/account/sign-in"), errors(answer)
        assert self.sign_in(email, password).status_code == 303
        return self


def errors(answer) -> str:
    """What the page complains of."""
    found = ERROR.search(answer.text)
    return re.sub(r"<[^>]+>|\s+", " ", unescape(found.group(0))) if found else ""
