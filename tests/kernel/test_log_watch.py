from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from functools import partial

import pytest

from zenith.kernel.log_redaction import RedactionFilter, every_handler
from zenith.kernel.log_watch import HandlerWatch


@pytest.fixture
def factory() -> Iterator[object]:
    before = logging.getLogRecordFactory()
    yield before
    logging.setLogRecordFactory(before)
    for handler in every_handler():
        for each in [each for each in handler.filters if isinstance(each, RedactionFilter)]:
            handler.removeFilter(each)


def test_a_handler_gets_the_filter_before_its_first_record(factory: object) -> None:
    found = RedactionFilter(is_lasting=False)
    watch = HandlerWatch(found)
    watch.start()
    stream, log = io.StringIO(), logging.getLogger("watched.below")
    handler = logging.StreamHandler(stream)
    logging.getLogger("watched").addHandler(handler)
    log.warning("token=%s", "hunter2")
    log.warning("token=%s", "hunter2")
    assert stream.getvalue() == "token=[redacted]\n" * 2
    assert handler.filters == [found]
    assert handler in watch.stop()
    assert logging.getLogRecordFactory() is factory
    logging.getLogger("watched").removeHandler(handler)


@pytest.mark.usefixtures("factory")
def test_records_of_nobody_and_of_loggers_by_another_way_are_made_as_ever() -> None:
    watch = HandlerWatch(RedactionFilter())
    watch.start()
    assert logging.makeLogRecord({"msg": "m"}).getMessage() == "m"
    apart = logging.Logger("apart")  # noqa: LOG001  # known to nobody else
    apart.addHandler(logging.NullHandler())
    apart.warning("x")
    assert apart.handlers[0].filters == []
    logging.getLogger().debug("x")
    logging.getLogger("alone").propagate = False
    logging.getLogger("alone").warning("x")
    logging.getLogger("alone").propagate = True
    watch.stop()


def test_those_that_have_stopped_leave_the_chain(factory: object) -> None:
    first, second, third = (HandlerWatch(RedactionFilter()) for _ in range(3))
    for each in (first, second, third):
        each.start()
    second.stop()
    assert logging.getLogRecordFactory() is third
    third.stop()
    assert logging.getLogRecordFactory() is first
    others = partial(first)
    logging.setLogRecordFactory(others)
    first.stop()
    assert logging.getLogRecordFactory() is others
    logging.getLogger("handed").warning("on")
    logging.setLogRecordFactory(first)
    third = HandlerWatch(RedactionFilter())
    third.start()
    third.stop()
    assert logging.getLogRecordFactory() is factory
