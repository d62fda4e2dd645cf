"""Keys of the log: each for one purpose, found by their ids."""

from __future__ import annotations

import pytest

from tests.audit.sealed import FORMER, SECRET
from zenith.audit.keys import AuditKeys, PublicKeys, public_id
from zenith.kernel.errors import ConfigurationError


def test_what_one_key_marks_the_others_do_not_know() -> None:
    keys = AuditKeys([SECRET])
    mac = keys.mark(b"x")
    assert len(mac) == 41
    assert keys.is_marked(b"x", mac)
    assert not keys.is_marked(b"y", mac)
    assert not keys.is_marked(b"x", mac[:-1])
    assert not AuditKeys([FORMER]).is_marked(b"x", mac)
    assert AuditKeys([FORMER, SECRET]).is_marked(b"x", mac)
    assert mac[9:] != keys.mark_seal(b"x")


def test_seals_are_verified_by_the_key_that_they_name() -> None:
    keys, both = AuditKeys([SECRET]), AuditKeys([FORMER, SECRET])
    mac = keys.mark_seal(b"x")
    assert both.is_seal_marked(keys.key_id, b"x", mac)
    assert not both.is_seal_marked(both.key_id, b"x", mac)
    assert not both.is_seal_marked("00" * 8, b"x", mac)
    assert both.knows(keys.key_id)
    assert not keys.knows(both.key_id)


def test_signatures_are_verified_by_anyone() -> None:
    keys = AuditKeys([SECRET, FORMER])
    public = PublicKeys(list(keys.public.by_id.values()))
    signature = keys.sign(b"x")
    assert public.verify(public.first, b"x", signature)
    assert public.verify(public.first, b"y", signature) is False
    assert public.verify("00" * 8, b"x", signature) is None
    assert len(public.by_id) == 2


def test_a_key_is_needed_and_public_ones_are_ed25519() -> None:
    with pytest.raises(ConfigurationError):
        AuditKeys([])
    with pytest.raises(ConfigurationError):
        public_id(b"short")


def test_keys_do_not_show_themselves() -> None:
    keys = AuditKeys([SECRET])
    assert repr(keys) == f"AuditKeys({keys.key_id})"
