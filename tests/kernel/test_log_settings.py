from __future__ import annotations

import logging

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.log_redaction import RedactionFilter, add_filter, every_handler
from zenith.kernel.log_settings import LogSettings
from zenith.kernel.redaction import Redactor


def test_an_empty_name_is_refused():
    assert LogSettings(secret_names=("iban",)).secret_names == ("iban",)
    with pytest.raises(ConfigurationError, match="secret_names"):
        LogSettings(secret_names=("iban", " "))


def test_every_handler_is_found_once_with_what_stands_in(monkeypatch):
    handler = logging.NullHandler()
    for name in ("test.every.a", "test.every.b.c"):
        monkeypatch.setattr(logging.getLogger(name), "handlers", [handler])
    found = every_handler()
    assert found.count(handler) == 1
    assert logging.lastResort in found
    monkeypatch.setattr(logging, "lastResort", None)
    assert logging.lastResort not in every_handler()


def test_a_filter_that_knows_all_names_is_enough():
    handler = logging.NullHandler()
    few, more = (RedactionFilter(Redactor(names)) for names in (["iban"], ["iban", "Room"]))
    assert add_filter(few, [handler]) == [handler]
    assert add_filter(RedactionFilter(Redactor(["IBAN"])), [handler]) == []
    assert add_filter(more, [handler]) == [handler]
    assert handler.filters == [more, few]
    assert more.redactor.names == {"iban", "room"}


def test_a_filter_that_will_be_taken_off_is_not_enough():
    handler = logging.NullHandler()
    first, second = (RedactionFilter(Redactor(["iban"]), is_lasting=False) for _ in range(2))
    for each in (first, second):
        assert add_filter(each, [handler]) == [handler]
    handler.removeFilter(first)
    assert handler.filters == [second]
