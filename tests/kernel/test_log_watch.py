from __future__ import annotations

import gc
import io
import logging
from collections.abc import Iterator
from functools import partial

import pytest

from zenith.kernel.log_redaction import RedactionFilter, every_handler
from zenith.kernel.log_watch import HandlerWatch


@pytest.fixture
def factory() -> Iterator[object]:
    """As in a program that nobody else has set up."""
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    yield logging.LogRecord
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


def test_one_factory_asks_all_and_goes_with_the_last(factory: object) -> None:
    watches = [HandlerWatch(RedactionFilter()) for _ in range(3)]
    for each in watches:
        each.start()
    shared = logging.getLogRecordFactory()
    for each in (watches[1], watches[2]):
        each.stop()
        assert logging.getLogRecordFactory() is shared
    watches[0].stop()
    assert logging.getLogRecordFactory() is factory
    assert HandlerWatch(RedactionFilter()).stop() == [], "one that was never started"


def test_behind_a_factory_of_others_it_hands_on(factory: object) -> None:
    first, second = (HandlerWatch(RedactionFilter(is_lasting=False)) for _ in range(2))
    first.start()
    others = partial(logging.getLogRecordFactory())
    logging.setLogRecordFactory(others)
    second.start()
    log, handler = logging.getLogger("handed"), logging.NullHandler()
    log.addHandler(handler)
    log.warning("on")
    assert handler in second.stop()
    assert logging.getLogRecordFactory() is others
    assert first.stop() == [handler] or handler in first.stop()
    assert logging.getLogRecordFactory() is others
    log.warning("on")
    log.removeHandler(handler)


def test_applications_that_were_never_stopped_are_forgotten(factory: object) -> None:
    """As many tests make them; a chain of their factories would end every record."""
    for _ in range(2_000):
        HandlerWatch(RedactionFilter()).start()
    gone, last = HandlerWatch(RedactionFilter()), HandlerWatch(RedactionFilter())
    gone.start()
    last.start()
    del gone
    gc.collect()
    logging.getLogger("after").warning("many")
    last.stop()
    assert logging.getLogRecordFactory() is factory
