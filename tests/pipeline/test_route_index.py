"""What the index may take for granted of a route's pattern."""

from __future__ import annotations

import re

import pytest
from starlette.routing import compile_path

from zenith.pipeline.route_index import RouteIndex
from zenith.pipeline.routes import RouteEntry


def entry(path, regex):
    return RouteEntry(
        kind="http",
        path=path,
        methods=frozenset({"GET"}),
        endpoint=None,
        marks=(),
        order=0,
        regex=regex,
    )


def index_of(path, regex):
    """An index with this entry behind one that serves something else."""
    other = entry("/other/{name}", compile_path("/other/{name}")[0])
    return RouteIndex([other, entry(path, regex)], prefix="")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/plain",
        "/a.b+c/(d)",
        "/items/{item}",
        "/items/{item_id:int}/parts/{part:uuid}",
        "/files/{rest:path}",
        "/pre{a}post/{b:float}.txt",
    ],
)
def test_the_framework_s_own_patterns_are_known(path):
    index = index_of(path, compile_path(path)[0])
    assert [each.path for each in index.candidates("/elsewhere/x")] == (
        [path] if path.startswith(("/pre", "/{")) else []
    )


@pytest.mark.parametrize(
    ("path", "regex"),
    [
        ("/items/{item}", re.compile("^/items/(?P<item>[^/]+)$|^/elsewhere/x$")),
        ("/items/{item}", re.compile("^/items/(?P<item>[^/]+)$", re.IGNORECASE)),
        ("/items/{item:unheard}", re.compile("^/elsewhere/x$")),
        ("/items", re.compile("^/(items|elsewhere/x)$")),
        ("/items", None),
    ],
)
def test_other_patterns_are_asked_for_every_path(path, regex):
    assert [each.path for each in index_of(path, regex).candidates("/elsewhere/x")] == [path]
