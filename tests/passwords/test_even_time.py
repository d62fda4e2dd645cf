"""Whatever hash an account has, and whether it has one, the same work is done (ASVS 6.3.8)."""

from __future__ import annotations

from collections import Counter

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.passwords import PasswordHasher, PasswordSettings
from zenith.passwords.argon2id import Argon2id
from zenith.passwords.pbkdf2 import Pbkdf2

PASSWORD = "violet tractor pond ninety"
FOREIGN = "pbkdf2_sha256$1000$seasalt2$TXky+HtRYTYzEEvb+fVGzCRAZfojhp/uMqG9raTPRI0="
FOREIGN_PASSWORD = "Tr0ub4dor & \u00fcn\u00efcode"


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts hashes of today and of the former program, made or verified."""
    done: Counter[str] = Counter()
    for kind, name, label in (
        (Argon2id, "hash", "present"),
        (Argon2id, "verify", "present"),
        (Pbkdf2, "verify", "former"),
    ):
        original = getattr(kind, name)

        def counted(self, *given, original=original, label=label):  # type: ignore[no-untyped-def]
            done[label] += 1
            return original(self, *given)

        monkeypatch.setattr(kind, name, counted)
    return done


def spent(hasher: PasswordHasher, work: Counter[str], password: str, stored: str | None):
    work.clear()
    hasher.verify_and_update_sync(password, stored)
    return work["present"], work["former"]


def make(**more: str) -> PasswordHasher:
    return PasswordHasher(PasswordSettings(profile="testing", **more))


def test_without_a_migration_a_hash_of_old_costs_more_whether_right_or_wrong(work) -> None:
    hasher = make()
    own = hasher.hash_sync(PASSWORD)
    assert spent(hasher, work, "wrong", None) == (1, 0)
    assert spent(hasher, work, "wrong", "!") == (1, 0)
    assert spent(hasher, work, "wrong", own) == (1, 0)
    assert spent(hasher, work, PASSWORD, own) == (1, 0)
    assert spent(hasher, work, "wrong", FOREIGN) == (1, 1)
    assert spent(hasher, work, FOREIGN_PASSWORD, FOREIGN) == (1, 1)


def test_during_a_migration_everything_costs_the_same(work) -> None:
    hasher = make(migrating_from=FOREIGN)
    own = hasher.hash_sync(PASSWORD)
    for password, stored in (
        ("wrong", None),
        ("wrong", own),
        (PASSWORD, own),
        ("wrong", FOREIGN),
        (FOREIGN_PASSWORD, FOREIGN),
    ):
        assert spent(hasher, work, password, stored) == (1, 1)


def test_a_cheaper_hash_of_the_same_kind_is_of_old(work) -> None:
    cheap = make().hash_sync(PASSWORD)
    hasher = PasswordHasher(PasswordSettings(profile="owasp"))
    assert spent(hasher, work, "wrong", cheap) == (2, 0)
    assert spent(hasher, work, PASSWORD, cheap) == (2, 0)


@pytest.mark.parametrize("sample", ["", "nonsense", "pbkdf2_sha256$1000$x", "$argon2id$broken"])
def test_a_sample_that_is_no_hash_is_refused(sample: str) -> None:
    with pytest.raises(ConfigurationError, match="migrating_from"):
        make(migrating_from=sample)
