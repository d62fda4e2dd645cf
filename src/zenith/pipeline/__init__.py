"""The one ASGI middleware, and what guards are made of."""

from zenith.pipeline.direct import DirectCall, fail
from zenith.pipeline.dispatch import RouteDispatch
from zenith.pipeline.enforced import EnforcedMark
from zenith.pipeline.exchange import (
    EXCHANGE_KEY,
    ASGIApp,
    Exchange,
    Message,
    Receive,
    Scope,
    Send,
    current_exchange,
    exchange_of,
    running_exchange,
)
from zenith.pipeline.guard import Guard
from zenith.pipeline.heads import Head, Heads
from zenith.pipeline.marks import Mark, add_mark, declare_enforced, enforced_marks, marks_of
from zenith.pipeline.middleware import SecurityMiddleware
from zenith.pipeline.refusal import PageStyle, ProblemResponse, SignInPage, respond
from zenith.pipeline.routes import RouteEntry, RouteTable
from zenith.pipeline.stage import Stage

__all__ = [
    "EXCHANGE_KEY",
    "ASGIApp",
    "DirectCall",
    "EnforcedMark",
    "Exchange",
    "Guard",
    "Head",
    "Heads",
    "Mark",
    "Message",
    "PageStyle",
    "ProblemResponse",
    "Receive",
    "RouteDispatch",
    "RouteEntry",
    "RouteTable",
    "Scope",
    "SecurityMiddleware",
    "Send",
    "SignInPage",
    "Stage",
    "add_mark",
    "current_exchange",
    "declare_enforced",
    "enforced_marks",
    "exchange_of",
    "fail",
    "marks_of",
    "respond",
    "running_exchange",
]
