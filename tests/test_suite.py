"""What makes the suite fast changes nothing that a test could see."""

from __future__ import annotations

import os
import shutil
import sys
from types import SimpleNamespace

import fastapi.routing
import pytest
from sqlalchemy import text

from tests.measure import HERE, MEASURED, Plugin, Stacks, Tracer
from tests.start import OBJECTS, Schema
from tools import suite
from zenith.accounts import auth_router
from zenith.accounts.routes import Credentials
from zenith.stores import foundation
from zenith.stores.sql import Database, current, upgrade


def trace(frame, event, arg):
    return None


def item(path, **obj):
    return SimpleNamespace(path=HERE / path, obj=SimpleNamespace(**obj))


async def schema_of(url, make):
    async with Database(url) as database:
        revisions = await make(database)
        async with database.transaction() as connection:
            made = (await connection.execute(text(OBJECTS))).all()
        return revisions, sorted(made), await current(database)


async def test_a_kept_schema_is_the_one_that_the_changes_make(tmp_path):
    kept = Schema()
    first = await schema_of(f"sqlite:///{tmp_path / 'first.db'}", kept.upgrade)
    second = await schema_of(f"sqlite:///{tmp_path / 'second.db'}", kept.upgrade)
    assert first == second == await schema_of(f"sqlite:///{tmp_path / 'third.db'}", upgrade)
    async with Database(f"sqlite:///{tmp_path / 'second.db'}") as database:
        assert await kept.upgrade(database) == []


async def test_a_file_that_holds_something_takes_the_long_way(tmp_path):
    kept = Schema()
    await schema_of(f"sqlite:///{tmp_path / 'first.db'}", kept.upgrade)
    url = f"sqlite:///{tmp_path / 'second.db'}"
    async with Database(url) as database, database.transaction() as connection:
        await connection.execute(text("CREATE TABLE theirs (n INTEGER)"))
    revisions, made, _ = await schema_of(url, kept.upgrade)
    assert revisions
    assert ("CREATE TABLE theirs (n INTEGER)",) in made


def test_applications_here_start_with_the_kept_schema():
    assert foundation.upgrade.__func__ is Schema.upgrade


def test_who_changes_what_was_read_of_a_handler_changes_it_alone():
    endpoint = auth_router().routes[0].endpoint
    first, second = (fastapi.routing.get_dependant(path="/x", call=endpoint) for _ in range(2))
    assert first == second
    first.call = trace
    first.dependencies.append(second)
    assert second.call is endpoint
    assert second not in second.dependencies
    assert second == fastapi.routing.get_dependant(path="/x", call=endpoint)


def test_an_answer_is_compiled_once_for_each_name_and_type():
    make = fastapi.routing.create_model_field
    first, second, other, theirs = (
        make(name=name, type_=type_, mode="serialization")
        for name, type_ in (
            ("a", list[Credentials]),
            ("a", list[Credentials]),
            ("b", Credentials),
            ("a", list[int]),
        )
    )
    assert first is second
    assert (other.name, other.field_info.annotation) == ("b", Credentials)
    assert theirs.field_info.annotation == list[int]
    assert theirs is not make(name="a", type_=list[int], mode="serialization")


@pytest.fixture
def traced():
    before = sys.gettrace()
    sys.settrace(trace)
    yield
    sys.settrace(before)


def test_the_tracer_rests_where_no_bar_is_held(traced):
    tracer = Tracer()
    seen = []
    for each in (
        item("kernel/test_keys.py"),
        item("attacks/test_csrf.py"),
        item("attacks/test_csrf.py"),
        item("kernel/test_keys.py", is_hypothesis_test=True),
        item("../docs/page.md"),
        *(item(name, is_hypothesis_test=True) for name in MEASURED),
    ):
        tracer.choose(each)
        between = sys.gettrace()
        tracer.begin()
        seen.append((between, sys.gettrace()))
        tracer.end()
    assert [test for _, test in seen] == [trace, None, None, None, trace, *[trace] * len(MEASURED)]
    assert {between for between, _ in seen} == {None}
    assert all((HERE / name).is_file() for name in MEASURED)


class Definition:
    """A definition of a fixture, as far as its functions and what undoes it go."""

    def __init__(self, function):
        self.func = function
        self.undone_by = []

    def addfinalizer(self, function):
        self.undone_by.append(function)

    def finish(self):
        while self.undone_by:
            self.undone_by.pop()()


def theirs():
    return None


theirs.__module__ = "_pytest.tmpdir"


def run(hook, inside):
    next(hook)
    inside()
    with pytest.raises(StopIteration):
        hook.send(None)


def test_tests_and_their_fixtures_are_traced_and_nothing_between(traced):
    plugin, inner, outer = Plugin(), Definition(item), Definition(item)
    seen = []

    def look():
        seen.append(sys.gettrace())

    def set_up(definition, inside):
        def made():
            inside()
            definition.addfinalizer(look)

        run(plugin.pytest_fixture_setup(definition), made)

    def test():
        set_up(outer, lambda: (set_up(inner, look), look()))
        look()
        set_up(Definition(theirs), look)
        run(plugin.pytest_pyfunc_call(), look)
        look()
        inner.finish()
        outer.finish()
        look()

    run(plugin.pytest_runtest_protocol(item("kernel/test_keys.py")), test)
    assert seen == [trace, trace, None, None, trace, None, trace, trace, None]


def test_what_undoes_a_fixture_that_failed_is_traced_too(traced):
    plugin, definition = Plugin(), Definition(item)
    seen = []

    def fail():
        hook = plugin.pytest_fixture_setup(definition)
        next(hook)
        definition.addfinalizer(lambda: seen.append(sys.gettrace()))
        with pytest.raises(ZeroDivisionError):
            hook.throw(ZeroDivisionError())
        seen.append(sys.gettrace())
        definition.finish()
        seen.append(sys.gettrace())

    run(plugin.pytest_runtest_protocol(item("kernel/test_keys.py")), fail)
    assert seen == [None, trace, None]


def test_without_a_tracer_nothing_begins_to_trace():
    before = sys.gettrace()
    sys.settrace(None)
    try:
        tracer = Tracer()
        tracer.rest()
        tracer.go_on()
        found = sys.gettrace()
    finally:
        sys.settrace(before)
    assert found is None


def test_stacks_of_greenlets_that_ended_are_let_go():
    stacks = Stacks()
    for number in range(1000):
        stacks[SimpleGreenlet(dead=number != 500)] = number
    assert len(stacks) < 100
    assert 500 in stacks.values()


class SimpleGreenlet:
    def __init__(self, *, dead):
        self.dead = dead


@pytest.mark.parametrize(("free", "is_used"), [(suite.ROOM, True), (suite.ROOM - 1, False)])
def test_folders_are_in_memory_where_there_is_room(monkeypatch, tmp_path, free, is_used):
    monkeypatch.delenv(suite.FOLDERS, raising=False)
    monkeypatch.setattr(suite, "MEMORY", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with suite.folders_in_memory():
        made = [str(each) for each in tmp_path.iterdir()]
        assert made == ([os.environ[suite.FOLDERS]] if is_used else [])
    assert suite.FOLDERS not in os.environ
    assert not [*tmp_path.iterdir()]
