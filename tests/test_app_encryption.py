"""`app.encryption`: whose keys it has, what refuses the start, and what an account takes along."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import (
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    events_of,
    login,
    make_administrator,
    make_app,
    make_settings,
    register,
    running,
)
from tests.test_assembly import production
from zenith import Zenith
from zenith.encryption import Encryption, EncryptionSettings, SubjectErasedError
from zenith.encryption.key_set import KeySet, add_pending
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, new_token


def test_who_encrypts_nothing_has_no_keys(tmp_path):
    app = Zenith(settings=make_settings(tmp_path))
    assert not app.assembly.encryption.has_keys
    assert not list(tmp_path.glob("encryption*"))


def test_development_makes_keys_and_keeps_them(tmp_path):
    settings = make_settings(tmp_path)
    one, two = Zenith(settings=settings), Zenith(settings=settings)
    assert two.encryption.decrypt(one.encryption.encrypt("x")) == "x"
    assert one.encryption is one.encryption
    for name in ("encryption.key", "encryption.json"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert Zenith(settings=settings).assembly.encryption.has_keys
    (tmp_path / "encryption.key").unlink()
    with pytest.raises(ConfigurationError, match="missing"):
        _ = Zenith(settings=settings).encryption


def test_the_applications_secret_is_no_key_of_data(tmp_path):
    """Else a new ZENITH_SECRET_KEY, as after a theft, would take all data with it."""
    one = Zenith(settings=make_settings(tmp_path, secret_key=Secret(new_token(48))))
    two = Zenith(settings=make_settings(tmp_path, secret_key=Secret(new_token(48))))
    assert two.encryption.decrypt(one.encryption.encrypt("x")) == "x"


def test_production_refuses_to_encrypt_without_a_key(tmp_path):
    app = Zenith(settings=production(tmp_path))
    with pytest.raises(ConfigurationError, match="no key-encryption key") as caught:
        _ = app.encryption
    assert "zenith keys generate" in caught.value.fix
    off = Zenith(settings=make_settings(tmp_path, encryption=None))
    assert not off.assembly.encryption.has_keys
    with pytest.raises(ConfigurationError, match="off"):
        _ = off.encryption


def test_a_start_with_a_key_and_without_its_keyring_is_refused(tmp_path):
    own = EncryptionSettings(key=Secret(new_token(48)))
    with pytest.raises(ConfigurationError, match=r"encryption\.json") as caught:
        Zenith(settings=production(tmp_path, encryption=own))
    assert "zenith keys generate" in caught.value.fix
    Encryption.from_settings(own, folder=tmp_path, create=True)
    app = Zenith(settings=production(tmp_path, encryption=own))
    assert app.encryption.decrypt(app.encryption.encrypt("x")) == "x"
    other = EncryptionSettings(key=Secret(new_token(48)))
    with pytest.raises(ConfigurationError, match="does not open"):
        Zenith(settings=production(tmp_path, encryption=other))


@pytest.mark.parametrize("before", [True, False])
async def test_a_running_application_takes_new_keys(tmp_path, before):
    settings = make_settings(tmp_path, encryption=EncryptionSettings(refresh=0.1))
    app = Zenith(settings=settings)
    if before:
        _ = app.encryption
    async with running(app):
        sealed = app.encryption.encrypt("x")

        def rotate(keys: KeySet) -> None:
            keys.values.rotate(add_pending(keys.values, now=1.0))

        await app.encryption.file.change(rotate)
        for _ in range(500):
            if not app.encryption.is_current(sealed):
                break
            await asyncio.sleep(0.01)
        assert not app.encryption.is_current(sealed)
        assert app.encryption.decrypt(sealed) == "x"


@pytest.mark.parametrize("erase", [True, False])
async def test_an_account_takes_its_data_along_where_that_is_asked_for(tmp_path, erase):
    own = EncryptionSettings(erase_with_account=erase)
    async with running(make_app(tmp_path, encryption=own)) as app, browse(app) as client:
        await register(client)
        account = await app.accounts.store.by_email(EMAIL)
        sealed = (await app.subject_keys.service_for(account.id)).encrypt("Dear Ada")
        tokens = (await login(client)).json()
        refused = await client.request(
            "DELETE", "/auth/account", json={"current_password": "no"}, headers=bearer(tokens)
        )
        assert refused.status_code >= 400
        assert (await app.subject_keys.existing(account.id)).decrypt(sealed) == "Dear Ada"
        gone = await client.request(
            "DELETE", "/auth/account", json={"current_password": PASSWORD}, headers=bearer(tokens)
        )
        assert gone.status_code < 300
        if not erase:
            assert (await app.subject_keys.existing(account.id)).decrypt(sealed) == "Dear Ada"
            return
        with pytest.raises(SubjectErasedError):
            await app.subject_keys.service_for(account.id)
        (erased,) = await events_of(app, "SUBJECT_ERASED")
        assert (erased.subject, erased.target) == (account.id, account.id)


async def test_an_account_that_stays_keeps_its_data(tmp_path):
    """The last administrator cannot go; what is theirs must not go without them."""
    own = EncryptionSettings(erase_with_account=True)
    async with running(make_app(tmp_path, encryption=own)) as app, browse(app) as client:
        await make_administrator(app)
        account = await app.accounts.store.by_email("root@example.org")
        sealed = (await app.subject_keys.service_for(account.id)).encrypt("kept")
        tokens = (await login(client, email="root@example.org", password=OTHER_PASSWORD)).json()
        answer = await client.request(
            "DELETE",
            "/auth/account",
            json={"current_password": OTHER_PASSWORD},
            headers=bearer(tokens),
        )
        assert answer.status_code == 409
        assert (await app.subject_keys.existing(account.id)).decrypt(sealed) == "kept"
