"""A client writes line ends, terminal codes, look-alike JSON or binary into what is logged.

The aim is to forge a line ("LOGIN_SUCCESS admin"), to break the reader, or to make an event
impossible to store and so invisible (ASVS 16.4.1).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.fakes import Store, event
from zenith.audit import AuditLog, AuditSettings
from zenith.audit.json_lines import line_of
from zenith.audit.redaction import redacted

HOSTILE = [
    'curl\n{"type":"LOGIN_SUCCESS","subject":"admin"}',
    "curl\r\nLOGIN_SUCCESS admin",
    'x","type":"LOGIN_SUCCESS","y":"',
    "\x1b[2J\x1b[1;1Hall is well",
    "a\u2028b\u2029c\x85d\x0be\x0cf",
    "\u202egnp.exe",
    "nul\x00nul",
    "lone \ud800 surrogate",
    "\\n\\u000a",
    "${jndi:ldap://x/}",
    "%s%n%d {0} {}",
    "A" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_one_event_is_one_line_wherever_the_text_stands(text: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    store = Store()
    log = AuditLog(store, AuditSettings(json_lines=path))
    await log.record(
        event(
            subject=text,
            target=text,
            session_id=text,
            address=text,
            user_agent=text,
            request_id=text,
            scheme=text,
            reason=text,
            details={text: text, "list": [text, {text: text}]},
        )
    )
    await log.stop()
    raw = path.read_bytes()
    assert raw.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in raw[:-1])
    found = json.loads(raw)
    assert found["type"] == "LOGIN_SUCCESS"
    assert found["outcome"] == "success"
    assert len(found) == 15
    (stored,) = await store.events()
    for kept in (stored.event.subject, stored.event.user_agent, stored.event.reason):
        assert kept is not None
        assert kept.isprintable()
        assert len(kept) <= 512
        kept.encode("utf-8")


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_no_text_ends_its_line(name: str, value: str) -> None:
    line = line_of(redacted(event(reason=value, details={name: value})))
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert len(json.loads(line)) == 15


def test_what_was_written_can_still_be_read() -> None:
    """Neutralised, not erased: the investigator sees what was sent."""
    assert redacted(event(user_agent="a\nb\x1b[0m")).user_agent == r"a\nb\x1b[0m"
