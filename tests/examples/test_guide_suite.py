"""The guide's own `tests/test_security.py`, as far as its subjects exist."""

from __future__ import annotations

from datetime import timedelta

import pytest

from examples.guide.passwords import password_hasher
from examples.guide.tokens import token_manager
from zenith.kernel.clock import wall_clock
from zenith.tokens import GuideTokens, TokenError, TokenManager


class TestSecurityHeaders:
    """Security headers are there."""

    async def test_security_headers(self, guide):
        """The guide asks over http, where Strict-Transport-Security means nothing."""
        response = await guide.client.get("/")
        assert response.headers["Strict-Transport-Security"].startswith("max-age=63072000")
        assert "Content-Security-Policy" in response.headers
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


class TestAuthentication:
    """Passwords and tokens."""

    async def test_password_hashing(self):
        """The guide imports two functions that it never defines."""
        async with password_hasher() as hasher:
            hashed = await hasher.hash("SecurePassword123!")
            assert hashed != "SecurePassword123!"
            assert await hasher.verify("SecurePassword123!", hashed)
            assert not await hasher.verify("WrongPassword", hashed)

    async def test_jwt_expiration(self, guide):
        """The guide sleeps for two seconds, on the event loop; a clock can be passed in."""
        now = wall_clock()
        issuing = token_manager(guide.app)
        token = GuideTokens(issuing).create_access_token(
            {"sub": "test@example.com"}, expires_delta=timedelta(seconds=1)
        )
        assert issuing.verify(token)["sub"] == "test@example.com"
        later = TokenManager(
            keyring=issuing.keyring,
            settings=issuing.settings,
            clock=lambda: now + 2 + issuing.settings.leeway,
        )
        with pytest.raises(TokenError) as caught:
            later.verify(token)
        assert caught.value.fault == "expired"


class TestVulnerabilities:
    """Common weaknesses."""

    async def test_xss_prevention(self, guide):
        """The guide accepts a script that was escaped where none should be left."""
        headers = await guide.csrf()
        payload = {"content": "<script>alert('XSS')</script>"}
        response = await guide.client.post("/comments", json=payload, headers=headers)
        comment = await guide.client.get(f"/comments/{response.json()['id']}")
        assert "<script>" not in comment.json()["content"]
        assert "alert(" not in comment.json()["content"]

    async def test_csrf_protection(self, guide):
        """As in the guide: a change without a token."""
        response = await guide.client.post("/api/sensitive-action", json={"data": "test"})
        assert response.status_code == 403
        assert "CSRF" in response.json()["detail"]
