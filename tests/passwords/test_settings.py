from __future__ import annotations

from typing import Any

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, new_token
from zenith.passwords import Argon2Parameters, PasswordSettings


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"algorithm": "md5"}, "argon2id, bcrypt"),
        ({"profile": "fast"}, "guide, owasp, low_memory, testing"),
        ({"policy": "none"}, "nist, guide"),
        ({"min_length": 7}, "min_length 7"),
        ({"max_length": 63}, "max_length 63"),
        ({"min_length": 129}, "max_length 128"),
        ({"max_bytes": 300}, "max_bytes 300"),
        ({"bcrypt_rounds": 3}, "bcrypt_rounds 3"),
        ({"bcrypt_rounds": 17}, "bcrypt_rounds 17"),
        ({"workers": 0}, "workers 0"),
        ({"queue_size": -1}, "queue_size -1"),
        ({"niceness": 20}, "niceness 20"),
        ({"pepper_id": "a"}, "pepper_id `a`"),
        ({"peppers": {"A": Secret(new_token())}}, "no key id"),
        ({"peppers": {"a": Secret("short")}}, "shorter than 256 bits"),
    ],
)
def test_bad_settings_name_the_fix(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        PasswordSettings(**bad)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("settings", "weak"),
    [
        (PasswordSettings(), False),
        (PasswordSettings(profile="owasp"), False),
        (PasswordSettings(profile="low_memory"), False),
        (PasswordSettings(profile="testing"), True),
        (PasswordSettings(argon2=Argon2Parameters(time_cost=1, memory_cost=19_456)), True),
        (PasswordSettings(algorithm="bcrypt"), False),
        (PasswordSettings(algorithm="bcrypt", bcrypt_rounds=9), True),
    ],
)
def test_weak_settings_say_so(settings: PasswordSettings, weak: bool) -> None:
    assert settings.is_weak is weak


@pytest.mark.parametrize(
    "bad",
    [
        {"parallelism": 0},
        {"parallelism": 65},
        {"time_cost": 0},
        {"time_cost": 65},
        {"memory_cost": 31},
        {"memory_cost": 1024 * 1024 + 1},
    ],
)
def test_bad_argon2_parameters(bad: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(bad))):
        Argon2Parameters(**bad)


def test_peppers_do_not_show() -> None:
    pepper = new_token()
    assert pepper not in repr(PasswordSettings(peppers={"a": Secret(pepper)}, pepper_id="a"))
