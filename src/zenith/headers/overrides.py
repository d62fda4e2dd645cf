"""What one route's responses carry instead of the application's defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypedDict, TypeVar, Unpack

from zenith.headers.csp import ContentSecurityPolicy
from zenith.headers.permissions_policy import Features
from zenith.headers.settings import (
    EmbedderPolicy,
    HeadersSettings,
    OpenerPolicy,
    ReferrerPolicy,
    ResourcePolicy,
)
from zenith.pipeline.marks import Mark, add_mark

T = TypeVar("T")


class Changes(TypedDict, total=False):
    """The settings that a route may change; see HeadersSettings for each."""

    policy: ContentSecurityPolicy
    report_only_policy: ContentSecurityPolicy | None
    referrer_policy: ReferrerPolicy
    permissions: Features
    opener_policy: OpenerPolicy
    resource_policy: ResourcePolicy
    embedder_policy: EmbedderPolicy | None


class HeadersOverride(Mark):
    """Changes to the headers of one route, checked where they are written down."""

    __slots__ = ("changes",)

    def __init__(self, **changes: Unpack[Changes]) -> None:
        HeadersSettings(**changes)
        self.changes: Final = changes


def response_headers(**changes: Unpack[Changes]) -> Callable[[T], T]:
    """Change the headers of one route: `@response_headers(resource_policy="cross-origin")`.

    Threat: a default that one page needs loosened gets loosened for all; and a header set in
    passing by a handler is seen by no reviewer. A mark stands where the route is declared, and the
    start is refused where no guard would honour it. Several marks add up, the outermost counting.
    Raises ConfigurationError as HeadersSettings does.
    """
    mark = HeadersOverride(**changes)
    return lambda target: add_mark(target, mark)


def csp(
    policy: ContentSecurityPolicy, *, report_only: ContentSecurityPolicy | None = None
) -> Callable[[T], T]:
    """Give one route a Content-Security-Policy of its own, in place of the application's.

    `report_only` is a second one that only reports; without it the route has none.
    """
    return response_headers(policy=policy, report_only_policy=report_only)
