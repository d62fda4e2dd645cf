"""Passkeys: registration and authentication ceremonies (WebAuthn Level 3) over `webauthn`."""

from __future__ import annotations

import asyncio
import base64
import hmac
import importlib
import importlib.util
import json
import re
import struct
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

from zenith.accounts import Account, Client, InvalidFactorError
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.keys import b64encode, new_id
from zenith.mfa.challenges import LIFETIME, Challenges
from zenith.mfa.errors import EnrolmentFailedError, FactorExistsError, TooManyPasskeysError
from zenith.mfa.store import PasskeyRecord, PasskeyStore

MAX_PASSKEYS: Final = 20
"""Per account."""
MAX_CREDENTIAL: Final = 16_384
"""Characters of an authenticator's answer."""
MAX_CREDENTIAL_ID: Final = 1023
"""Bytes (WebAuthn section 7.1 step 25)."""
REGISTER: Final = "passkey/register"
FACTOR: Final = "passkey/factor"
SIGN_IN: Final = "passkey/sign-in"
PAGE_LIFETIME: Final = 60 * 60
"""Seconds for which an open sign-in page may offer passkeys."""
TIMEOUT: Final = 5 * 60 * 1000
"""Milliseconds for which a browser waits for the person."""
_ALGORITHMS: Final = (-8, -7, -257)
"""EdDSA, ES256, RS256 (RFC 9053, RFC 8812)."""
TRANSPORTS: Final = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")


