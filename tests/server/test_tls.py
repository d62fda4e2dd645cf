"""Certificates that are renewed while they are served."""

from __future__ import annotations

import pytest

from zenith.cli.certificates import LocalCertificates, local_context
from zenith.server import tls
from zenith.server.tls import server_context


class Handshake:
    """What the callback of server names is given."""

    context = None


@pytest.fixture(autouse=True)
def asked_each_time(monkeypatch):
    monkeypatch.setattr(tls, "ASK_EVERY", 0.0)


@pytest.fixture
def files(tmp_path):
    found = LocalCertificates(tmp_path)
    found.open()
    found.renew(())
    return found


def served(context):
    """The context that a handshake is given."""
    handshake = Handshake()
    context.sni_callback(handshake, None, context)
    return handshake.context


def test_what_another_process_renewed_is_served(files):
    """Only one of several issues it; the others would serve what they have to its end."""
    context = local_context(files.folder, (), "https://localhost", 1.0)
    assert served(context) is context
    files.server.unlink()
    files.renew(())
    renewed = served(context)
    assert renewed is not context
    assert served(context) is renewed


@pytest.mark.parametrize("error", [PermissionError("a test"), ValueError("a test")])
def test_no_handshake_fails_because_files_cannot_be_looked_at(files, error, caplog):
    def renewed():
        raise error

    context = server_context(files.server, files.server, renewed=renewed)
    assert served(context) is context
    assert "the certificate stays as it was" in caplog.text


def test_what_could_not_be_used_is_tried_again(files):
    """Its rights may have changed, which nothing tells."""
    answers = [True, False, False]
    context = server_context(files.server, files.server, renewed=lambda: answers.pop(0))
    whole = files.server.read_bytes()
    files.server.write_text("half a file")
    assert served(context) is context
    files.server.write_bytes(whole)
    renewed = served(context)
    assert renewed is not context
    assert served(context) is renewed
