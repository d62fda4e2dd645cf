"""The reference names everything that is there, as it is, and nothing else."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator

import pytest
import typer

import zenith
from tests.docs.pages import ROOT, Page
from tools import settings_reference
from zenith import Settings, Zenith
from zenith.audit.catalogue import CATALOGUE
from zenith.cli.application import application
from zenith.cli.output import ExitCode
from zenith.kernel.errors import ConfigurationError, SecurityError, ZenithError
from zenith.kernel.events import EventType
from zenith.kernel.keys import Secret
from zenith.oauth import OAuthSettings, OpenIDConnect

REFERENCE = ROOT / "docs" / "reference"
CODE = re.compile(r"`([^`]+)`")


def rows(name: str, header: str) -> list[list[str]]:
    """The cells of the table that begins with `header`."""
    text = (REFERENCE / name).read_text(encoding="utf-8")
    (table,) = [part for part in text.split("\n\n") if part.startswith(header)]
    lines = table.splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def errors() -> Iterator[type[ZenithError]]:
    """Every error class of the package."""
    for module in pkgutil.walk_packages(zenith.__path__, "zenith."):
        if module.name.rsplit(".", 1)[-1] == "errors":
            importlib.import_module(module.name)
    waiting = [ZenithError]
    while waiting:
        kind = waiting.pop()
        if kind.__module__.startswith("zenith."):
            yield kind
            waiting += kind.__subclasses__()


def test_settings_are_current():
    """To write the page anew: python -m tools.settings_reference > docs/reference/settings.md"""
    assert (REFERENCE / "settings.md").read_text(encoding="utf-8") == settings_reference.page()


def test_every_setting_is_explained_and_its_variable_is_read():
    """Each row's variable is one that `Settings.from_env` knows."""
    for group in settings_reference.groups():
        for name, variable, default, meaning in settings_reference.rows_of(group):
            assert meaning, name
            assert default, name
            # A list of providers, each with settings of its own, has no variables.
            assert variable != "in code only" or name == "`oauth.more`", name


OPTIONAL = (
    *("DATABASE", "REDIS", "ARGON2", "POLICY", "OAUTH", "MAIL", "TENANTS", "CORS"),
    *("SYSLOG", "OTLP", "WEBHOOK"),
)
"""Sections that are off unless something of them is set."""


def test_defaults_in_the_reference_are_the_defaults():
    """Setting a variable to the value shown changes nothing."""
    shown = {}
    for line in (REFERENCE / "settings.md").read_text(encoding="utf-8").splitlines():
        cells = line.strip("|").split(" | ")
        if len(cells) == 4 and (default := CODE.fullmatch(cells[2].strip())):
            variable = CODE.fullmatch(cells[1].strip())
            assert variable is not None
            if not any(f"_{part}__" in variable[1] for part in OPTIONAL):
                shown[variable[1]] = default[1]
    assert len(shown) > 60
    assert Settings.from_env(shown, dotenv=None) == Settings()


def test_every_error_has_its_code_and_status():
    listed = {}
    for code, status, classes, when in rows("errors.md", "| code |"):
        assert when
        for name in CODE.findall(classes):
            listed[name] = (code.strip("`"), int(status))
    kinds = [kind for kind in errors() if issubclass(kind, SecurityError)]
    assert listed == {kind.__name__: (kind.code, kind.status) for kind in kinds}


def test_every_other_error_is_listed():
    listed = {row[0].strip("`") for row in rows("errors.md", "| class |")}
    others = {kind.__name__ for kind in errors() if not issubclass(kind, SecurityError)}
    assert listed == others - {"ZenithError"}


def test_every_event_is_listed_with_its_meaning_and_outcome():
    listed = rows("events.md", "| event |")
    assert [row[0].strip("`") for row in listed] == [str(kind) for kind in EventType]
    for name, meaning, outcome, _, kept, topic in listed:
        known = CATALOGUE[EventType(name.strip("`"))]
        assert (meaning, outcome, topic) == (known.meaning, known.outcome, known.topic)
        assert kept == ("before the answer" if known.critical else "in batches")


