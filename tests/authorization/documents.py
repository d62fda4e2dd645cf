"""Documents of two people, a small policy over them, and applications that serve them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from tests.authorization.people import protect
from tests.pipeline.asgi import Answer, make_scope
from zenith.authorization import ALLOW, Decision, require_policy
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal

ALICE = Principal(subject="alice", permissions=Permissions(["documents:write:own"]))
BOB = Principal(subject="bob", permissions=Permissions(["documents:write:own"]))
EDITOR = Principal(subject="ed", permissions=Permissions(["documents:write"]))
READER = Principal(subject="reader")
CONCEALED = {"title": "Not found", "status": 404}


@dataclass
class Document:
    id: int
    owner_id: Any
    title: str = ""
    public: bool = False


class Documents:
    """Owners may do all; anybody may read what is public."""

    name = "documents"

    def __init__(self):
        self.asked = []

    async def authorize(self, principal, action, resource, context):
        self.asked.append((principal.subject, action, resource, context))
        if resource is None:
            allowed = principal.subject == "alice"
        else:
            allowed = resource.owner_id == principal.subject and bool(principal.subject)
            allowed = allowed or (action == "read" and resource.public)
        if allowed:
            return ALLOW
        return Decision(allowed=False, detail="Not yours", reason=f"{action}: not the owner")


def store():
    return {
        1: Document(1, "alice", "of alice"),
        2: Document(2, "bob", "of bob"),
        3: Document(3, "bob", "public", public=True),
    }


class Application:
    """A FastAPI application with documents, and what was loaded and received in it."""

    def __init__(self, *, policy=None, app=None):
        self.policy = policy or Documents()
        self.documents = store()
        self.loads = []
        self.app = app or FastAPI(openapi_url=None)

        async def load_document(document_id: int) -> Document | None:
            self.loads.append(document_id)
            return self.documents.get(document_id)

        self.load = load_document

    def access(self, action="read", **options):
        return require_policy(self.policy, action, resource=self.load, **options)

    def parameter(self, action="read", **options):
        return Annotated[Document, Depends(self.access(action, **options))]

    async def ask(self, principal, method="GET", path="/documents/1", body=b"{}", **options):
        return await call(protect(self.app, principal, **options), method, path, body)


class Asked(Answer):
    """An answer, and how often the body was asked for."""

    def __init__(self):
        super().__init__()
        self.received = 0


async def call(app, method="GET", path="/documents/1", body=b"{}", **scope):
    answer = Asked()
    json = (("content-type", "application/json"),)

    async def receive():
        answer.received += 1
        if answer.received > 1:
            await asyncio.Event().wait()  # a client that waits for its answer
        return {"type": "http.request", "body": body, "more_body": False}

    await app(
        make_scope(method, path, headers=scope.pop("headers", json), **scope), receive, answer.send
    )
    return answer
