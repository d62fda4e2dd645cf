"""What handlers ask for."""

from __future__ import annotations

from zenith.query.session import ModelSession, current_session


async def get_session() -> ModelSession:
    """The session of the request, SQLModel's `AsyncSession`: committed before the answer leaves,
    rolled back where the answer is an error. Raises SessionError where none was opened: `Zenith()`
    does it, `ModelSessions` among the guards of `SecurityMiddleware` does, and so does
    `Depends(models.session, scope="function")` on an application without either.
    """
    return current_session()
