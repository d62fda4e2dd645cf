"""`zenith serve` up to the point where it serves; tests/scale has the rest."""

from __future__ import annotations

import asyncio
import builtins
import os
import socket
import sys

import pytest
import uvicorn
from uvicorn.supervisors import Multiprocess

from zenith.cli import serve as module
from zenith.settings import Settings

KEY = "R4nd0m-k3y-f0r-th3-t3sts-0nly-abcdefghijklmnop"
PRODUCTION = {
    "ZENITH_ENV": "production",
    "ZENITH_SECRET_KEY": KEY,
    "ZENITH_ORIGIN": "https://app.example.org",
    "ZENITH_PASSWORDS__PROFILE": "owasp",
}


@pytest.fixture
def served(monkeypatch):
    """What would have been served."""
    seen = []

    async def startup(self, sockets=None):
        self.started = True

    def run(self, sockets=None):
        seen.append((self.config, sockets[0].getsockname()))
        asyncio.run(self.startup(sockets))
        for each in sockets:
            each.close()

    def run_several(self):
        seen.append((self.config, self.sockets[0].getsockname()))
        self.keep_subprocess_alive()
        for each in self.sockets:
            each.close()

    monkeypatch.setattr(uvicorn.Server, "startup", startup)
    monkeypatch.setattr(uvicorn.Server, "run", run)
    monkeypatch.setattr(Multiprocess, "keep_subprocess_alive", lambda self: None)
    monkeypatch.setattr(Multiprocess, "run", run_several)
    monkeypatch.setattr(Multiprocess, "__init__", _keep)
    return seen


def _keep(self, config, sockets):
    self.config, self.sockets, self.processes = config, sockets, [Listening()]


class Listening:
    """A worker that has started."""

    def is_ready(self):
        return True


@pytest.fixture
def port(free_port):
    return str(free_port())


def test_it_greets_with_a_link(zenith, served, port, tmp_path):
    result = zenith("serve", "--port", port)
    assert result.exit_code == 0, result.output
    ((config, address),) = served
    assert address == ("127.0.0.1", int(port))
    assert (config.server_header, config.proxy_headers, config.access_log) == (False, False, False)
    assert f"http://localhost:{port}/setup/" in result.stdout
    assert "within 30 minutes" in result.stdout
    assert f"http://localhost:{port}/docs" in result.stdout
    assert "made a random key" in result.stdout
    assert (tmp_path / "home" / "secret.key").stat().st_mode & 0o077 == 0


def test_the_port_comes_from_the_environment(zenith, served, port):
    assert zenith("serve", PORT=port).exit_code == 0
    assert served[0][1][1] == int(port)
    assert zenith("serve", PORT="many").exit_code == 2


@pytest.mark.parametrize(
    ("host", "shown"),
    [(host, "localhost") for host in ("0.0.0.0", "::1", "::", "localhost", "127.0.0.2")],
)
def test_it_shows_where_to_click(zenith, served, port, host, shown):
    result = zenith("serve", "--port", port, "--host", host)
    assert result.exit_code == 0, result.output
    assert f"Open      http://{shown}:{port}\n" in result.stdout


def test_addresses_as_people_type_them():
    assert module._reachable("192.0.2.1") == "192.0.2.1"
    assert module._reachable("2001:db8::1") == "[2001:db8::1]"


def test_an_origin_that_was_set_stays(zenith, served, port, tmp_path):
    result = zenith("serve", "--port", port, ZENITH_ORIGIN="http://zenith.localhost:99")
    assert "Open      http://zenith.localhost:99\n" in result.stdout
    (tmp_path / ".env").write_text("ZENITH_ORIGIN=http://from-file.localhost:98\n")
    result = zenith("serve", "--port", port)
    assert "Open      http://from-file.localhost:98\n" in result.stdout


def test_a_port_in_use(zenith, port):
    with socket.create_server(("127.0.0.1", int(port))):
        result = zenith("serve", "--port", port)
    assert result.exit_code == 3
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert "fix: choose another port" in result.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine(zenith, port, host):
    result = zenith("serve", "--port", port, "--host", host)
    assert result.exit_code == 3
    assert "fix: choose an address of this machine" in result.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ZENITH_SECRET_KEY": None}, "ZENITH_SECRET_KEY is not set"),
        ({"ZENITH_SECRET_KEY": "a" * 64}, "ZENITH_SECRET_KEY"),
        ({"ZENITH_SECRET_KEY": "short-Key-1"}, "ZENITH_SECRET_KEY"),
        ({"ZENITH_ORIGIN": "http://app.example.org"}, "which is not encrypted"),
        ({"ZENITH_ORIGIN": None}, "ZENITH_ORIGIN"),
        ({"ZENITH_WORKERS": "2"}, "ZENITH_WORKERS is 2"),
        ({"ZENITH_PASSWORDS__PROFILE": "testing"}, "ZENITH_PASSWORDS"),
        ({"ZENITH_ENV": "prod"}, "ZENITH_ENV"),
    ],
    ids=str,
)
def test_production_refuses_one_by_one(zenith, port, change, said):
    variables = {k: v for k, v in (PRODUCTION | change).items() if v is not None}
    result = zenith("serve", "--port", port, **variables)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stderr.count("error:") == 1
    assert result.stderr.count("fix:") == 1
    assert "Traceback" not in result.output
    assert "Zenith is ready" not in result.stdout
    assert KEY not in result.output


def test_production_serves_when_it_is_safe(zenith, served, port):
    result = zenith("serve", "--port", port, **PRODUCTION)
    assert result.exit_code == 0, result.output
    assert "Open      https://app.example.org\n" in result.stdout
    assert "/docs" not in result.stdout
    assert "https://app.example.org/setup/" in result.stdout
    assert KEY not in result.output


def test_several_workers_read_the_same_settings(zenith, served, port):
    result = zenith("serve", "--port", port, "--workers", "3")
    assert result.exit_code == 0, result.output
    ((config, _),) = served
    assert (config.app, config.factory, config.workers) == (
        "zenith.console:create_server", True, 3
    )  # fmt: skip
    # Whoever starts slowly on a busy machine is waited for, not started again and again.
    assert config.timeout_worker_healthcheck >= 60
    again = Settings.from_env(dotenv=None)
    assert (again.workers, again.origin) == (3, f"http://localhost:{port}")
    assert result.stdout.count("/setup/") == 1


def test_workers_that_do_not_fit(zenith, port):
    result = zenith("serve", "--port", port, "--workers", "2", **PRODUCTION)
    assert result.exit_code == 2
    assert "ZENITH_WORKERS is 2" in result.stderr


def test_ctrl_c_is_no_failure(zenith, port, monkeypatch):
    def run(self, sockets=None):
        for each in sockets:
            each.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(uvicorn.Server, "run", run)
    result = zenith("serve", "--port", port)
    assert result.exit_code == 0
    assert "Aborted" not in result.output


def test_a_server_that_does_not_start(zenith, port, monkeypatch):
    def run(self, sockets=None):
        for each in sockets:
            each.close()

    monkeypatch.setattr(uvicorn.Server, "run", run)
    result = zenith("serve", "--port", port)
    assert result.exit_code == 1
    assert "is ready" not in result.stdout


def test_without_the_server_extra(zenith, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("uvicorn"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "zenith.server.httptools_protocol", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    result = zenith("serve")
    monkeypatch.undo()
    assert result.exit_code == 2
    assert "pip install 'zenith-security[server]'" in result.stderr
    assert os.environ.get("ZENITH_WORKERS") is None
