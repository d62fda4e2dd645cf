from __future__ import annotations

from pathlib import Path

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.passwords import PasswordValidator


def test_a_strong_password() -> None:
    assert PasswordValidator().validate("kX9$vQ2!mZ7#") == (True, [])


def test_every_fault_is_told() -> None:
    ok, messages = PasswordValidator().validate("")
    assert not ok
    said = " ".join(messages)
    for word in ("12 characters", "uppercase", "lowercase", "digit", "special", "predictable"):
        assert word in said


@pytest.mark.parametrize("password", ["Password1", "123456", "Qwerty123"])
def test_common(password: str) -> None:
    _, messages = PasswordValidator().validate(password)
    assert any("common" in message for message in messages)


def test_attributes_can_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("Zqvxkjwp-Plmnh\n\n", encoding="utf-8")

    class Own(PasswordValidator):
        MIN_LENGTH = 10
        REQUIRE_UPPERCASE = False
        REQUIRE_LOWERCASE = False
        REQUIRE_DIGITS = False
        REQUIRE_SPECIAL = False
        MIN_ENTROPY = 0.0
        COMMON_PASSWORDS_FILE = file

    assert Own().validate("zqvxkjwp-plmng") == (True, [])
    ok, messages = Own().validate("zqvxkjwp-plmnh")
    assert not ok
    assert "common" in messages[0]


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    class Own(PasswordValidator):
        COMMON_PASSWORDS_FILE = tmp_path / "absent.txt"

    with pytest.raises(ConfigurationError, match="COMMON_PASSWORDS_FILE"):
        Own()


def test_generate() -> None:
    validator = PasswordValidator()
    password = validator.generate_strong_password()
    assert len(password) == 16
    assert validator.validate(password) == (True, [])
    assert len(validator.generate_strong_password(24)) == 24
