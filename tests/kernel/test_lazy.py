from __future__ import annotations

import gc

import pytest

import zenith.kernel
import zenith.mfa
from zenith.kernel import lazy
from zenith.kernel.lazy import load, loader


def test_a_name_is_looked_up_in_its_home_and_then_known():
    get = loader("zenith.kernel", {"loader": "lazy"})
    assert get("loader") is loader
    assert vars(zenith.kernel).pop("loader") is loader


def test_a_name_that_no_module_has_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'zenith.mfa' has no attribute 'nothing'"):
        zenith.mfa.nothing  # noqa: B018  reading it is the test


def test_threads_that_load_at_once_leave_the_collector_on(monkeypatch):
    is_on = gc.isenabled

    def looked():
        # Another thread, which has stopped it, ends between this look and what follows from it.
        seen = is_on()
        gc.enable()
        return seen

    gc.disable()
    monkeypatch.setattr(gc, "isenabled", looked)
    try:
        load("zenith.kernel.lazy")
        assert is_on()
    finally:
        gc.enable()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        assert load("zenith.kernel.lazy") is lazy
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_name_that_a_module_bears_too_is_refused():
    with pytest.raises(ValueError, match="page"):
        loader("zenith.shown", {"page": "page.parts", "other": "elsewhere"})
