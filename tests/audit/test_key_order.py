"""Which seals are believed, by their keys."""

from __future__ import annotations

from dataclasses import replace

from tests.audit.sealed import FORMER, SECRET
from zenith.audit.key_order import CHANGE, KeyOrder
from zenith.audit.keys import AuditKeys
from zenith.audit.seal import EMPTY, Seal, SealKind, make_seal

KEYS = AuditKeys([SECRET])


def made(keys: AuditKeys, at: float = 5.0) -> Seal:
    return make_seal(
        keys, EMPTY, [], stream="main", kind=SealKind.EVENTS, at=at, writer="w", through=0
    )


def test_before_the_first_known_key_any_other_is_believed() -> None:
    order = KeyOrder(KEYS)
    old = made(AuditKeys([FORMER]))
    assert order.fault(old) is None
    assert not order.knows(old)
    assert order.is_changing
    assert order.fault(made(KEYS)) is None
    assert order.knows(made(KEYS))


def test_behind_it_only_those_that_were_before_for_a_day() -> None:
    order = KeyOrder(KEYS)
    former = AuditKeys([FORMER])
    for at in (0.0, CHANGE):
        assert order.fault(made(former)) is None
        assert order.fault(made(KEYS, at)) is None
    assert "not known here" in (order.fault(replaced_key(made(former))) or "")
    assert order.fault(made(former)) is None
    assert order.fault(made(KEYS, CHANGE + 1)) is None
    assert former.key_id in (order.fault(made(former, 1.0)) or "")


def test_where_no_secret_was_changed_no_other_key_is_believed() -> None:
    order = KeyOrder(KEYS)
    assert order.fault(made(KEYS)) is None
    assert not order.is_changing
    assert "not known here" in (order.fault(made(AuditKeys([FORMER]))) or "")


def test_what_was_changed_is_believed_under_no_key() -> None:
    for keys in (KEYS, None):
        assert "content" in (KeyOrder(keys).fault(replace(made(KEYS), writer="x")) or "")
    assert "MAC" in (KeyOrder(KEYS).fault(replace(made(KEYS), mac=b"m" * 32)) or "")


def test_without_keys_only_the_content_counts() -> None:
    order = KeyOrder(None)
    assert order.fault(made(KEYS)) is None
    assert not order.knows(made(KEYS))


def replaced_key(seal: Seal) -> Seal:
    changed = replace(seal, key_id="ee" * 8)
    return replace(changed, hash=changed.digest())
