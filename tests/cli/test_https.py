"""`zenith https`, and `zenith serve` with a certificate."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys

import pytest
import uvicorn

from tests.cli.test_serve import PRODUCTION
from zenith.cli import https, serve
from zenith.cli.certificates import LocalCertificates
from zenith.kernel.errors import ConfigurationError
from zenith.settings import Settings

NOW = 1_795_000_000.0
DAY = 86_400


@pytest.fixture
def served(monkeypatch):
    """What would have been served."""
    seen = []

    async def startup(self, sockets=None):
        self.started = True

    def run(self, sockets=None):
        seen.append(self.config)
        asyncio.run(self.startup(sockets))
        for each in sockets:
            each.close()

    monkeypatch.setattr(uvicorn.Server, "startup", startup)
    monkeypatch.setattr(uvicorn.Server, "run", run)
    # What is made before is not what these tests are about.
    monkeypatch.setattr(serve, "run", lambda *_, **__: (None, ()))
    monkeypatch.setattr(serve, "create_server", lambda _: print)
    return seen


@pytest.fixture
def port(free_port):
    return str(free_port())


@pytest.fixture
def given(tmp_path):
    """A chain and its key, in two files."""
    files = LocalCertificates(tmp_path / "given")
    files.make(["app.test"])
    files.renew(["app.test"])
    return files.server, files.server


def test_it_prints_what_to_run_and_runs_nothing(zenith, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    result = zenith("https", "trust")
    assert result.exit_code == 0, result.output
    path = tmp_path / "home" / "https" / "authority.pem"
    assert f"sudo cp {path} /usr/local/share/ca-certificates/" in result.stdout
    assert "take it back: sudo rm" in result.stdout
    assert "security add-trusted-cert" not in result.stdout
    assert "security add-trusted-cert" in zenith("https", "trust", "--all").stdout
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "security add-trusted-cert" in zenith("https", "trust").stdout


def test_as_json(zenith, tmp_path):
    first = json.loads(zenith("https", "trust", "--json").stdout)
    assert first["certificate"] == str(tmp_path / "home" / "https" / "authority.pem")
    assert 728 <= first["days_left"] <= 730
    assert {"for", "trust", "distrust"} == set(first["stores"][0])
    assert first == json.loads(zenith("https", "trust", "--json").stdout)
    again = json.loads(zenith("https", "new", "--name", "app.test", "--json").stdout)
    assert again["sha256"] != first["sha256"]


def test_keys_are_their_owners(zenith, tmp_path):
    zenith("https", "trust")
    folder = tmp_path / "home" / "https"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "authority.key").stat().st_mode & 0o777 == 0o600
    (folder / "authority.key").chmod(0o640)
    result = zenith("serve", "--https")
    assert result.exit_code == 2
    assert "can be read by other users" in result.stderr
    assert "chmod 600" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new", "--name", "example.org"), "is a public name"),
        (("trust", "--name", "example.org"), "is a public name"),
    ],
)
def test_public_names(zenith, arguments, said):
    result = zenith("https", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_further_names_need_a_new_authority(zenith):
    assert zenith("https", "trust", "--name", "app.test").exit_code == 0
    result = zenith("https", "trust", "--name", "b.test")
    assert result.exit_code == 1
    assert "zenith https new --name b.test" in result.stderr


@pytest.mark.parametrize("command", [("https", "trust"), ("https", "new"), ("serve", "--https")])
def test_production_has_no_such_authority(zenith, command, tmp_path):
    result = zenith(*command, **PRODUCTION)
    assert result.exit_code == 2, result.output
    assert "is for development" in result.stderr
    assert "--certificate" in result.stderr
    assert not (tmp_path / "home" / "https").exists()


def test_serving_by_the_local_authority(zenith, served, port, tmp_path):
    result = zenith("serve", "--https", "--port", port)
    assert result.exit_code == 0, result.output
    assert f"Open      https://localhost:{port}\n" in result.stdout
    assert "zenith https trust" in result.stdout
    (config,) = served
    assert config.loop == "zenith.server.listening:new_loop"
    context = config.ssl_context_factory(config, None)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.origin == f"https://localhost:{port}"


def test_the_host_of_the_origin_is_vouched_for(zenith, port):
    result = zenith("serve", "--https", "--port", port, ZENITH_ORIGIN="https://app.example.org")
    assert result.exit_code == 2
    assert "is a public name" in result.stderr


def test_serving_with_a_certificate_in_production(zenith, served, port, given):
    options = ("--certificate", str(given[0]), "--key", str(given[1]))
    result = zenith("serve", "--port", port, *options, **PRODUCTION)
    assert result.exit_code == 0, result.output
    assert "zenith https trust" not in result.stdout
    context = served[0].ssl_context_factory(served[0], None)
    assert context.origin == "https://app.example.org"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--certificate", "{chain}"), "a certificate needs its key"),
        (("--key", "{chain}"), "a certificate needs its key"),
        (("--certificate", "{chain}", "--key", "nowhere.pem"), "nowhere.pem does not exist"),
        (("--certificate", "nowhere.pem", "--key", "{chain}"), "nowhere.pem does not exist"),
        (("--certificate", "{other}", "--key", "{chain}"), "are not usable"),
        (("--certificate", "{chain}", "--key", "{locked}"), "are not usable"),
        (("--certificate", "{folder}", "--key", "{chain}"), "fix:"),
        (("--https", "--certificate", "{chain}"), "--https is for development"),
        (("--https", "--key", "{chain}"), "--https is for development"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_certificates_that_cannot_be_used(zenith, port, given, tmp_path, options, said):
    from cryptography.hazmat.primitives import serialization

    (tmp_path / "other.pem").write_text("no PEM")
    key = serialization.load_pem_private_key(given[1].read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"password")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (tmp_path / "locked.pem").write_bytes(key.private_bytes(*form))
    places = {"chain": given[0], "other": "other.pem", "locked": "locked.pem", "folder": "given"}
    result = zenith("serve", "--port", port, *[each.format(**places) for each in options])
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_an_origin_that_is_not_https(zenith, port):
    result = zenith("serve", "--https", "--port", port, ZENITH_ORIGIN="http://localhost:1")
    assert result.exit_code == 2
    assert "the server is to speak https" in result.stderr


def test_certificates_are_renewed_in_time(tmp_path):
    now = NOW
    files = LocalCertificates(tmp_path, lambda: now)
    assert files.open()
    assert files.renew(["localhost"])
    assert not files.renew(["localhost"])
    assert files.renew(["localhost", "a.localhost"])
    now += 4.1 * DAY
    assert files.renew(["localhost", "a.localhost"])
    files.server.write_text("half a file")
    assert files.renew(["localhost"])
    now = NOW + 728 * DAY
    with pytest.raises(ConfigurationError, match="ends or has ended") as refused:
        files.open()
    assert refused.value.fix == "make a new one and trust it: zenith https new"


@pytest.mark.parametrize(
    ("limits", "raised"),
    [((1024, 4096), (4096, 4096)), ((1024, -1), (10_064, -1)), ((20_000, 20_000), None),
     ((-1, -1), None)],
    ids=["as far as allowed", "as far as needed", "enough", "no limit"],
)  # fmt: skip
def test_connections_need_open_files(monkeypatch, limits, raised):
    import resource

    seen = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: seen.append(given))
    serve._allow_connections(Settings())
    assert seen == ([] if raised is None else [raised])
    if raised == (10_064, -1):
        serve._allow_connections(Settings(), handshakes=1024)
        assert seen[1] == (11_088, -1)
    monkeypatch.setitem(sys.modules, "resource", None)
    serve._allow_connections(Settings())


@pytest.mark.skipif(os.name != "posix", reason="files of other systems have no such mode")
def test_every_command_is_filled_in(tmp_path):
    files = LocalCertificates(tmp_path / "a folder")
    files.make()
    described = https._describe(files, every=True)
    for store in described["stores"]:
        assert "{" not in store["trust"] + store["distrust"]
        assert "'" in store["trust"]
