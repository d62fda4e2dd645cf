"""A server with pages of forms, a page on a sister host, and one on a stranger's; for the browser.

One process is all three, told apart by the host: `app.test.localhost` and `evil.test.localhost`
share a registrable domain, `stranger.localhost` has another. `friend.test.localhost` is a page that
CORS lets call.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import WebSocket
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.docs.pages import ROOT, Page
from zenith import Form, public
from zenith.console import create_server
from zenith.csrf import csrf_field, csrf_token
from zenith.headers import ReportCollector, csp_nonce
from zenith.pipeline import exchange_of

RECIPE = Page(ROOT / "docs" / "how-to" / "protect-forms.md")
SCRIPT, HTMX = (
    next(block.text for block in RECIPE.blocks(language) if marker in block.text)
    for language, marker in (("js", "X-CSRF-Token"), ("html", "hx-headers"))
)
FORM = RECIPE.blocks("html")[0].text
FILES = {"htmx.min.js": (Path(__file__).parent / "htmx" / "htmx.min.js").read_text("utf-8")}
FILES["feedback.js"] = f"""
document.querySelector("#fetch").addEventListener("click", async event => {{
  event.preventDefault();
  {SCRIPT}
  event.target.textContent = "Done";
}});
"""
BUTTON = '<button id="fetch">Fetch</button>\n  <button>Send</button>'
IMAGE = '<img src="https://nowhere.invalid/pixel?secret=1" alt="">'

pages = Environment(autoescape=True)
pages.globals.update(csrf_field=csrf_field, csrf_token=csrf_token, csp_nonce=csp_nonce)
app = create_server()
texts: list[str] = []


@app.get("/feedback")
@public
async def feedback() -> Response:
    text = FORM.replace("<button>Send</button>", BUTTON)
    return HTMLResponse(pages.from_string(text).render())


@app.get("/htmx")
@public
async def with_htmx() -> Response:
    return HTMLResponse(pages.from_string(HTMX).render())


@app.get("/image")
@public
async def with_image() -> Response:
    return HTMLResponse(f"<!doctype html><title>Image</title>{IMAGE}")


@app.post("/feedback")
@public
async def send(text: Annotated[str, Form(max_length=500)] = "") -> Response:
    texts.append(text)
    return HTMLResponse(f"<p>Received: {len(text)}</p>")


@app.post("/plain")
@public
async def plain() -> None:
    texts.append("plain")


@app.delete("/feedback/{number}")
@public
async def delete(number: int) -> Response:
    texts.append(f"deleted {number}")
    return HTMLResponse("<p>Deleted</p>")


@app.websocket("/socket")
@public
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    texts.append("socket")
    await websocket.close()


@app.get("/received")
@public
async def received(request: Request) -> dict[str, Any]:
    reports = exchange_of(request.scope).service(ReportCollector)
    return {
        "texts": texts,
        "reports": [[each.report.directive, each.report.blocked, each.report.document]
                    for each in await reports.totals()],
    }  # fmt: skip


@app.get("/static/{name}")
@public
async def file(name: str) -> Response:
    return Response(FILES[name], media_type="text/javascript")


async def attack(request: Request) -> Response:
    """Everything that a page of another site can send, one after the other."""
    target = request.query_params["target"]
    forms = "".join(
        f'<iframe name="f{number}"></iframe><form id="x{number}" target="f{number}" method="post"'
        f' action="{target}{path}" enctype="{kind}"><input name="text" value="evil">'
        '<input name="csrf_token" value="guess"></form>'
        for number, (path, kind) in enumerate(
            [
                ("/feedback", "application/x-www-form-urlencoded"),
                ("/feedback", "multipart/form-data"),
                ("/plain", "text/plain"),
                ("/account/sign-out", "application/x-www-form-urlencoded"),
            ]
        )
    )
    return HTMLResponse(f"""<!doctype html><title>Attack</title>{forms}<script>
      document.cookie = "zenith-csrf={"A" * 43}; path=/; domain=test.localhost";
      const target = {target!r};
      const send = (path, options) => fetch(target + path, {{
        method: "POST", credentials: "include", mode: "no-cors", ...options
      }}).catch(() => null);
      const simple = {{headers: {{"Content-Type": "text/plain"}}, body: "text=evil"}};
      const json = {{mode: "cors", headers: {{"Content-Type": "application/json"}}, body: "{{}}"}};
      const own = {{mode: "cors", headers: {{"X-CSRF-Token": "guess"}}}};
      const socket = new Promise(resolve => {{
        const opened = new WebSocket(target.replace("http", "ws") + "/socket");
        opened.onclose = opened.onerror = resolve;
      }});
      const framed = [...document.forms].map((form, number) => new Promise(resolve => {{
        document.querySelector(`[name=f${{number}}]`).onload = resolve;
        form.submit();
      }}));
      Promise.all([
        send("/feedback", {{body: new URLSearchParams({{text: "evil"}})}}),
        send("/plain", simple), send("/plain", json), send("/feedback", own),
        navigator.sendBeacon(target + "/plain", "x"), socket, ...framed,
      ]).then(() => {{ document.title = "Sent"; }});
    </script>""")


async def blank(request: Request) -> Response:
    """Where a test brings its own script."""
    return HTMLResponse("<!doctype html><title>Blank</title>")


evil = Starlette(routes=[Route("/", attack), Route("/blank", blank)])


async def application(scope: Any, receive: Any, send: Any) -> None:
    host = dict(scope.get("headers", ())).get(b"host", b"app.test.localhost")
    is_ours = scope["type"] == "lifespan" or host.startswith(b"app.")
    await (app if is_ours else evil)(scope, receive, send)
