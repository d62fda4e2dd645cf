"""Forms that other sites cannot send: CsrfGuard runs before each of these handlers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from jinja2 import Environment
from starlette.responses import HTMLResponse

from zenith import Form, authenticated, public
from zenith.csrf import CSRFProtection, CsrfSettings, CsrfToken
from zenith.kernel.keys import Secret

CSRF = CsrfSettings(always=True)
"""As in the guide, a change without a token is refused whoever sends it. What needs none is a
credential that no browser adds by itself: a bearer token."""

router = APIRouter()
_pages = Environment(autoescape=True)
_form = _pages.from_string("""<!doctype html>
<html lang="en">
<title>Form</title>
<form method="post" action="/submit">
<input type="hidden" name="csrf_token" value="{{ token }}">
<label>Data <input type="text" name="data" maxlength="200"></label>
<button type="submit">Submit</button>
</form>
</html>
""")
_submitted = _pages.from_string("""<!doctype html>
<html lang="en">
<title>Submitted</title>
<p>You sent: {{ data }}</p>
</html>
""")


@router.get("/form")
@public
async def get_form(token: CsrfToken) -> HTMLResponse:
    """A page with a token of its own; the answer is kept out of caches."""
    return HTMLResponse(_form.render(token=token))


@router.post("/submit")
@public
async def submit(data: Annotated[str, Form(max_length=200)]) -> HTMLResponse:
    """The guard has read the form in search of the token; the handler gets all of it again."""
    return HTMLResponse(_submitted.render(data=data))


@router.get("/csrf-token")
@public
async def token_for_scripts(token: CsrfToken) -> dict[str, str]:
    """For scripts, which send it as `X-CSRF-Token`. Other origins cannot read this answer."""
    return {"csrf_token": token}


@router.post("/api/sensitive-action")
@authenticated
async def sensitive_action(body: dict[str, Any]) -> dict[str, Any]:
    return {"done": body}


def synchronizer(secret_key: str | Secret) -> CSRFProtection:
    """`generate_token` and `validate_token`, for code that keeps the token in its own session."""
    return CSRFProtection(secret_key)
