from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from tests.api_keys.fakes import exchange
from zenith.api_keys import get_api_key
from zenith.kernel.errors import AuthenticationError, PermissionDeniedError
from zenith.kernel.principal import Principal
from zenith.pipeline import EXCHANGE_KEY


async def ask(principal: Principal) -> object:
    request = exchange()
    request.principal = principal
    return await get_api_key(HTTPConnection({**request.scope, EXCHANGE_KEY: request}))


async def test_a_key_of_another_scheme_is_none_of_ours() -> None:
    with pytest.raises(AuthenticationError):
        await ask(Principal(subject="k", kind="api_key", scheme="of the application"))


async def test_people_have_no_key() -> None:
    with pytest.raises(PermissionDeniedError):
        await ask(Principal(subject="ada"))
