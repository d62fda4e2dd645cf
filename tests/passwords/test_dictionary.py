from __future__ import annotations

import math
from importlib import resources

import pytest

from tools.words import PACKED, dictionary, lines
from zenith.passwords.dictionary import Dictionary, fold, packaged_words

DATA = resources.files("zenith.passwords").joinpath("data")


def test_enough_passwords() -> None:
    passwords = lines("common-passwords")
    assert len(passwords) >= 30_000
    assert len(set(passwords)) == len(passwords)
    assert all(word == fold(word) for word in passwords)


def test_the_licences_travel_along() -> None:
    notice = DATA.joinpath("NOTICE.md").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in notice
    assert "Redistribution and use" in notice
    for name in ("common-passwords", "common-words"):
        assert f"{len(lines(name)):,}" in notice


@pytest.mark.parametrize(
    "password", ["123456", "password", "PassWord", "\uff51\uff57\uff45\uff52\uff54\uff59", "dragon"]
)
def test_common(password: str) -> None:
    assert packaged_words().is_common(password)


@pytest.mark.parametrize("password", ["", "correct horse", "internationalization"])
def test_not_common(password: str) -> None:
    assert not packaged_words().is_common(password)


def test_the_package_holds_what_the_lists_make() -> None:
    assert PACKED.read_bytes() == dictionary().packed(), "run: python -m tools.words"


def test_what_is_packed_is_read_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = Dictionary(common=["one"], words=["two"]).packed()
    assert Dictionary.unpacked(packed).bits("one") == 0
    monkeypatch.setattr("zenith.passwords.dictionary.sys.byteorder", "big")
    swapped = Dictionary.unpacked(b"".join(packed[at : at + 8][::-1] for at in (0, 8)))
    assert swapped.is_common("one")


def test_texts_that_are_none_are_not_found() -> None:
    assert not packaged_words().is_common("\ud800")


def test_every_packaged_password_is_found() -> None:
    words = packaged_words()
    assert all(words.is_common(password) for password in lines("common-passwords"))


def test_bits_follow_the_rank() -> None:
    ranking = [f"word{number}" for number in range(5_000)]
    dictionary = Dictionary(common=ranking)
    for rank in (1, 2, 3, 4, 10, 500, 5_000):
        bits = dictionary.bits(f"word{rank - 1}")
        assert bits == pytest.approx(math.log2(rank), abs=0.15)
    assert dictionary.bits("absent") is None


def test_the_better_rank_counts() -> None:
    filler = [f"filler{number}" for number in range(100)]
    dictionary = Dictionary(common=[*filler, "twice"], words=["twice", "once"])
    assert dictionary.bits("twice") == 0
    assert dictionary.is_common("twice")
    assert Dictionary(common=["twice"], words=[*filler, "twice"]).bits("twice") == 0
    assert dictionary.bits("once") == 1
    assert not dictionary.is_common("once")


def test_beyond_the_last_step() -> None:
    many = [str(number) for number in range(300_000)]
    assert Dictionary(common=many).bits(many[-1]) == pytest.approx(127 / 7)


def test_little_memory() -> None:
    entries = packaged_words()._entries
    assert len(entries) * entries.itemsize < 1_000_000
