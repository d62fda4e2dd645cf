from __future__ import annotations

import pickle

import pytest

from zenith.encryption import DataKey, Keyring, KeyState
from zenith.encryption.keyring import MAX_DESTROYED, MAX_KEYS
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

MASTER = Secret("violet-Tractor-pond-ninety-0123456789-abcdef")
OTHER = Secret("amber-Kettle-river-eleven-9876543210-fedcba")


def active(key: DataKey | None = None) -> DataKey:
    return (key or DataKey.new()).within(KeyState.ACTIVE)


def test_a_key_derived_from_a_secret_is_always_the_same_and_another_from_another():
    assert DataKey.derived(MASTER) == DataKey.derived(MASTER)
    assert DataKey.derived(MASTER).id != DataKey.derived(OTHER).id
    assert DataKey.derived(MASTER).material != DataKey.derived(OTHER).material


@pytest.mark.parametrize("weak", ["tiny-k3y", "a" * 40, "changeme-0123456789-abcdefghijklmnop"])
def test_weak_secrets_are_refused_and_not_shown(weak):
    with pytest.raises(ConfigurationError) as caught:
        Keyring.from_secret(Secret(weak))
    assert weak not in str(caught.value)


def test_keys_do_not_show_themselves():
    key = active()
    assert key.material is not None
    shown = repr(key) + repr(Keyring([key]))
    assert key.material.hex() not in shown
    assert repr(key.material) not in shown
    assert key.id.hex() in repr(Keyring([key]))
    with pytest.raises(TypeError):
        pickle.dumps(Keyring([key]))


def test_rotation_leaves_the_former_key_to_decrypt():
    first, second = active(), DataKey.new(now=5.0)
    ring = Keyring([first])
    ring.add(second)
    assert ring.active.id == first.id
    ring.rotate(second)
    assert ring.active.id == second.id
    assert ring.active.created == 5.0
    assert ring.material(first.id) == first.material
    assert [key.state for key in ring.keys] == [KeyState.DECRYPT_ONLY, KeyState.ACTIVE]
    assert ring.version == 2


def test_a_destroyed_key_is_gone_and_its_id_never_taken_again():
    first, second = active(), DataKey.new()
    ring = Keyring([first, second])
    ring.destroy(second.id)
    assert ring.material(second.id) is None
    assert ring.material(b"none") is None
    with pytest.raises(ConfigurationError, match="twice"):
        ring.add(second)
    with pytest.raises(ConfigurationError, match="twice"):
        ring.rotate(second)


@pytest.mark.parametrize("which", ["active", "unknown"])
def test_only_a_key_that_does_not_encrypt_is_destroyed(which):
    key = active()
    ring = Keyring([key])
    with pytest.raises(ConfigurationError, match="rotate"):
        ring.destroy(key.id if which == "active" else b"none")


def test_a_ring_has_exactly_one_active_key():
    with pytest.raises(ConfigurationError, match="several"):
        Keyring([])
    with pytest.raises(ConfigurationError, match="several"):
        Keyring([active(), active()])
    key = active()
    with pytest.raises(ConfigurationError, match="twice"):
        Keyring([key, key])


def test_a_ring_is_bounded():
    keys = [DataKey(n.to_bytes(4, "big"), bytes(32)) for n in range(MAX_KEYS)]
    with pytest.raises(ConfigurationError, match="too large"):
        Keyring([*keys, active(DataKey(b"last", bytes(32)))])


@pytest.mark.parametrize(
    ("key_id", "material", "state"),
    [
        (b"abc", bytes(32), KeyState.ACTIVE),
        (b"abcd", bytes(16), KeyState.ACTIVE),
        (b"abcd", None, KeyState.ACTIVE),
        (b"abcd", bytes(32), KeyState.DESTROYED),
    ],
)
def test_malformed_keys_are_refused(key_id, material, state):
    with pytest.raises(ConfigurationError):
        DataKey(key_id, material, state)


def aged(count, state=KeyState.DESTROYED):
    return [
        DataKey((n + 10).to_bytes(4, "big"), bytes(32), created=float(n)).within(state)
        for n in range(count)
    ]


def test_destroyed_keys_take_no_place():
    """A ring that is rotated for years: the ids of its former keys would fill it."""
    active = DataKey.new(now=1e9).within(KeyState.ACTIVE)
    ring = Keyring([active, *aged(MAX_DESTROYED)])
    for number in range(3):
        fresh = DataKey.new(now=2e9 + number)
        former = ring.active
        ring.rotate(fresh)
        ring.destroy(former.id)
    gone = [key.created for key in ring.keys if key.state is KeyState.DESTROYED]
    assert len(gone) == MAX_DESTROYED
    assert min(gone) == 3.0
    with pytest.raises(ConfigurationError, match="too large"):
        Keyring([active, *aged(MAX_DESTROYED + 1)])


def test_what_may_be_forgotten_is_older_than_all_that_is_remembered():
    active = DataKey.new(now=1e9).within(KeyState.ACTIVE)
    ring = Keyring([active, *aged(MAX_DESTROYED + 1)[1:]])
    assert ring.may_lack(DataKey.new(now=0.5))
    assert not ring.may_lack(DataKey.new(now=5.5))
    assert not Keyring([active, *aged(5)]).may_lack(DataKey.new(now=-1.0))