def test_the_events_that_zenith_records_are_those_that_its_code_names():
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src" / "zenith").rglob("*.py")
        if path.name not in {"catalogue.py", "events.py"}
    )
    for name, _, _, by, _, _ in rows("events.md", "| event |"):
        is_named = re.search(rf"EventType\.{name.strip('`')}\b", sources) is not None
        assert by == ("Zenith" if is_named else "the application"), name


@pytest.fixture
def api(monkeypatch, tmp_path):
    """An application with `add_auth()` and a provider that does all that a provider may do."""
    monkeypatch.chdir(tmp_path)
    provider = OpenIDConnect(
        issuer="https://id.example.org",
        client_id="shop",
        client_secret=Secret("s" * 16),
        end_session=True,
        back_channel_logout=True,
    )
    app = Zenith(settings=Settings(oauth=OAuthSettings(oidc=provider)))
    app.add_auth()
    return app


def test_the_http_api_is_listed(api):
    """Routes, members of bodies, and statuses of success, against the application's own schema."""
    schema = api.openapi()
    found = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema", {})
            name = body.get("$ref", "").rsplit("/", 1)[-1]
            members = set(schema["components"]["schemas"][name]["properties"]) if name else set()
            status = min(int(status) for status in operation["responses"] if status.isdigit())
            found[f"{method.upper()} {path}"] = (members, status)
    listed = {
        row[0].strip("`"): (set(CODE.findall(row[1])), int(row[2].split()[0]))
        for row in rows("http-api.md", "| route | body |")
    }
    assert listed == found


def test_the_codes_of_the_http_api_exist_with_these_statuses():
    known = {(kind.status, kind.code) for kind in errors() if issubclass(kind, SecurityError)}
    for route, _, _, faults in rows("http-api.md", "| route | body |"):
        for part in faults.split(";"):
            status = int(part.split()[0])
            for code in CODE.findall(part):
                assert (status, code) in known, f"{route}: {status} {code}"


def test_the_answers_of_the_http_api_have_these_members(api):
    schemas = api.openapi()["components"]["schemas"]
    shown = [json.loads(block.text) for block in Page(REFERENCE / "http-api.md").blocks("json")]
    tokens, caller, (sign_in,), (provider,), confirmed = shown
    assert list(provider) == list(schemas["ProviderItem"]["properties"])
    assert list(confirmed) == list(schemas["ConfirmedResponse"]["properties"])
    assert list(tokens) == list(schemas["TokenResponse"]["properties"])
    assert list(caller) == list(schemas["Me"]["properties"])
    assert list(sign_in) == list(schemas["SessionItem"]["properties"])


def test_the_other_routes_answer(api):
    listed = {path for row in rows("http-api.md", "| route | a") for path in CODE.findall(row[0])}
    paths = {f"GET {getattr(route, 'path', '')}" for route in api.routes}
    jwks = "GET /.well-known/jwks.json"
    assert listed - {jwks} <= paths
    assert jwks in listed


def commands() -> dict[str, set[str]]:
    """Each command of `zenith` with its options."""
    found = {}
    top = typer.main.get_command(application)

    def walk(command, words):
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, [*words, name])
        if not hasattr(command, "commands"):
            options = {option for each in command.params for option in each.opts}
            found[" ".join(words)] = {option for option in options if option.startswith("--")}

    walk(top, ["zenith"])
    return found


def test_the_command_line_is_listed():
    listed = {row[0].strip("`"): set(CODE.findall(row[1])) for row in rows("cli.md", "| command |")}
    assert listed == {name: options - {"--help"} for name, options in commands().items()}


def test_exit_codes_are_listed():
    listed = [int(row[0]) for row in rows("cli.md", "| exit code |")]
    assert listed == [int(code) for code in ExitCode]


def test_a_variable_that_no_setting_has_refuses_the_start():
    with pytest.raises(ConfigurationError, match="ZENITH_ORIGINN"):
        Settings.from_env({"ZENITH_ORIGINN": "x"}, dotenv=None)
