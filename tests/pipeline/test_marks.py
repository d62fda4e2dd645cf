from __future__ import annotations

from zenith.pipeline import Mark, add_mark, declare_enforced, enforced_marks, marks_of


def test_marks_add_up_in_order():
    def endpoint(): ...

    first, second = Mark(), Mark()
    assert add_mark(endpoint, first) is endpoint
    add_mark(endpoint, second)
    assert marks_of(endpoint) == (first, second)
    assert marks_of(None) == enforced_marks(None) == ()


def test_what_enforces_itself_says_so():
    def endpoint(): ...

    mark = Mark()
    assert declare_enforced(endpoint, mark) is endpoint
    assert enforced_marks(endpoint) == (mark,)
    assert marks_of(endpoint) == ()
