"""Roles and permissions. `Role`, their order and their permissions are Zenith's default set."""

from __future__ import annotations

from fastapi import APIRouter

from examples.guide.passwords import Message, NewUser, register_account
from zenith import CurrentUser, Request, require_permission, require_role
from zenith.rbac import Role

router = APIRouter()


@router.post("/admin/users", status_code=201)
@require_permission("users:write")
async def create_user(user_data: NewUser, current_user: CurrentUser, request: Request) -> Message:
    """An account for somebody else. `users:write:own`, which every user has, is not enough."""
    await register_account(user_data, request)
    return Message(message=f"{current_user.email} created {user_data.email}")


@router.get("/moderation/queue")
@require_role(Role.MODERATOR)
async def moderation_queue() -> list[str]:
    """For moderators and every role above them."""
    return []
