from __future__ import annotations

import pickle

import pytest
from cryptography.fernet import Fernet

from tests.encryption.conftest import MASTER, OTHER
from zenith.encryption import (
    Context,
    DataKey,
    DecryptionError,
    EncryptionService,
    Keyring,
    guide_fernet_key,
)
from zenith.encryption import cipher as cipher_module
from zenith.encryption import sealed as sealed_module
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

PLACE = Context("text", "people", "ssn")


def test_text_comes_back(service):
    sealed = service.encrypt("Grüße, 078-05-1120")
    assert sealed.startswith("ze1.")
    assert service.decrypt(sealed) == "Grüße, 078-05-1120"
    assert service.encrypt("x") != service.encrypt("x")


@pytest.mark.parametrize("value", [None, True, 3, 1.5, "x", ["a", {"b": None}], {"ü": [1]}])
def test_fields_come_back(service, value):
    assert service.decrypt_field(service.encrypt_field(value)) == value


def test_what_json_cannot_say_is_refused(service):
    with pytest.raises(TypeError):
        service.encrypt_field(object())
    with pytest.raises(ValueError, match="JSON"):
        service.encrypt_field(float("nan"))


def test_a_context_binds(service):
    sealed = service.encrypt("x", context="invoice/1")
    assert service.decrypt(sealed, context="invoice/1") == "x"
    for wrong in (None, "", "invoice/2"):
        with pytest.raises(DecryptionError):
            service.decrypt(sealed, context=wrong)
    field = service.encrypt_field([1], context="a")
    assert service.decrypt_field(field, context="a") == [1]
    with pytest.raises(DecryptionError):
        service.decrypt_field(field)


def test_texts_and_fields_are_not_confused(service):
    with pytest.raises(DecryptionError):
        service.decrypt_field(service.encrypt('{"admin": true}'))
    with pytest.raises(DecryptionError):
        service.decrypt(service.encrypt_field("x"))


def test_lone_surrogates_are_refused_without_their_text(service):
    with pytest.raises(ValueError, match="Unicode") as caught:
        service.encrypt("secret\ud800")
    assert "secret" not in str(caught.value)


def test_bytes_that_are_no_text_or_json_do_not_open(service):
    with pytest.raises(DecryptionError):
        service.decrypt(service.seal_text(b"\xff", Context("text")))
    for broken in (b"{", b"\xff", b"[" * 200_000):
        with pytest.raises(DecryptionError):
            service.decrypt_field(service.seal_text(broken, Context("json")))


def test_previous_secrets_decrypt_and_the_new_one_encrypts():
    old = EncryptionService(OTHER)
    service = EncryptionService(MASTER, previous=[OTHER])
    sealed = old.encrypt("x")
    assert service.decrypt(sealed) == "x"
    assert not service.is_current(sealed)
    moved = service.reencrypt(sealed, Context("text"))
    assert service.is_current(moved)
    assert EncryptionService(MASTER).decrypt(moved) == "x"
    with pytest.raises(DecryptionError):
        old.decrypt(moved)


def test_a_keyring_is_a_master_key(ring):
    service = EncryptionService(ring, previous=[Secret(OTHER)])
    assert service.keyring is ring
    assert service.decrypt(EncryptionService(MASTER).encrypt("x")) == "x"
    assert service.decrypt(EncryptionService(OTHER).encrypt("x")) == "x"


def test_rotation_and_destruction_are_seen_by_a_service_in_use(ring):
    service = EncryptionService(ring)
    sealed, former = service.encrypt("x"), ring.active
    binary = service.seal(b"x", PLACE)
    assert service.decrypt(sealed) == "x"
    ring.rotate(DataKey.new())
    assert service.decrypt(sealed) == "x"
    assert service.open(binary, PLACE) == b"x"
    assert not service.is_current(sealed)
    assert not service.is_current(binary)
    assert service.is_current(service.encrypt("x"))
    assert service.is_current(service.seal(b"x", PLACE))
    ring.destroy(former.id)
    with pytest.raises(DecryptionError):
        service.decrypt(sealed)


