from __future__ import annotations

import pytest

from zenith.sessions import PlaceNames


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("127.0.0.1", "this computer"),
        ("::1", "this computer"),
        ("::ffff:127.0.0.1", "this computer"),
        ("192.168.1.2", "this network"),
        ("169.254.1.1", "this network"),
        ("fe80::1%eth0", "this network"),
        ("100.64.1.1", ""),
        ("8.8.8.8", ""),
        ("0.0.0.0", ""),
        ("::", ""),
        ("224.0.0.1", ""),
        ("local", ""),
        ("", ""),
        ("<script>", ""),
    ],
)
def test_near_addresses_have_names_without_a_file(address: str, place: str) -> None:
    assert PlaceNames().describe(address) == place


def test_only_public_addresses_are_looked_up() -> None:
    asked: list[str] = []

    def lookup(address: str) -> str:
        asked.append(address)
        return "Lyon, France"

    names = PlaceNames(lookup)
    for address in ("10.0.0.1", "100.64.0.1", "unknown", "::1"):
        names.describe(address)
    assert asked == []
    assert names.describe("8.8.8.8") == "Lyon, France"
    assert asked == ["8.8.8.8"]


def test_whatever_the_file_holds_is_bounded_and_printable() -> None:
    assert len(PlaceNames(lambda _: "x" * 999).describe("8.8.8.8")) == 80
    assert PlaceNames(lambda _: "Ly\x1b[31mon").describe("8.8.8.8") == ""
