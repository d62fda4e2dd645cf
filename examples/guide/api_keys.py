"""API keys: the model, the dependency, and a route that looks at the key's scopes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from zenith import Depends, HTTPException, get_api_key
from zenith.api_keys import APIKey, APIKeySettings

API_KEYS = APIKeySettings(scopes=("read:data",))
"""`read:data` is nobody's permission, so the application says that everybody may give it."""

router = APIRouter()


@router.get("/api/data")
async def get_data(api_key: Annotated[APIKey, Depends(get_api_key)]) -> dict[str, str]:
    """For callers with a key; `@require_scope("read:data")` would say the second line shorter."""
    if "read:data" not in api_key.scopes:
        raise HTTPException(status_code=403, detail="Insufficient permissions")
    return {"data": "sensitive information"}
