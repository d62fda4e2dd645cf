from __future__ import annotations

import io
import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import NamedTuple
from uuid import UUID

import pytest
import structlog
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from starlette.datastructures import QueryParams
from uvicorn.logging import AccessFormatter, DefaultFormatter

from zenith.kernel.log_redaction import (
    MAX_ITEMS,
    RedactionFilter,
    RedactionProcessor,
    Values,
    protect_logs,
)
from zenith.kernel.redaction import PLAIN, REDACTED
from zenith.kernel.sensitive import PII, Sensitive


def record(msg="m", *args, **more):
    made = logging.LogRecord("app", logging.INFO, __file__, 1, msg, args, None)
    for name, value in more.items():
        setattr(made, name, value)
    assert RedactionFilter().filter(made) is True
    return made


def test_a_clean_record_is_left_alone():
    made = record("%s is %d", "ada", 4)
    assert made.msg == "%s is %d"
    assert made.args == ("ada", 4)
    assert made.getMessage() == "ada is 4"


def test_objects_are_written_once():
    """What they say a second time may be another thing."""

    class Changing:
        said = 0

        def __str__(self):
            self.said += 1
            return "clean" if self.said == 1 else "password=hunter2"

    made = record("%s", Changing())
    assert made.args is None
    assert made.getMessage() == "clean"


def test_a_mapping_of_arguments_loses_its_secrets():
    made = record("%(user)s", {"user": "ada", "password": "hunter2"})
    assert made.getMessage() == "ada"
    assert "hunter2" not in repr(vars(made))


def test_what_is_formatted_stays_formatted():
    assert record("%5.1f|%r|%x", 1.25, None, 255).getMessage() == "  1.2|None|ff"
    assert record("%s", Decimal("1.10")).getMessage() == "1.10"
    assert record("100% of it").getMessage() == "100% of it"
    assert record("%s", b"x" * 20_000).getMessage().startswith("b'xxx")
    assert record(17).getMessage() == "17"


def test_the_server_s_access_log():
    """Its formatter takes five arguments apart."""
    formatter = AccessFormatter(
        '%(client_addr)s "%(request_line)s" %(status_code)s', use_colors=False
    )
    made = logging.LogRecord(
        *("uvicorn.access", logging.INFO, __file__, 1, '%s - "%s %s HTTP/%s" %d'),
        ("192.0.2.1:5", "GET", "/a?token=hunter2\x1b[0m&password:", "1.1", 200),
        None,
    )
    RedactionFilter().filter(made)
    line = formatter.format(made)
    assert "hunter2" not in line
    assert line.startswith('192.0.2.1:5 "GET /a?token=[redacted]')
    assert line.isprintable()


def test_the_server_s_coloured_messages():
    made = record("started %s", "x", color_message="started \x1b[1m%s\x1b[0m")
    assert DefaultFormatter("%(message)s", use_colors=True).format(made) == "started x"


def test_extras():
    class Person(BaseModel):
        email: Sensitive[str, PII]
        room: int = 4

    moment = datetime(2026, 1, 2, tzinfo=UTC)
    made = record(
        password="hunter2",
        moment=moment,
        key=UUID(int=1),
        path=PurePosixPath("/a\n"),
        body=b"\xffpassword=hunter2",
        headers=[("Cookie", "a=b"), (b"X-Api-Key", b"c"), ("Host", "d"), ("a", 1), "e"],
        person=Person(email="ada@example.org"),
        card=4111111111111111,
        big=10**50,
        large=10**13,
        ratio=0.5,
        pair={1: "x", ("a", "b"): "y"},
        kinds=frozenset({"z"}),
    )
    assert made.password == REDACTED
    assert made.moment is moment
    assert made.key == UUID(int=1)
    assert made.path == r"/a\n"
    assert made.body == r"\xffpassword=[redacted]"
    assert made.headers == [
        ("Cookie", REDACTED),
        ("X-Api-Key", REDACTED),
        ("Host", "d"),
        ("a", 1),
        "e",
    ]
    assert made.person == {"email": REDACTED, "room": 4}
    assert made.card == REDACTED
    assert made.big == "<int of 167 bits>"
    assert made.large == 10**13
    assert made.ratio == 0.5
    assert made.pair == {1: "x", "('a', 'b')": "y"}
    assert made.kinds == ["z"]


