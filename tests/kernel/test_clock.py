from __future__ import annotations

from zenith.kernel.clock import steady_clock, wall_clock


def test_one_clock_tells_the_date_and_one_never_goes_back():
    assert wall_clock() > 1_700_000_000
    assert steady_clock() <= steady_clock()
