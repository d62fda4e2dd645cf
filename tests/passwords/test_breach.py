from __future__ import annotations

import pytest

from zenith.passwords import BreachQuery

ANSWER = (
    "1D2DA4053E34E76F6576ED1DA63134B5E2A:2\r\n"
    "1E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n"
    "1E2AAA439972480CEC7F16C795BBB429372:0\r\n"
)


def test_only_a_prefix_leaves() -> None:
    query = BreachQuery.of("password")
    assert query.prefix == "5BAA6"
    assert query.suffix == "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
    assert query.suffix not in repr(query)


def test_the_count() -> None:
    assert BreachQuery.of("password").count_in(ANSWER) == 9545824
    assert BreachQuery.of("another").count_in(ANSWER) == 0


@pytest.mark.parametrize("line", ["{}:0", "{}", "{}:many", "{}:-1", "{}:٣", ""])
def test_padding_and_nonsense_count_for_nothing(line: str) -> None:
    query = BreachQuery.of("password")
    assert query.count_in(line.format(query.suffix)) == 0


def test_lower_case_answers() -> None:
    query = BreachQuery.of("password")
    assert query.count_in(f"{query.suffix.lower()}:7") == 7
