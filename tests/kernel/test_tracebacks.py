from __future__ import annotations

import sys

from zenith.kernel.redaction import PLAIN
from zenith.kernel.tracebacks import CAUSE, CONTEXT, MAX_CHAIN, MAX_FRAMES, redacted_traceback


def told(error):
    return redacted_traceback(error, PLAIN)


def raised(function):
    try:
        function()
    except (Exception, ExceptionGroup) as error:  # noqa: BLE001  # whatever it is
        return error
    raise AssertionError


def test_the_chain_is_told_as_python_tells_it():
    def fail():
        try:
            try:
                raise KeyError("one")
            except KeyError as error:
                raise ValueError("two") from error
        except ValueError:
            raise OSError("three")  # noqa: B904

    text = told(raised(fail))
    assert text.index("KeyError: 'one'") < text.index(CAUSE) < text.index("ValueError: two")
    assert text.index("ValueError: two") < text.index(CONTEXT) < text.index("OSError: three")
    assert text.count("Traceback (most recent call last):") == 3
    assert __file__ in text
    assert "in fail" in text


def test_a_suppressed_context_is_not_told():
    def fail():
        try:
            raise KeyError("one")
        except KeyError:
            raise ValueError("two") from None

    assert "KeyError" not in told(raised(fail))


def test_a_chain_that_closes_ends():
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert told(one).split("\n") == ["ValueError: two", "", CAUSE, "", "ValueError: one"]


def test_a_long_chain_is_cut():
    error = ValueError("last")
    for number in range(100):
        further = ValueError(f"n{number}")
        further.__cause__ = error
        error = further
    text = told(error)
    assert text.count("ValueError") == MAX_CHAIN
    assert text.startswith("...")


def test_groups_and_notes():
    group = ExceptionGroup("several", [TypeError("a"), ExceptionGroup("more", [OSError("b")])])
    group.add_note("note\nof several lines")
    text = told(group)
    assert r"  note\nof several lines" in text
    assert "  | TypeError: a" in text
    assert "  |   | OSError: b" in text
    assert "ExceptionGroup: several (2 sub-exceptions)" in text
    many = told(ExceptionGroup("many", [ValueError(str(n)) for n in range(50)]))
    assert f"  | ... {50 - MAX_CHAIN + 1} more" in many


def test_notes_that_are_none():
    error = ValueError("x")
    error.__notes__ = "password=a"
    assert told(error) == "ValueError: x"


def test_only_the_last_frames():
    def deeper(levels):
        if not levels:
            raise ValueError("deep")
        deeper(levels - 1)

    text = told(raised(lambda: deeper(MAX_FRAMES + 20)))
    assert "  ... 23 frames" in text
    assert text.count("in deeper") == MAX_FRAMES


def test_code_without_a_source():
    text = told(raised(lambda: exec(compile("1 / 0", "<a\nb>", "exec"))))  # noqa: S102
    assert r'File "<a\nb>", line 1, in <module>' in text
    assert text.endswith("ZeroDivisionError: division by zero")


def test_names_and_texts():
    class OddError(Exception):
        def __str__(self):
            raise RuntimeError("hunter2")

    text = told(OddError())
    assert text.startswith(
        f"{__name__}.test_names_and_texts.<locals>.OddError: <OddError that cannot be shown"
    )
    assert "hunter2" not in text
    assert told(ValueError()) == "ValueError"


def test_the_source_of_a_line_is_redacted_too():
    def fail():
        raise ValueError("password=hunter2")

    assert "hunter2" not in told(raised(fail))


def test_a_traceback_of_its_own():
    error = raised(lambda: 1 / 0)
    trace, error.__traceback__ = error.__traceback__, None
    assert "Traceback" not in told(error)
    assert "Traceback" in redacted_traceback(error, PLAIN, trace)
    assert sys.exc_info() == (None, None, None)


def test_notes_are_read_without_running_code():
    class HostileError(ValueError):
        @property
        def __notes__(self):
            raise RuntimeError("hunter2")

    assert told(HostileError("said")).endswith("HostileError: said")
