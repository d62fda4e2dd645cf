from __future__ import annotations

from tests.accounts.application import KEY
from zenith.accounts import KnownDevices, device_cookie_name
from zenith.kernel.keys import Secret

OLD = Secret("oJ4mQ8zPf2LkVb7NcXw5RtYs9HdGa3Ue6iTn1BpZvM0r")


def test_a_device_is_known_to_the_account_that_signed_in_there():
    devices = KnownDevices([KEY])
    value = devices.issue("ada@example.org")
    name = devices.recognise(value, "ada@example.org")
    assert name is not None
    assert name == devices.recognise(value, "ada@example.org")
    assert value.partition(".")[0] not in name
    assert devices.recognise(value, "bob@example.org") is None
    assert devices.recognise(devices.issue("ada@example.org"), "ada@example.org") != name


def test_forged_values_are_strangers():
    devices = KnownDevices([KEY])
    value = devices.issue("ada@example.org")
    for forged in ("", ".", "x", "x.", f"y{value}", value[:-1], "\ud800." + "x" * 500):
        assert devices.recognise(forged, "ada@example.org") is None


def test_former_secrets_still_recognise():
    value = KnownDevices([OLD]).issue("ada@example.org")
    assert KnownDevices([KEY, OLD]).recognise(value, "ada@example.org")
    assert KnownDevices([KEY]).recognise(value, "ada@example.org") is None


def test_the_cookie_has_the_prefix_where_it_is_secure():
    assert device_cookie_name(secure=True) == "__Host-zenith-device"
    assert device_cookie_name(secure=False) == "zenith-device"
