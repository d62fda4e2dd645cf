from __future__ import annotations

import json
import re

import pytest

APPLICATION = """
from fastapi import FastAPI
from zenith import SecurityMiddleware, authenticated, public, require_permission
from zenith.authorization import AuthorizationGuard

plain = FastAPI(openapi_url=None)

@plain.get("/open")
@public
async def is_open(): ...

@plain.get("/users/{user_id}")
@require_permission("users:write")
async def user(user_id: str): ...

@plain.get("/<b>")
async def forgotten(): ...

app = SecurityMiddleware(plain, guards=[AuthorizationGuard()])

class outer:
    inner = app
"""


@pytest.fixture
def application(tmp_path, monkeypatch, request):
    name = "app_" + re.sub(r"\W", "_", request.node.name)
    (tmp_path / f"{name}.py").write_text(APPLICATION)
    monkeypatch.syspath_prepend(str(tmp_path))
    return f"{name}:app"


def test_every_route_and_who_may_call_it(zenith, application):
    lines = zenith("routes", application).stdout.splitlines()
    assert lines[0].split() == ["methods", "path", "who", "may", "call", "endpoint"]
    assert [line.split()[1] for line in lines[1:]] == ["/open", "/users/{user_id}", "/<b>"]
    assert "permission users:write; UNCHECKED: user_id" in lines[2]
    assert "NOTHING DECLARED" in lines[3]


def test_as_json_with_every_role(zenith, application):
    found = json.loads(zenith("routes", application, "--json").stdout)["routes"]
    assert found[1]["callers"] == {
        "anonymous": "no",
        "signed in": "no",
        "guest": "no",
        "user": "no",
        "moderator": "no",
        "admin": "yes",
        "super_admin": "yes",
    }


def test_as_a_page_of_roles_and_routes(zenith, application, tmp_path):
    file = tmp_path / "matrix.html"
    assert "wrote" in zenith("routes", application, "--html", str(file)).stdout
    page = file.read_text()
    assert "<script" not in page
    assert "<b>" not in page
    assert page.count('<th scope="row">') == 3
    assert 'lang="en"' in page
    assert "prefers-color-scheme" in page
    assert '<span class="bad">nothing</span>' in page
    assert '<td class="may">' not in page


@pytest.mark.parametrize(
    ("options", "code"),
    [((), 0), (("--strict",), 1), (("--strict", "--unchecked"), 1), (("--unchecked",), 0)],
)
def test_the_exit_code_tells_of_gaps(zenith, application, options, code):
    answer = zenith("routes", application, *options)
    assert answer.exit_code == code
    assert ("/open" in answer.stdout) == ("--unchecked" not in options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("main", "names no application"),
        ("no_such_module_here:app", "in the folder of the application"),
        ("no_such_module_here:app", "there is no module no_such_module_here"),
        ("json:app", "has no attribute 'app'"),
    ],
)
def test_a_wrong_name_is_said(zenith, name, message):
    answer = zenith("routes", name)
    assert answer.exit_code == 2
    assert message in answer.stderr


def test_what_refuses_the_start_is_said(zenith, tmp_path, monkeypatch):
    (tmp_path / "app_refused.py").write_text("from zenith import require_role\nrequire_role('')")
    monkeypatch.syspath_prepend(str(tmp_path))
    answer = zenith("routes", "app_refused:app")
    assert answer.exit_code == 2
    assert "names no role" in answer.stderr


def test_an_application_inside_another_object(zenith, application):
    assert "/open" in zenith("routes", application.replace(":app", ":outer.inner")).stdout


def test_zenith_itself_and_access_by_path(zenith, tmp_path, monkeypatch):
    (tmp_path / "app_zenith.py").write_text(
        "from zenith import Zenith, authenticated\n"
        "app = Zenith(declared={'/metrics': authenticated}, docs_access=None)\n"
        "app.add_auth()\n"
        "@app.get('/metrics')\n"
        "async def metrics(): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    answer = zenith("routes", "app_zenith:app", "--strict", ZENITH_ENV="test")
    assert answer.exit_code == 0, answer.output
    assert "UNCHECKED" not in answer.stdout
