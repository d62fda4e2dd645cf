from __future__ import annotations

import pytest

from zenith.console.moments import DAY, HOUR, MINUTE, ago, moment

NOW = 1_800_000_000.0


def test_moments_name_their_zone():
    assert moment(NOW) == "15 Jan 2027, 08:00 UTC"
    assert moment(None) == "never"


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (-5, "just now"),
        (0, "just now"),
        (MINUTE - 1, "just now"),
        (MINUTE, "1 minute ago"),
        (2 * MINUTE, "2 minutes ago"),
        (HOUR - 1, "59 minutes ago"),
        (HOUR, "1 hour ago"),
        (DAY - 1, "23 hours ago"),
        (DAY, "1 day ago"),
        (30 * DAY - 1, "29 days ago"),
        (30 * DAY, "16 Dec 2026"),
    ],
)
def test_how_long_ago(passed, said):
    text = ago(NOW - passed, NOW)
    assert f">{said}</time>" in text
    assert f'title="{moment(NOW - passed)}"' in text


def test_what_never_was_has_no_time():
    assert ago(None, NOW) == "never"
