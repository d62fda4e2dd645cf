from __future__ import annotations

from dataclasses import replace

from tests.accounts.application import KEY
from tests.accounts.fakes import Time
from zenith.accounts import Account, KnownDevices, device_cookie_name
from zenith.accounts.devices import LIFETIME
from zenith.kernel.keys import Secret

OLD = Secret("oJ4mQ8zPf2LkVb7NcXw5RtYs9HdGa3Ue6iTn1BpZvM0r")
ADA = Account(id="a", email="", email_key="ada@example.org", created_at=1.0, password_changed_at=5)
BOB = replace(ADA, id="b", email_key="bob@example.org")


def test_a_device_is_known_to_the_account_that_signed_in_there():
    devices = KnownDevices([KEY])
    value = devices.issue(ADA)
    name = devices.recognise(value, ADA)
    assert name is not None
    assert name == devices.recognise(value, ADA)
    assert value.partition(".")[0] not in name
    assert devices.recognise(value, BOB) is None
    assert devices.recognise(value, None) is None
    assert devices.recognise(devices.issue(ADA), ADA) != name


def test_forged_values_are_strangers():
    devices = KnownDevices([KEY])
    value = devices.issue(ADA)
    device, issued, mac = value.split(".")
    later = f"{device}.{int(issued) + 1}.{mac}"
    unlike = (f"y{value}", value[:-1], f"{value}.", f"{value}\n", later)
    for forged in ("", ".", "x", "x.", "\ud800." + "x" * 500, *unlike):
        assert devices.recognise(forged, ADA) is None


def test_former_secrets_still_recognise():
    value = KnownDevices([OLD]).issue(ADA)
    assert KnownDevices([KEY, OLD]).recognise(value, ADA)
    assert KnownDevices([KEY]).recognise(value, ADA) is None


def test_a_device_is_known_for_half_a_year_by_our_clock():
    time = Time()
    devices = KnownDevices([KEY], clock=time)
    value = devices.issue(ADA)
    time.now += LIFETIME - 2
    assert devices.recognise(value, ADA)
    time.now += 4
    assert devices.recognise(value, ADA) is None


def test_a_device_from_the_future_is_a_stranger():
    time = Time()
    devices = KnownDevices([KEY], clock=time)
    value = devices.issue(ADA)
    time.now -= 3600
    assert devices.recognise(value, ADA) is None


def test_a_change_of_the_password_forgets_all_devices():
    devices = KnownDevices([KEY])
    value = devices.issue(ADA)
    assert devices.recognise(value, replace(ADA, password_changed_at=6)) is None
    assert devices.recognise(value, replace(ADA, password_hash="rehashed")) is not None


def test_the_cookie_has_the_prefix_where_it_is_secure():
    assert device_cookie_name(secure=True) == "__Host-zenith-device"
    assert device_cookie_name(secure=False) == "zenith-device"