def test_values_are_bounded():
    values = Values(PLAIN)
    assert values.value([[[[[[["deep"]]]]]]]) == [[[[[["<list>"]]]]]]
    many = values.value({f"k{n}": n for n in range(MAX_ITEMS + 2)})
    assert isinstance(many, dict)
    assert many["..."] == "2 more"
    items = values.value(list(range(MAX_ITEMS + 2)))
    assert isinstance(items, list)
    assert items[-1] == "2 more"


def test_exceptions():
    try:
        raise ValueError("password=hunter2")
    except ValueError as error:
        info = sys.exc_info()
        for given in (info, True, error, (type(error), error, "no traceback")):
            made = record(exc_info=given, exc_text="ValueError: password=hunter2")
            assert made.exc_info is None
            assert "ValueError: password=[redacted]" in made.exc_text
    assert record(exc_info=(None, None, None)).exc_text is None
    assert record(exc_info=True).exc_text is None
    made = record(exc_text="Traceback:\n  x\nValueError: password=hunter2\x1b")
    assert made.exc_text == "Traceback:\n  x\nValueError: password=[redacted]"
    assert record(stack_info="Stack:\n  token=abc").stack_info == "Stack:\n  token=[redacted]"


def test_formatters_of_the_standard_library_see_the_safe_text():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.Logger("own")  # noqa: LOG001  # known to nobody else
    logger.addHandler(handler)
    found = protect_logs(logger)
    assert handler.filters == [found]
    protect_logs(logger)
    assert handler.filters == [found]
    try:
        raise ValueError("token=abc")
    except ValueError:
        logger.exception("failed for %s", "secret=x")
    assert "abc" not in stream.getvalue()
    assert stream.getvalue().startswith("failed for secret=[redacted]\nTraceback")


def test_all_handlers_of_the_root_logger(monkeypatch):
    handler = logging.StreamHandler(io.StringIO())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    assert protect_logs() in handler.filters


def test_nothing_to_protect():
    with pytest.raises(ValueError, match="configure logging first"):
        protect_logs(logging.Logger("own"))  # noqa: LOG001


def test_structlog_through_the_standard_library():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ]
        )
    )
    logger = logging.Logger("own")  # noqa: LOG001
    logger.addHandler(handler)
    protect_logs(logger)
    wrapped = structlog.wrap_logger(
        logger,
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    try:
        raise ValueError("token=abc")
    except ValueError:
        wrapped.info("in", password="hunter2", exc_info=True)
    assert "hunter2" not in stream.getvalue()
    assert "token=abc" not in stream.getvalue()
    assert "ValueError: token=[redacted]" in stream.getvalue()


def test_the_processor():
    process = RedactionProcessor()
    event = process(None, "info", {"event": "e", "exc_info": None, "stack": "a\n b", "_record": 1})
    assert event == {"event": "e", "stack": "a\n b", "_record": 1}
    assert process(None, "info", {"event": 4, "n": None}) == {"event": 4, "n": None}


@dataclass
class Place:
    parts: tuple[str, ...]

    def __str__(self):
        return ".".join(self.parts)


@dataclass
class Card(Place):
    number: Sensitive[str, PII] = "078-05-1120"

    def __str__(self):
        return self.number


def test_what_says_itself_how_it_is_shown_is_asked_unless_it_has_something_sensitive():
    assert record("%s", Place(("user", "name"))).getMessage() == "user.name"
    assert "hunter2" not in record("%s", Place(("password=hunter2",))).getMessage()
    assert "078" not in record("%s", Card(("a",))).getMessage()


def test_what_has_names_for_its_values_is_looked_at_by_them():
    """Rows of a database and named tuples would lose the names on the way into a text."""

    class Entered(NamedTuple):
        user: str
        password: str

    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        row = connection.execute(text("SELECT 'ada' AS user, 'hunter2' AS password")).one()
    engine.dispose()
    for each in (Entered("ada", "hunter2"), row):
        made = record("%s %r", each, [each], row=each)
        assert "hunter2" not in made.getMessage()
        assert "ada" in made.getMessage()
        assert made.row == {"user": "ada", "password": REDACTED}


def test_codes_in_queries():
    made = record("%s", QueryParams("code=hunter2&page=4"), status={"code": 404})
    assert made.getMessage() == f"{{'code': '{REDACTED}', 'page': '4'}}"
    assert made.status == {"code": 404}
