"""Places from a file in MaxMind's format."""

from __future__ import annotations

import sys

import pytest

from tests.stores.place_file import place_file
from zenith.kernel.errors import ConfigurationError
from zenith.sessions import PlaceNames
from zenith.stores.places import PlaceFile

LYON = {"city": {"names": {"en": "Lyon", "de": "Lyon"}}, "country": {"names": {"en": "France"}}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "places.mmdb"
    place_file(
        path,
        {
            "198.41.0.0/24": LYON,
            "2606:4700::/32": {"country": {"names": {"en": "Canada"}}},
            "9.9.9.0/24": {"city": {"names": {"en": ["x"]}}, "country": "odd"},
            "8.8.8.0/24": ["odd"],
            "1.1.1.0/24": {"city": {"names": {"en": "Ly\x1bon"}}},
        },
    )
    places = PlaceFile(path)
    yield places
    places.close()


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("198.41.0.4", "Lyon, France"),
        ("198.41.1.4", ""),
        ("2606:4700::1111", "Canada"),
        ("::ffff:198.41.0.4", "Lyon, France"),
        ("9.9.9.9", ""),
        ("8.8.8.8", ""),
        ("1.1.1.1", ""),
        ("127.0.0.1", "this computer"),
        ("10.1.2.3", "this network"),
        ("fd00::1", "this network"),
        ("100.64.0.1", ""),
        ("unknown", ""),
    ],
)
def test_places_of_addresses(file, address, place):
    assert PlaceNames(file).describe(address) == place


def test_what_is_no_such_file_refuses_the_start(tmp_path):
    for content in (None, b"", b"not a database"):
        path = tmp_path / "places.mmdb"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigurationError, match="places_database cannot be read"):
            PlaceFile(path)


def test_a_damaged_record_is_no_place(tmp_path):
    path = tmp_path / "places.mmdb"
    place_file(path, {"198.41.0.0/24": LYON})
    data = path.read_bytes()
    path.write_bytes(data.replace(b"\x44city", b"\x5fcity"))
    places = PlaceFile(path)
    assert places("198.41.0.4") == ""
    assert places("no address") == ""
    places.close()


def test_without_the_library_the_fix_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(ConfigurationError, match=r"zenith-security\[places\]"):
        PlaceFile(tmp_path / "places.mmdb")
