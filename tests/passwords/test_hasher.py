from __future__ import annotations

import pytest

from zenith.kernel.errors import ValidationError
from zenith.kernel.keys import Secret, new_token
from zenith.passwords import (
    Argon2Parameters,
    HashingPool,
    PasswordHasher,
    PasswordRefusedError,
    PasswordSettings,
    UnusableHashError,
    Verification,
)
from zenith.passwords.argon2id import Argon2id
from zenith.passwords.bcrypt_hash import Bcrypt

PASSWORD = "correct horse battery staple"


async def test_round_trip(hasher: PasswordHasher) -> None:
    hashed = await hasher.hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert PASSWORD not in hashed
    assert await hasher.verify(PASSWORD, hashed) == Verification(ok=True)
    assert not await hasher.verify(PASSWORD + " ", hashed)
    assert await hasher.hash(PASSWORD) != hashed


def test_the_default_is_the_guides() -> None:
    hashed = PasswordHasher().hash_sync(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_sync_twins(cheap: PasswordSettings) -> None:
    hasher = PasswordHasher(cheap)
    hashed = hasher.hash_sync(PASSWORD)
    assert hasher.verify_sync(PASSWORD, hashed)
    assert hasher.verify_and_update_sync(PASSWORD, hashed) == (Verification(ok=True), None)
    assert hasher.verify_and_update_sync("wrong", hashed) == (Verification(ok=False), None)


@pytest.mark.parametrize(
    "parameters",
    [
        Argon2Parameters(time_cost=2, memory_cost=8, parallelism=1),
        Argon2Parameters(time_cost=1, memory_cost=16, parallelism=1),
        Argon2Parameters(time_cost=1, memory_cost=16, parallelism=2),
    ],
)
async def test_another_cost_asks_for_a_rehash(
    hasher: PasswordHasher, parameters: Argon2Parameters
) -> None:
    hashed = PasswordHasher(PasswordSettings(argon2=parameters)).hash_sync(PASSWORD)
    assert hasher.needs_rehash(hashed)
    assert await hasher.verify(PASSWORD, hashed) == Verification(ok=True, needs_rehash=True)


async def test_bcrypt(cheap: PasswordSettings) -> None:
    settings = PasswordSettings(algorithm="bcrypt", bcrypt_rounds=4)
    async with PasswordHasher(settings) as hasher:
        hashed = await hasher.hash(PASSWORD)
        assert hashed.startswith("$2b$04$")
        assert await hasher.verify(PASSWORD, hashed) == Verification(ok=True)
        assert not await hasher.verify(PASSWORD + "!", hashed)
    assert PasswordHasher(cheap).needs_rehash(hashed)
    assert PasswordHasher(PasswordSettings(algorithm="bcrypt", bcrypt_rounds=5)).needs_rehash(
        hashed
    )


async def test_no_account_costs_a_hash_and_fails(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[bytes] = []
    monkeypatch.setattr(Argon2id, "hash", lambda self, secret: spent.append(secret) or "")
    assert not await hasher.verify(PASSWORD, None)
    assert not await hasher.dummy_verify(PASSWORD)
    assert spent == [PASSWORD.encode()] * 2


@pytest.mark.parametrize("disabled", ["", "!", "!abc", "*"])
async def test_an_account_without_password_costs_a_hash_and_fails(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch, disabled: str
) -> None:
    spent: list[bytes] = []
    monkeypatch.setattr(Argon2id, "hash", lambda self, secret: spent.append(secret) or "")
    assert not await hasher.verify(PASSWORD, disabled)
    assert len(spent) == 1
    assert not hasher.needs_rehash(disabled)


@pytest.mark.parametrize("password", ["", "x" * 1025, "é" * 513, "\ud800", "a\udfff"])
async def test_what_is_no_password(hasher: PasswordHasher, password: str) -> None:
    with pytest.raises(PasswordRefusedError) as caught:
        await hasher.hash(password)
    assert isinstance(caught.value, ValidationError)
    assert caught.value.status == 422
    assert caught.value.code == "password_refused"
    hashed = await hasher.hash(PASSWORD)
    assert not await hasher.verify(password, hashed)
    assert not await hasher.verify(password, None)


async def test_the_longest_password(hasher: PasswordHasher) -> None:
    password = "x" * 1024
    assert await hasher.verify(password, await hasher.hash(password))


@pytest.mark.parametrize(
    "damaged",
    [
        "secret",
        "md5$abc$def",
        "$6$rounds=5000$salt$digest",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdA",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAA",
        "$argon2id$v=77$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=99,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=1,p=99$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2x$v=19$m=8,t=1,p=1$c2FsdA$aaaa",
        "$2b$04$short",
        "$2b$31$" + "a" * 53,
        "$2b$04$" + "a" * 53,
        "bcrypt$nothing",
        "$bcrypt-sha256$nothing",
        "$bcrypt-sha256$v=2,t=2b,r=31$" + "a" * 22 + "$" + "a" * 31,
        "pbkdf2_sha256$1000$salt",
        "pbkdf2_sha256$1000$salt$AAAAA",
        "pbkdf2_sha256$1000$salt$AAAA",
        "pbkdf2_sha256$0$salt$TXky+HtRYTYzEEvb+fVGzCRAZfojhp/uMqG9raTPRI0=",
        "pbkdf2_sha256$999999999$salt$TXky+HtRYTYzEEvb+fVGzCRAZfojhp/uMqG9raTPRI0=",
        "pbkdf2:sha256:1000$salt$abc",
        "scrypt$1000$salt$8$1$TXky+HtRYTYzEEvb+fVGzCRAZfojhp/uMqG9raTPRI0=",
        "scrypt$1024$salt$8$1$AAAA",
        "scrypt$999999999$salt$8$1$TXky+HtRYTYzEEvb+fVGzCRAZfojhp/uMqG9raTPRI0=",
        "scrypt$1024$salt$8$999$TXky+HtRYTYzEEvb+fVGzCRAZfojhp/uMqG9raTPRI0=",
        "scrypt$nothing",
        "$scrypt$ln=99,r=8,p=1$AAAA$AAAA",
        "$zp$nothing",
        "$zp$k=gone$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aaaa",
    ],
)
async def test_a_damaged_hash_is_no_wrong_password(hasher: PasswordHasher, damaged: str) -> None:
    with pytest.raises(UnusableHashError) as caught:
        await hasher.verify(PASSWORD, damaged)
    assert damaged not in str(caught.value)
    with pytest.raises(UnusableHashError):
        hasher.verify_sync(PASSWORD, damaged)


def test_an_unknown_hash_has_no_rehash_answer(cheap: PasswordSettings) -> None:
    with pytest.raises(UnusableHashError, match="unknown kind"):
        PasswordHasher(cheap).needs_rehash("secret")


async def test_short_of_memory_is_no_wrong_password(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2.exceptions import HashingError, VerificationError

    from zenith.kernel.errors import ServiceUnavailableError

    def fail(error: Exception) -> object:
        def raise_it(*_: object, **__: object) -> None:
            raise error

        return raise_it

    hashed = await hasher.hash(PASSWORD)
    name = "zenith.passwords.argon2id"
    memory = "Memory allocation error"
    monkeypatch.setattr(f"{name}.verify_secret", fail(VerificationError(memory)))
    monkeypatch.setattr(f"{name}.hash_secret", fail(HashingError(memory)))
    with pytest.raises(ServiceUnavailableError):
        await hasher.verify(PASSWORD, hashed)
    with pytest.raises(ServiceUnavailableError):
        await hasher.hash(PASSWORD)
    with pytest.raises(ServiceUnavailableError):
        hasher.verify_sync(PASSWORD, hashed)
    with pytest.raises(ServiceUnavailableError):
        hasher.hash_sync(PASSWORD)


class TestNormalisation:
    COMPOSED = "th\u00e9 au lait, s'il vous pla\u00eet"
    DECOMPOSED = "the\u0301 au lait, s'il vous plai\u0302t"

    async def test_two_spellings_of_one_password(self, hasher: PasswordHasher) -> None:
        hashed = await hasher.hash(self.DECOMPOSED)
        assert await hasher.verify(self.COMPOSED, hashed) == Verification(ok=True)
        assert await hasher.verify(self.DECOMPOSED, hashed) == Verification(ok=True)

    async def test_a_hash_of_the_raw_spelling_is_renewed(self, hasher: PasswordHasher) -> None:
        foreign = Argon2id(hasher.settings.argon2_parameters).hash(self.DECOMPOSED.encode())
        verification, renewed = await hasher.verify_and_update(self.DECOMPOSED, foreign)
        assert verification == Verification(ok=True, needs_rehash=True)
        assert renewed is not None
        assert await hasher.verify(self.COMPOSED, renewed)

    async def test_both_spellings_are_paid_for_without_an_account(
        self, hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spent: list[bytes] = []
        monkeypatch.setattr(Argon2id, "hash", lambda self, secret: spent.append(secret) or "")
        await hasher.dummy_verify(self.DECOMPOSED)
        assert spent == [self.COMPOSED.encode(), self.DECOMPOSED.encode()]

    async def test_different_characters_stay_different(self, hasher: PasswordHasher) -> None:
        hashed = await hasher.hash("\ufb01ne and long password")
        assert not await hasher.verify("fine and long password", hashed)


class TestPepper:
    OLD, NEW = Secret(new_token()), Secret(new_token())

    def hasher(self, current: str | None, **peppers: Secret) -> PasswordHasher:
        return PasswordHasher(
            PasswordSettings(profile="testing", peppers=peppers, pepper_id=current)
        )

    def test_the_hash_names_its_pepper(self) -> None:
        hashed = self.hasher("old", old=self.OLD).hash_sync(PASSWORD)
        assert hashed.startswith("$zp$k=old$argon2id$")
        assert self.hasher("old", old=self.OLD).verify_sync(PASSWORD, hashed) == Verification(
            ok=True
        )

    def test_a_stolen_hash_is_of_no_use_without_the_pepper(self) -> None:
        hashed = self.hasher("old", old=self.OLD).hash_sync(PASSWORD)
        stripped = hashed.removeprefix("$zp$k=old")
        assert not self.hasher(None).verify_sync(PASSWORD, stripped)
        assert not self.hasher("old", old=self.NEW).verify_sync(PASSWORD, hashed)

    def test_rotation(self) -> None:
        hashed = self.hasher("old", old=self.OLD).hash_sync(PASSWORD)
        both = self.hasher("new", old=self.OLD, new=self.NEW)
        verification, renewed = both.verify_and_update_sync(PASSWORD, hashed)
        assert verification == Verification(ok=True, needs_rehash=True)
        assert renewed is not None
        assert renewed.startswith("$zp$k=new$")
        assert self.hasher("new", new=self.NEW).verify_sync(PASSWORD, renewed)

    def test_introduction_and_retirement(self) -> None:
        plain = self.hasher(None).hash_sync(PASSWORD)
        peppered = self.hasher("old", old=self.OLD)
        assert peppered.verify_sync(PASSWORD, plain) == Verification(ok=True, needs_rehash=True)
        hashed = peppered.hash_sync(PASSWORD)
        retired = self.hasher(None, old=self.OLD)
        assert retired.needs_rehash(hashed)
        assert retired.verify_sync(PASSWORD, hashed) == Verification(ok=True, needs_rehash=True)

    def test_a_lost_pepper_is_named(self) -> None:
        hashed = self.hasher("old", old=self.OLD).hash_sync(PASSWORD)
        with pytest.raises(UnusableHashError, match="`old`"):
            self.hasher("new", new=self.NEW).verify_sync(PASSWORD, hashed)

    def test_bcrypt_takes_all_of_a_peppered_password(self) -> None:
        hasher = PasswordHasher(
            PasswordSettings(
                algorithm="bcrypt", bcrypt_rounds=4, peppers={"k": self.OLD}, pepper_id="k"
            )
        )
        hashed = hasher.hash_sync("x" * 100)
        assert hashed.startswith("$zp$k=k$2b$04$")
        assert hasher.verify_sync("x" * 100, hashed)
        assert not hasher.verify_sync("x" * 101, hashed)


def test_bcrypt_forms_that_are_of_old() -> None:
    algorithm = Bcrypt(rounds=4)
    long = algorithm.hash(b"x" * 73)
    assert not algorithm.is_outdated(long)
    assert Bcrypt(rounds=5).is_outdated(long)
    assert algorithm.is_outdated(long.replace("t=2b", "t=2a"))
    assert algorithm.is_outdated(algorithm.hash(b"x").replace("$2b$", "$2a$"))


async def test_a_pool_can_be_shared(cheap: PasswordSettings) -> None:
    pool = HashingPool(workers=1)
    first, second = PasswordHasher(cheap, pool=pool), PasswordHasher(cheap, pool=pool)
    assert await second.verify(PASSWORD, await first.hash(PASSWORD))
    await pool.aclose()
