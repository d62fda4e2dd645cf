"""Shared documents: who may what is said by roles, by `policy.yaml`, and by both together.

uvicorn examples.documents.app:app
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict
from sqlmodel import Field

from zenith import (
    CurrentUser,
    Depends,
    Request,
    Settings,
    Zenith,
    authenticated,
    require_permission,
    require_policy,
)
from zenith.authorization import allowed, masked
from zenith.policies import load_policies
from zenith.query import Page, Versioned
from zenith.tenants import TenantModel, TenantSettings

app = Zenith(settings=replace(Settings.from_env(), tenants=TenantSettings()))
app.add_auth()

(policy,) = load_policies(Path(__file__).with_name("policy.yaml"))


class Document(TenantModel, Versioned, table=True):
    """What a company keeps. A company sees its own documents only."""

    __tablename__ = "store_documents"
    __writable__: ClassVar = {"title", "text", "department", "salary"}
    __filterable__: ClassVar = {"department": {"eq"}, "title": {"eq", "contains"}}
    __sortable__: ClassVar = {"id", "title"}

    id: int | None = Field(default=None, primary_key=True)
    owner_id: str = Field(max_length=64, index=True)
    department: str = Field(max_length=20, index=True)
    title: str = Field(max_length=200)
    text: str = ""
    salary: int | None = None
    public: bool = False
    locked: bool = False


class NewDocument(BaseModel):
    """What somebody writes."""

    model_config = ConfigDict(extra="forbid")
    title: str
    text: str = ""
    department: Literal["finance", "people"]
    salary: int | None = None


async def load_document(document_id: int) -> Document | None:
    """The object that a path names, for the declarations below."""
    return await Document.get(document_id)


# Roles


@app.post("/documents", status_code=201)
@require_permission("documents:create")
async def create(document: NewDocument, user: CurrentUser) -> Document:
    return await Document.create({"owner_id": user.id}, **document.model_dump())


@app.get("/numbers")
@require_permission("documents:manage")
async def numbers() -> dict[str, int]:
    return {"documents": await Document.where().count()}


# Policy


@app.get("/documents/{document_id}")
@authenticated
@require_policy(policy, "read", resource=load_document)
@masked(policy)
async def read(document: Document) -> Document:
    return document


Readable = Annotated[Any, Depends(allowed(policy, "read", Document))]


@app.get("/documents")
@require_permission("documents:read")
@masked(policy, Document)
async def listing(
    request: Request,
    readable: Readable,
    sort: str = "title",
    after: str | None = None,
    size: int = 20,
) -> Page[Document]:
    found = Document.where(readable).from_client(request.query_params, sort)
    return await found.page(after=after, size=size)


# Both together


class Change(BaseModel):
    """What can be changed later; `version` is the one that was seen."""

    model_config = ConfigDict(extra="forbid")
    title: str
    text: str = ""
    version: int


@app.put("/documents/{document_id}")
@authenticated
@require_policy(policy, "write", resource=load_document)
@masked(policy)
async def change(document: Document, change: Change) -> Document:
    return await document.update(**change.model_dump())


@app.post("/documents/{document_id}/publish")
@require_permission("documents:publish")
@require_policy(policy, "publish", resource=load_document)
@masked(policy)
async def publish(document: Document) -> Document:
    return await document.update({"public": True})


@app.delete("/documents/{document_id}", status_code=204)
@require_permission("documents:delete", resource=load_document, owner="owner_id")
@require_policy(policy, "delete", resource=load_document)
async def delete(document: Document) -> None:
    await document.delete()


@app.put("/documents/{document_id}/locked")
@require_permission("documents:manage", resource=load_document)
async def lock(document: Document, locked: bool) -> None:
    await document.update({"locked": locked})
