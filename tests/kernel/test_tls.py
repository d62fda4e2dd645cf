"""Attack: an environment that has the keys of all connections written to a file."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from zenith.kernel.tls import client_context

SOURCE = Path(__file__).resolve().parents[2] / "src"


def test_others_are_verified_and_no_keys_are_written(monkeypatch, tmp_path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    context = client_context()
    assert context.keylog_filename is None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not (tmp_path / "keys.log").exists()


def test_authorities_of_ones_own_are_the_only_ones(tmp_path):
    authorities = ssl.get_default_verify_paths().cafile
    if authorities is None or not Path(authorities).exists():
        pytest.skip("this system has no file of authorities")
    first = Path(authorities).read_text(encoding="utf-8").split("-----END CERTIFICATE-----")[0]
    (tmp_path / "ca.pem").write_text(f"{first}-----END CERTIFICATE-----\n", encoding="utf-8")
    assert client_context(tmp_path / "ca.pem").cert_store_stats()["x509"] == 1
    with pytest.raises(OSError, match="No such file"):
        client_context(tmp_path / "missing.pem")


def test_nobody_takes_the_context_that_writes_keys():
    found = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if "create_default_context(" in path.read_text(encoding="utf-8")
    ]
    assert found == []
