from __future__ import annotations

import pytest

from zenith.audit import refusals
from zenith.audit.refusals import RefusalTally, kind_of, weight_of
from zenith.content.errors import UploadRefusedError, UploadTypeError
from zenith.kernel.errors import (
    AuthenticationError,
    BadRequestError,
    CsrfError,
    MisdirectedRequestError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    SecurityError,
    ServiceUnavailableError,
)
from zenith.kernel.events import EventType

LIMITED = EventType.RATE_LIMITED
DENIED = EventType.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("status", "failure", "presented", "kind"),
    [
        (403, PermissionDeniedError(), False, EventType.PERMISSION_DENIED),
        (403, None, False, EventType.PERMISSION_DENIED),
        (403, CsrfError(), False, EventType.CSRF_REFUSED),
        (401, AuthenticationError(), True, EventType.AUTHENTICATION_FAILED),
        (401, AuthenticationError(), False, None),
        (401, None, True, EventType.AUTHENTICATION_FAILED),
        (429, RateLimitError(retry_after=1), False, EventType.RATE_LIMITED),
        (429, None, False, EventType.RATE_LIMITED),
        (400, BadRequestError(), False, EventType.REQUEST_REFUSED),
        (400, None, False, None),
        (400, AuthenticationError(), True, None),
        (413, PayloadTooLargeError(), False, EventType.REQUEST_REFUSED),
        (421, MisdirectedRequestError(), False, EventType.REQUEST_REFUSED),
        (422, None, False, EventType.INPUT_REFUSED),
        (422, UploadRefusedError(), False, EventType.UPLOAD_REFUSED),
        (415, UploadTypeError(), False, EventType.UPLOAD_REFUSED),
        (404, None, True, None),
        (404, AuthenticationError(), True, None),
        (500, None, False, EventType.UNHANDLED_ERROR),
        (500, AuthenticationError(), True, EventType.UNHANDLED_ERROR),
        (503, ServiceUnavailableError(), False, EventType.UNHANDLED_ERROR),
        (503, None, False, None),
    ],
)
def test_which_responses_are_events(
    status: int, failure: SecurityError | None, kind: EventType | None, *, presented: bool
) -> None:
    assert kind_of(status, failure, presented=presented) is kind


def test_weights() -> None:
    assert weight_of(EventType.UNHANDLED_ERROR) == ("error", "ERROR")
    assert weight_of(EventType.AUTHENTICATION_FAILED) == ("failure", "WARNING")
    assert weight_of(EventType.CSRF_REFUSED) == ("denied", "WARNING")
    assert weight_of(EventType.INPUT_REFUSED) == ("denied", "INFO")
    assert weight_of(EventType.ACCESS_GRANTED) == ("success", "INFO")


def test_each_client_has_so_many_and_the_rest_is_counted() -> None:
    tally = RefusalTally(per_client=2, in_all=100)
    assert [tally.admit("a", LIMITED) for _ in range(5)] == [True, True, False, False, False]
    assert tally.admit("b", DENIED)
    assert not tally.admit("a", DENIED)
    assert tally.close() == [("a", {LIMITED: 3, DENIED: 1})]
    assert tally.close() == []
    assert tally.admit("a", LIMITED)


def test_all_together_have_so_many() -> None:
    tally = RefusalTally(per_client=10, in_all=3)
    assert [tally.admit(name, DENIED) for name in "abcde"] == [True, True, True, False, False]
    assert dict(tally.close()) == {"d": {DENIED: 1}, "e": {DENIED: 1}}
    assert tally.admit("d", DENIED)


def test_clients_beyond_the_bound_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_CLIENTS", 2)
    tally = RefusalTally(per_client=1, in_all=100)
    assert [tally.admit(name, DENIED) for name in "abcde"] == [True, True, True, False, False]
    assert len(tally._clients) == 3
    assert tally.close() == [("others", {DENIED: 2})]


def test_summaries_are_bounded_and_name_the_busiest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_SUMMARIES", 1)
    tally = RefusalTally(per_client=1, in_all=100)
    for client, times in (("a", 3), ("b", 9), ("c", 2)):
        for _ in range(times):
            tally.admit(client, DENIED)
    assert tally.close() == [("b", {DENIED: 8}), ("others", {DENIED: 3})]
