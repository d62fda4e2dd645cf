from __future__ import annotations

import pytest

import zenith.kernel
import zenith.mfa
from zenith.kernel.lazy import loader


def test_a_name_is_looked_up_in_its_home_and_then_known():
    get = loader("zenith.kernel", {"loader": "lazy"})
    assert get("loader") is loader
    assert vars(zenith.kernel).pop("loader") is loader


def test_a_name_that_no_module_has_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'zenith.mfa' has no attribute 'nothing'"):
        zenith.mfa.nothing  # noqa: B018  reading it is the test