class Passkeys:
    """Registers passkeys and verifies their answers.

    Threat: phishing, which the origin in what is signed defeats; an answer replayed, or made for
    another site, session or sign-in; a page that frames the ceremony; a copied authenticator
    (WebAuthn sections 7.1, 7.2, 6.1.1; ASVS 6.3.3, 6.5.1, 6.7.2). The RP id and the origin come
    from the settings alone, never from a request. Raises ConfigurationError where the extra
    `passkeys` is not installed.
    """

    def __init__(
        self,
        *,
        origin: str,
        issuer: str,
        store: PasskeyStore,
        challenges: Challenges,
        events: EventSink,
        clock: Clock = wall_clock,
    ) -> None:
        require_webauthn()
        self._origin: Final = origin
        self._rp_id: Final = urlsplit(origin).hostname or ""
        self._issuer: Final = issuer
        self._store: Final = store
        self._challenges: Final = challenges
        self._events: Final = events
        self._clock: Final = clock

    async def registration_options(self, account: Account, session_id: str) -> dict[str, Any]:
        """What `navigator.credentials.create()` takes; the challenge is bound to the session."""
        held = await self._store.passkeys_of(account.id)
        return {
            "rp": {"id": self._rp_id, "name": self._issuer},
            "user": {
                "id": b64encode(account.id.encode()),
                "name": account.email,
                "displayName": account.name or account.email,
            },
            "challenge": b64encode(self._challenges.issue(REGISTER, session_id)),
            "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in _ALGORITHMS],
            "timeout": TIMEOUT,
            "excludeCredentials": [_descriptor(record) for record in held],
            "authenticatorSelection": {
                "residentKey": "preferred",
                "requireResidentKey": False,
                "userVerification": "preferred",
            },
            "attestation": "none",
        }

    async def register(
        self, account: Account, session_id: str, credential: str, *, name: str
    ) -> PasskeyRecord:
        """Verify and store the passkey that an authenticator has made; raises as both do."""
        record = await self.verify_new(account, session_id, credential, name=name)
        await self.add(record)
        return record

    async def verify_new(
        self, account: Account, session_id: str, credential: str, *, name: str
    ) -> PasskeyRecord:
        """The passkey that an authenticator has made, which `add` would store; its challenge is
        spent. Raises EnrolmentFailedError.
        """
        answer, verified = await self._registered(session_id, credential)
        return PasskeyRecord(
            id=new_id(),
            account_id=account.id,
            credential_id=b64encode(verified.credential_id),
            public_key=b64encode(verified.credential_public_key),
            sign_count=verified.sign_count,
            transports=_transports(answer),
            name=name,
            aaguid=verified.aaguid,
            backup_eligible=verified.credential_device_type == "multi_device",
            backed_up=verified.credential_backed_up,
            created_at=self._clock(),
        )

    async def add(self, record: PasskeyRecord) -> None:
        """Store a passkey. Raises FactorExistsError for one that is registered, and
        TooManyPasskeysError.
        """
        added = await self._store.add_passkey(record, limit=MAX_PASSKEYS)
        if added == "full":
            raise TooManyPasskeysError
        if added != "added":
            raise FactorExistsError("This passkey is registered already")

    async def _registered(self, session_id: str, credential: str) -> tuple[dict[str, Any], Any]:
        answer, challenge = _read(credential)
        if answer is None or not await self._challenges.spend(challenge, REGISTER, session_id):
            raise EnrolmentFailedError(field="credential", reason="no such challenge")
        webauthn = await _webauthn()
        try:
            verified = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                supported_pub_key_algs=list(_ALGORITHMS),
            )
        except _failures(webauthn) as error:
            reason = f"passkey refused: {type(error).__name__}"
            raise EnrolmentFailedError(field="credential", reason=reason) from None
        if len(verified.credential_id) > MAX_CREDENTIAL_ID:
            raise EnrolmentFailedError(field="credential", reason="credential id too long")
        return answer, verified

    async def factor_options(self, account_id: str, binding: str) -> dict[str, Any]:
        """What `navigator.credentials.get()` takes to prove one of the account's passkeys as a
        second factor; bound to the waiting sign-in, or to the account that confirms.
        """
        held = await self._store.passkeys_of(account_id)
        return self._options(FACTOR, binding, "preferred", [_descriptor(each) for each in held])

    def sign_in_options(self, binding: str) -> dict[str, Any]:
        """What `navigator.credentials.get()` takes to sign in with a passkey alone: it names the
        account itself, and its owner is verified. `binding` is the browser's.
        """
        return self._options(SIGN_IN, binding, "required", [], lifetime=PAGE_LIFETIME)

    def _options(
        self,
        purpose: str,
        binding: str,
        verification: str,
        allowed: list[dict[str, Any]],
        *,
        lifetime: int = LIFETIME,
    ) -> dict[str, Any]:
        return {
            "challenge": b64encode(self._challenges.issue(purpose, binding, lifetime=lifetime)),
            "rpId": self._rp_id,
            "timeout": TIMEOUT,
            "allowCredentials": allowed,
            "userVerification": verification,
        }

    async def verify_factor(
        self, account_id: str, credential: str, *, binding: str, client: Client
    ) -> PasskeyRecord:
        """The account's passkey whose answer this is. Raises InvalidFactorError."""
        used = await self._verify(credential, FACTOR, binding, alone=False)
        if used.record.account_id != account_id:
            raise InvalidFactorError(reason="passkey of another account")
        return await self._note_use(used, client)

    async def verify_sign_in(
        self, credential: str, *, binding: str, client: Client
    ) -> PasskeyRecord:
        """The passkey that signs in alone: its owner was verified by PIN or body (WebAuthn
        section 6.1), so that it is two factors in one. Raises InvalidFactorError.
        """
        used = await self._verify(credential, SIGN_IN, binding, alone=True)
        return await self._note_use(used, client)

    async def opens(self, passkey: PasskeyRecord) -> bool:
        """Whether the passkey is still there, and opens its account alone."""
        found = await self._store.passkey(passkey.credential_id)
        return found is not None and found.id == passkey.id and not found.second_only

    async def _verify(self, credential: str, purpose: str, binding: str, *, alone: bool) -> _Used:
        answer, challenge = _read(credential)
        # Spent before anything is verified: a challenge serves one answer, right or wrong.
        if answer is None or not await self._challenges.spend(challenge, purpose, binding):
            raise InvalidFactorError(reason="no such passkey challenge")
        record = await self._store.passkey(str(answer.get("id", ""))[:MAX_CREDENTIAL])
        if record is None:
            raise InvalidFactorError(reason="unknown passkey")
        if not _is_owner(answer, record.account_id, required=alone):
            raise InvalidFactorError(reason="user handle of another account")
        webauthn = await _webauthn()
        try:
            verified = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=_decode(record.public_key),
                # The count is compared by the store, in the statement that notes the use.
                credential_current_sign_count=0,
                require_user_verification=alone,
            )
        except _failures(webauthn) as error:
            raise InvalidFactorError(reason=f"passkey refused: {type(error).__name__}") from None
        eligible = verified.credential_device_type == "multi_device"
        if eligible != record.backup_eligible:
            raise InvalidFactorError(reason="passkey changed its backup eligibility")
        return _Used(record, verified.new_sign_count, verified.credential_backed_up)

    async def _note_use(self, used: _Used, client: Client) -> PasskeyRecord:
        record = used.record
        if await self._store.use_passkey(
            record.id, sign_count=used.sign_count, backed_up=used.backed_up, now=self._clock()
        ):
            return record
        await self._events.record(
            client.event(
                EventType.PASSKEY_CLONED,
                "denied",
                at=self._clock(),
                target=record.account_id,
                reason=f"passkey {record.id}: sign count did not grow",
                severity="CRITICAL",
            )
        )
        raise InvalidFactorError(reason="sign count of the passkey did not grow")