def test_a_rotation_is_seen_by_the_next_encryption(ring):
    service = EncryptionService(ring)
    key = DataKey.new()
    ring.rotate(key)
    assert service.is_current(service.encrypt("x"))


def test_a_used_up_budget_takes_a_new_salt(ring, monkeypatch):
    monkeypatch.setattr(cipher_module, "VALUES_PER_KEY", 2)
    service = EncryptionService(ring)
    sealed = [service.seal(b"x", PLACE) for _ in range(6)]
    assert len({each[5:13] for each in sealed}) > 2
    assert all(service.open(each, PLACE) == b"x" for each in sealed)


def test_the_memory_of_salts_is_bounded(ring, monkeypatch):
    monkeypatch.setattr(cipher_module, "MAX_KNOWN", 2)
    reader = EncryptionService(ring)
    for _ in range(4):
        assert reader.open(EncryptionService(ring).seal(b"x", PLACE), PLACE) == b"x"


def test_what_is_too_large_is_for_streams(service, monkeypatch):
    monkeypatch.setattr(cipher_module, "MAX_PLAIN", 10)
    with pytest.raises(ValueError, match="stream"):
        service.encrypt("x" * 11)


def test_the_guides_fernet_values_are_read_and_made_anew():
    key = guide_fernet_key(MASTER)
    assert key == guide_fernet_key(Secret(MASTER))
    token = Fernet(key.reveal()).encrypt(b"4111").decode()
    service = EncryptionService(MASTER, fernet_keys=[key, Fernet.generate_key().decode()])
    assert service.decrypt(token) == "4111"
    assert not service.is_current(token)
    field = Fernet(key.reveal()).encrypt(b'{"a": 1}').decode()
    assert service.decrypt_field(field) == {"a": 1}
    moved = service.reencrypt(token, Context("text"))
    assert EncryptionService(MASTER).decrypt(moved) == "4111"


def test_fernet_values_need_their_key():
    token = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    keyed = EncryptionService(MASTER, fernet_keys=[Fernet.generate_key().decode()])
    for service in (EncryptionService(MASTER), keyed):
        for given in (token, token[:-1], token[:20], "gAAAAAé"):
            with pytest.raises(DecryptionError):
                service.decrypt(given)


def test_an_oversize_fernet_value_is_not_even_decoded(monkeypatch):
    service = EncryptionService(MASTER, fernet_keys=[Fernet.generate_key().decode()])
    with pytest.raises(DecryptionError):
        service.decrypt("gAAAAA" + "A" * sealed_module.MAX_TEXT)


def test_a_tag_that_begins_like_a_fernet_token_is_none():
    service = EncryptionService(MASTER, fernet_keys=[Fernet.generate_key().decode()])
    tag = "gAAAAAAAAAAAAAAAAAAAAA"
    sealed = service.seal_text(b"x", PLACE, tag=tag)
    assert service.open_text(sealed, PLACE) == b"x"


def test_what_is_no_fernet_key_is_refused():
    with pytest.raises(ConfigurationError) as caught:
        EncryptionService(MASTER, fernet_keys=["no-key-at-all"])
    assert "no-key-at-all" not in str(caught.value)


def test_a_service_does_not_show_or_hand_out_its_keys(service, ring):
    assert MASTER not in repr(service)
    material = ring.active.material
    assert material is not None
    assert material.hex() not in repr(service) + repr(service._cipher)
    for each in (service, service._cipher):
        with pytest.raises(TypeError):
            pickle.dumps(each)


def test_a_context_that_is_too_long_is_refused(service):
    with pytest.raises(ConfigurationError):
        Context("x" * 70_000)


def test_derived_keyrings_agree_across_processes(ring):
    assert Keyring.from_secret(Secret(MASTER)).active == ring.active
