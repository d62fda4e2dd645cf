from __future__ import annotations

import pytest

from zenith.abuse.bans import BannedSet, BanTarget
from zenith.kernel.errors import ValidationError


def banned(*texts: str, until: float = 100.0) -> BannedSet:
    found = BannedSet()
    for text in texts:
        found.put(BanTarget.parse(text), until)
    return found


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("203.0.113.7", "address", "203.0.113.7"),
        (" 203.0.113.7/32 ", "address", "203.0.113.7"),
        ("203.0.113.0/24", "network", "203.0.113.0/24"),
        ("2001:DB8::1:2", "address", "2001:db8::/64"),
        ("2001:db8::/64", "address", "2001:db8::/64"),
        ("2001:db8::1/128", "address", "2001:db8::/64"),
        ("2001:db8::/48", "network", "2001:db8::/48"),
        ("::ffff:203.0.113.7", "address", "203.0.113.7"),
        ("::ffff:203.0.113.7/128", "address", "203.0.113.7"),
        ("::ffff:203.0.113.0/120", "network", "203.0.113.0/24"),
        ("account:abc", "account", "abc"),
        ("api_key: k1", "api_key", "k1"),
    ],
)
def test_targets_have_one_form(text: str, kind: str, key: str) -> None:
    target = BanTarget.parse(text)
    assert (target.kind, target.key) == (kind, key)
    assert BanTarget.parse(str(target)) == target


@pytest.mark.parametrize(
    "text",
    [
        *("", "nonsense", "203.0.113.7/24", "0.0.0.0/0", "10.0.0.0/7", "::/0", "2001::/15"),
        "::ffff:0:0/96",
        *("account:", "account:a b", "account:" + "x" * 201, "api_key:\x00", "1.2.3.4/33"),
    ],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        BanTarget.parse(text)


def test_addresses_and_overlapping_networks_are_found() -> None:
    found = banned("203.0.113.7", "2001:db8::/64", "2001:db8:1::/48")
    found.put(BanTarget.parse("198.51.0.0/16"), 50.0)
    found.put(BanTarget.parse("198.51.100.0/24"), 70.0)
    inside = ("203.0.113.7", "2001:db8::ffff:1", "2001:db8:1:2::3", "::ffff:203.0.113.7")
    assert {found.of_address(each) for each in inside} == {100.0}
    assert found.of_address("198.51.100.1") == 70.0
    assert found.of_address("198.51.7.1") == 50.0
    outside = ("203.0.113.8", "2001:db8:0:1::1", "2001:db8:2::", "198.52.0.1", "unknown", "a:b", "")
    assert {found.of_address(each) for each in outside} == {None}
    assert found.of_address("fe80::1%eth0") is None


def test_what_has_ended_is_freed() -> None:
    found = banned("203.0.113.7", "198.51.100.0/24", "2001:db8::/48", "account:a", "api_key:k")
    assert (len(found), found.has_addresses, found.has_subjects) == (5, True, True)
    found.put(BanTarget.parse("203.0.113.7"), 200.0)
    found.put(BanTarget.parse("account:a"), float("inf"))
    found.expire(99.9)
    assert len(found) == 5
    found.expire(100.0)
    assert len(found) == 2
    assert found.of_address("203.0.113.7") == 200.0
    assert found.of_subject("account", "a") == float("inf")
    assert found.of_subject("api_key", "k") is None
    found.expire(1e9)
    found.remove(BanTarget.parse("account:a"))
    found.remove(BanTarget.parse("account:a"))
    assert (len(found), found.has_addresses, found.has_subjects) == (0, False, False)


def test_bans_that_are_renewed_need_no_more_room() -> None:
    found = banned()
    for end in range(1000):
        found.put(BanTarget.parse("203.0.113.7"), 1000.0 + end)
        found.put(BanTarget.parse("account:a"), 1000.0 + end)
    assert len(found) == 2
    assert len(found._heap) <= 70
    found.expire(1999.0)
    assert len(found) == 0


def test_what_covers_what() -> None:
    wide, own = BanTarget.parse("203.0.113.0/24"), BanTarget.parse("203.0.113.7")
    six = BanTarget.parse("2001:db8::/48")
    assert wide.covers(own)
    assert not own.covers(wide)
    assert not six.covers(own)
    assert six.covers(BanTarget.parse("2001:db8::1"))
    assert not wide.covers(six)
    account = BanTarget.parse("account:a")
    assert account.covers(account)
    assert not account.covers(own)
    assert not wide.covers(account)
    assert BanTarget.of_client("unknown") is None


def test_what_was_said_of_a_client_is_not_believed_for_longer_than_it_is_so() -> None:
    found = banned("198.51.100.0/24")
    assert found.of_address("203.0.113.7") is None
    found.put(BanTarget.parse("203.0.113.0/24"), 100.0)
    assert found.of_address("203.0.113.7") == 100.0
    found.remove(BanTarget.parse("203.0.113.0/24"))
    assert found.of_address("203.0.113.7") is None
    for number in range(5000):
        found.of_address(f"192.0.{number >> 8}.{number & 255}")
    assert len(found._recent) <= 4096
    assert found.of_address("198.51.100.7") == 100.0
