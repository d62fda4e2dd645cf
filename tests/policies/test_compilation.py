from __future__ import annotations

import pytest

from zenith.policies import All, Any_, Comparison, Literal, Not, Reference
from zenith.policies.compilation import compile_condition

TRUE, FALSE, UNKNOWN = (
    Comparison("equals", Reference("resource", (name,)), Literal(1)) for name in "tfu"
)
FACTS = (None, {"t": 1, "f": 2}, {}, "read")


@pytest.mark.parametrize(
    ("conditions", "every", "some"),
    [
        ((), True, False),
        ((TRUE, TRUE), True, True),
        ((TRUE, FALSE), False, True),
        ((TRUE, UNKNOWN), None, True),
        ((UNKNOWN, TRUE), None, True),
        ((FALSE, FALSE), False, False),
        ((FALSE, UNKNOWN), False, None),
        ((UNKNOWN, FALSE), False, None),
        ((UNKNOWN, UNKNOWN), None, None),
    ],
)
def test_kleenes_tables(conditions, every, some):
    for group, wanted in ((All(conditions), every), (Any_(conditions), some)):
        assert compile_condition(group)(FACTS) is wanted
        opposite = None if wanted is None else not wanted
        assert compile_condition(Not(group))(FACTS) is opposite
