from __future__ import annotations

import secrets
import string

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.passwords import PasswordPolicy, generate_strong_password


@pytest.mark.parametrize("length", [8, 16, 20, 128])
def test_length_and_kinds(length: int) -> None:
    password = generate_strong_password(length)
    assert len(password) == length
    for kind in (
        string.ascii_uppercase,
        string.ascii_lowercase,
        string.digits,
        string.punctuation,
    ):
        assert set(kind) & set(password)


def test_both_policies_take_it() -> None:
    password = generate_strong_password()
    assert PasswordPolicy.nist().check(password)
    assert PasswordPolicy.guide().check(password)


def test_no_two_alike() -> None:
    assert len({generate_strong_password(12) for _ in range(200)}) == 200


def test_it_draws_anew_rather_than_patching(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter("aaaaaaaa" + "Bc3!efgh")
    monkeypatch.setattr(secrets, "choice", lambda _: next(drawn))
    assert generate_strong_password(8) == "Bc3!efgh"


@pytest.mark.parametrize("length", [-1, 0, 7, 1025])
def test_bad_lengths(length: int) -> None:
    with pytest.raises(ConfigurationError, match=str(length)):
        generate_strong_password(length)
