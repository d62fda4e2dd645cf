from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import marks_of
from zenith.transport import BodyLimit, TimeLimit, body_limit, time_limit


def test_marks():
    @body_limit(10)
    @time_limit(0.5)
    async def endpoint(): ...

    time, size = marks_of(endpoint)
    assert isinstance(time, TimeLimit)
    assert isinstance(size, BodyLimit)
    assert (time.seconds, size.size) == (0.5, 10)


def test_limits_that_are_none():
    with pytest.raises(ConfigurationError):
        body_limit(-1)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ConfigurationError):
            time_limit(seconds)
