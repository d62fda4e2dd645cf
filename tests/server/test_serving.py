"""What an application tells its server."""

from __future__ import annotations

import pytest

from tests.accounts.application import make_settings
from zenith.assembly import assemble
from zenith.audit import AuditLog
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.network import parse_address
from zenith.server import DrainGuard, ServerSettings
from zenith.transport import TransportSettings


def test_limits_headers_proxies_and_the_log(tmp_path):
    server = ServerSettings(head_timeout=None, min_rate=7)
    transport = TransportSettings(trusted_proxies=("10.0.0.0/8",))
    assembly = assemble(make_settings(tmp_path, server=server, transport=transport))
    serving = assembly.serving
    assert serving.settings == server
    assert serving.proxies.trusts(parse_address("10.1.2.3"))
    assert isinstance(serving.events, AuditLog)
    assert dict(serving.headers)[b"x-content-type-options"] == b"nosniff"
    assert b"content-security-policy" in dict(serving.headers)
    line = "server.head_timeout is off: a few clients can hold all connections"
    assert line in assembly.report
    assert not any(isinstance(guard, DrainGuard) for guard in assembly.guards)


def test_where_all_is_off_the_server_still_has_limits(tmp_path):
    off = dict.fromkeys(("transport", "headers", "audit"))
    serving = assemble(make_settings(tmp_path, **off)).serving
    assert serving.headers == ()
    assert serving.settings == ServerSettings()
    assert not serving.proxies


async def test_readiness_is_denied_before_a_stop(tmp_path):
    assembly = assemble(make_settings(tmp_path, server=ServerSettings(drain_delay=1)))
    (guard,) = [each for each in assembly.guards if isinstance(each, DrainGuard)]
    guard._draining = True
    with pytest.raises(ServiceUnavailableError) as denied:
        await assembly.check_readiness()
    assert denied.value.reason == "draining"


@pytest.mark.parametrize(
    ("origin", "age"),
    [("https://localhost:8443", b"max-age=0"), ("https://a.localhost", b"max-age=0"),
     ("https://app.example.org", b"max-age=63072000"), ("https://notlocalhost", b"max-age=6307")],
)  # fmt: skip
def test_localhost_is_not_pinned(tmp_path, origin, age):
    serving = assemble(make_settings(tmp_path, origin=origin)).serving
    assert dict(serving.headers)[b"strict-transport-security"].startswith(age)
