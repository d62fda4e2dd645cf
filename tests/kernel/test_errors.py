from __future__ import annotations

import inspect

import pytest

from zenith.kernel import errors
from zenith.kernel.errors import (
    AuthenticationError,
    ConfigurationError,
    RateLimitError,
    SecurityError,
    ServiceUnavailableError,
    ValidationError,
    ZenithError,
    with_retry_after,
)

REFUSALS = {
    kind.code: kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, SecurityError)
}


def test_codes_and_statuses_are_a_promise():
    assert {code: kind.status for code, kind in REFUSALS.items()} == {
        "bad_request": 400,
        "conflict": 409,
        "csrf_failed": 403,
        "invalid": 422,
        "not_found": 404,
        "payload_too_large": 413,
        "permission_denied": 403,
        "rate_limited": 429,
        "refused": 403,
        "request_timeout": 408,
        "timeout": 504,
        "unauthenticated": 401,
        "unavailable": 503,
        "unknown_host": 421,
    }


def test_the_tree_in_the_docstring_is_the_tree():
    for kind in REFUSALS.values():
        if kind is not SecurityError:
            assert f"{kind.__name__} " in errors.__doc__
            line = next(
                line for line in errors.__doc__.splitlines() if f" {kind.__name__} " in line
            )
            assert line.endswith(str(kind.status))


def test_a_reason_stays_out_of_what_is_shown():
    error = AuthenticationError(reason="unknown account bob")
    assert (error.detail, str(error)) == ("Authentication required", "Authentication required")
    assert error.reason == "unknown account bob"
    assert dict(error.headers) == {}


def test_detail_and_headers():
    error = AuthenticationError("Token expired", headers={"WWW-Authenticate": "Bearer"})
    assert error.detail == str(error) == "Token expired"
    assert error.headers == {"WWW-Authenticate": "Bearer"}


def test_a_configuration_error_names_the_fix():
    assert str(ConfigurationError("broken")) == "broken"
    error = ConfigurationError("broken", fix="mend it")
    assert (error.problem, error.fix) == ("broken", "mend it")
    assert str(error) == "broken\n  fix: mend it"
    assert isinstance(error, ZenithError)
    assert not isinstance(error, SecurityError)


def test_validation_lists_its_faults():
    assert ValidationError("too short").errors == ["too short"]
    error = ValidationError(({"msg": "a"}, {"msg": "b"}), reason="r")
    assert error.errors == [{"msg": "a"}, {"msg": "b"}]
    assert error.detail == "{'msg': 'a'}; {'msg': 'b'}"


@pytest.mark.parametrize(
    ("seconds", "header"), [(0, "1"), (0.1, "1"), (1, "1"), (1.01, "2"), (59.5, "60"), (60, "60")]
)
def test_a_client_that_obeys_is_not_refused_again(seconds, header):
    assert with_retry_after(seconds, None) == {"Retry-After": header}
    limited = RateLimitError(retry_after=seconds, headers={"X": "y"}, reason="r")
    assert limited.headers == {"X": "y", "Retry-After": header}
    assert limited.retry_after == seconds
    assert ServiceUnavailableError(retry_after=seconds).headers == {"Retry-After": header}
