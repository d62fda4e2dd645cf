"""Coverage at a price that can be paid: what is traced, and how dearly.

Python 3.11 can only trace every call of every library, which makes each of them three to fifteen
times as slow. So it is the tests and their fixtures that are traced, and nothing between them; the
tracer rests in the tests of Hypothesis, and in those folders whose tests prove something other than
that lines ran; and it finds the greenlet it is in at C speed. What an import of the package runs
is traced once, by the process that hands out the tests.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pkgutil
import sys
import weakref
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import zenith

# What attackers and random input run, the tests of the parts run too, and those hold the bars: a
# line that only a test in here reaches is a gap. Browsers and fleets call servers, which measure
# themselves; so do examples and pages of the docs, which say how things are used. In the last two
# nothing of the package runs.
UNMEASURED = frozenset(
    {
        *("attacks", "properties", "browser", "scale", "examples", "docs"),
        *("services", "test_house.py"),
    }
)
# But these are where the last lines of their parts are tested.
MEASURED = frozenset(
    {
        "attacks/test_cors_origins.py",
        "attacks/test_log_leaks.py",
        "attacks/test_oauth_hostile_provider.py",
        "attacks/test_oauth_identity_tokens.py",
        "attacks/test_oauth_logout_tokens.py",
        "attacks/test_oauth_redirects.py",
        "attacks/test_oauth_state.py",
        "attacks/test_oauth_takeover.py",
        "attacks/test_object_level_access.py",
        "attacks/test_policy_confusion.py",
        "attacks/test_role_escalation.py",
        "properties/test_policy_agreement.py",
        "properties/test_policy_analysis.py",
    }
)
HERE = Path(__file__).resolve().parent
OURS = frozenset({"tests", "zenith"})
CHILDREN = "COVERAGE_PROCESS_CONFIG"
FINISHED = 64
GARBAGE = (20_000, 10, 10)
"""How much is made between two searches for garbage: an application makes more than the usual 700
many times over, and the searches took a twelfth of its tests.
"""


class Stacks(dict[Any, Any]):
    """Coverage's stack of calls for each greenlet.

    Its own choice, a `WeakKeyDictionary`, runs Python code at each call and each return there is.
    """

    def __setitem__(self, greenlet: Any, stack: Any) -> None:
        if len(self) > FINISHED:
            for each in [each for each in self if each.dead]:
                del self[each]
        super().__setitem__(greenlet, stack)


@contextlib.contextmanager
def fast_greenlets() -> Generator[None]:
    """A tracer that is started in here keeps its stacks in a plain dictionary."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weakref, "WeakKeyDictionary", Stacks)
        yield


def import_all() -> None:
    """What runs when a module is imported is measured here, not while tests are collected."""
    for module in pkgutil.walk_packages(zenith.__path__, "zenith."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)


class Tracer:
    """The tracer of this process, if there is one, and whether it rests."""

    def __init__(self) -> None:
        self._resting: Any = None
        self._wanted = False
        self._depth = 0

    def rest(self) -> None:
        """Trace nothing here; processes that are started measure themselves all the same."""
        if self._resting is None and (tracer := sys.gettrace()) is not None:
            sys.settrace(None)
            self._resting = tracer

    def go_on(self) -> None:
        """Trace again."""
        if self._resting is not None:
            sys.settrace(self._resting)
            self._resting = None

    def choose(self, item: pytest.Item) -> None:
        """Rest, and say whether `begin` is to trace for this test."""
        name = item.path.relative_to(HERE).as_posix() if item.path.is_relative_to(HERE) else ""
        in_general = name.partition("/")[0] not in UNMEASURED and not _is_random(item)
        self._wanted = name in MEASURED or in_general
        self._depth = 0
        self.rest()

    def begin(self) -> None:
        """Trace from here to the `end` that belongs to it."""
        self._depth += 1
        if self._wanted:
            self.go_on()

    def end(self) -> None:
        """Rest, where no other `begin` is open."""
        self._depth -= 1
        if not self._depth:
            self.rest()


def _is_random(item: pytest.Item) -> bool:
    """Whether Hypothesis chooses what runs: a bar must not depend on its luck."""
    return getattr(getattr(item, "obj", None), "is_hypothesis_test", False)


class Plugin:
    """The hooks: `config.pluginmanager.register(Plugin())`."""

    def __init__(self) -> None:
        self._tracer = Tracer()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None, Any, Any]:
        """Workers are started in here, untraced, and coverage of a worker."""
        config = os.environ.pop(CHILDREN, None)
        try:
            with fast_greenlets():
                return (yield)
        finally:
            if config is not None:
                os.environ[CHILDREN] = config

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Ten thousand tests are collected without a tracer and without looking for garbage."""
        if sys.gettrace() is not None and not hasattr(session.config, "workerinput"):
            import_all()
        self._tracer.rest()
        gc.disable()
        try:
            return (yield)
        finally:
            # What was collected stays: no later search for garbage needs to walk over it.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GARBAGE)
            gc.enable()
            self._tracer.go_on()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Each test is traced as its folder says."""
        self._tracer.choose(item)
        return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pyfunc_call(self) -> Generator[None, Any, Any]:
        """The test itself."""
        self._tracer.begin()
        try:
            return (yield)
        finally:
            self._tracer.end()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """A fixture of the tests, and later what undoes it: the last to be added is the first."""
        if fixturedef.func.__module__.partition(".")[0] not in OURS:
            return (yield)
        fixturedef.addfinalizer(self._tracer.end)
        self._tracer.begin()
        try:
            return (yield)
        finally:
            self._tracer.end()
            fixturedef.addfinalizer(self._tracer.begin)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        """What comes after the tests finds the tracer as it was."""
        try:
            return (yield)
        finally:
            self._tracer.go_on()