class _Used(NamedTuple):
    record: PasskeyRecord
    sign_count: int
    backed_up: bool


def require_webauthn() -> None:
    """Raises ConfigurationError that names the extra where the library is missing."""
    if importlib.util.find_spec("webauthn") is None:
        raise ConfigurationError(
            "passkeys need a library that is not installed",
            fix="pip install 'zenith-security[passkeys]', or set ZENITH_MFA__PASSKEYS=false",
        )


async def _webauthn() -> ModuleType:
    """The library, loaded with the first ceremony and beside the event loop: it takes as long as a
    tenth of the application, and most processes never verify a passkey.
    """
    return await asyncio.to_thread(importlib.import_module, "webauthn")


def _failures(webauthn: ModuleType) -> tuple[type[Exception], ...]:
    """What the library raises for answers that are wrong or malformed: its own errors, and those
    of what it decodes with.
    """
    return (
        webauthn.helpers.exceptions.WebAuthnException,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        struct.error,
    )


def _read(credential: str) -> tuple[dict[str, Any] | None, bytes]:
    """The answer, and the challenge that it claims to answer. A page that is framed by another
    site may not ask (WebAuthn sections 7.1 step 10, 7.2 step 13).
    """
    if len(credential) > MAX_CREDENTIAL:
        return None, b""
    try:
        answer = json.loads(credential)
        client_data = json.loads(_decode(answer["response"]["clientDataJSON"]))
        challenge = _decode(client_data["challenge"])
        framed = bool(client_data.get("crossOrigin")) or "topOrigin" in client_data
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None, b""
    return (None, b"") if framed else (answer, challenge)


def _is_owner(answer: Mapping[str, Any], account_id: str, *, required: bool) -> bool:
    """WebAuthn section 7.2 step 6."""
    handle = answer.get("response", {}).get("userHandle")
    if handle is None:
        return not required
    try:
        return hmac.compare_digest(_decode(handle), account_id.encode())
    except (TypeError, ValueError):
        return False


def _transports(answer: Mapping[str, Any]) -> tuple[str, ...]:
    found = answer.get("response", {}).get("transports")
    named = cast("list[object]", found) if isinstance(found, list) else []
    return tuple(each for each in TRANSPORTS if each in named)


def _descriptor(record: PasskeyRecord) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "public-key", "id": record.credential_id}
    return {**found, "transports": list(record.transports)} if record.transports else found


def _decode(text: object) -> bytes:
    """Base64url without padding; raises ValueError for anything else."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise ValueError("no base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
