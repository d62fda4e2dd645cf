"""`X-API-Key`, `Authorization: Bearer zk_...` or `DPoP zk_...`: API keys as credentials."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Final, Protocol

from zenith.api_keys.cache import KeyCache, LiveKey
from zenith.api_keys.errors import APIKeyError
from zenith.api_keys.key import APIKey
from zenith.api_keys.key_format import PREFIX, holds_key, is_key, lookup_of
from zenith.api_keys.last_uses import INTERVAL, LastUses
from zenith.api_keys.scopes import holding
from zenith.api_keys.settings import APIKeySettings
from zenith.api_keys.store import APIKeyStore, KeyUse
from zenith.authentication import Possession, RevocationList, Subject, SubjectCache
from zenith.kernel.clock import Clock, steady_clock, wall_clock
from zenith.kernel.errors import AuthenticationError, BadRequestError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import Exchange

NAME: Final = "api_key"
KEY_HEADER: Final = b"x-api-key"
HEADER: Final = b"authorization"
BEARER: Final = b"bearer"
DPOP: Final = b"dpop"
PROOF_HEADER: Final = b"dpop"
_PREFIX: Final = PREFIX.encode("ascii")


class KeyLimit(Protocol):
    """Charges requests to the limits of their keys; `assembly` provides it."""

    def charge(self, exchange: Exchange, key: APIKey) -> Awaitable[None]:
        """Charge one request; raises RateLimitError."""
        ...

    def charge_now(self, exchange: Exchange, key: APIKey) -> bool:
        """The same without waiting; False, and nothing charged, where it would wait or refuse."""
        ...


class APIKeyScheme:
    """Recognises an API key.

    Threat: a guessed, leaked, expired or revoked key; a key that does more than its owner may, now
    or ever since (ASVS 8.2.1, 8.3.2); and two credentials in one request of which two programs
    believe different ones. A key in the query string is refused, for addresses are logged and
    passed on (ASVS 14.2.1). A wrong checksum is refused without a query, a right key is found by
    its first characters in one, and compared by its hash in constant time.

    A key of an account acts with those permissions of its owner that its scopes name, as they are
    at that moment, and holds no role; a locked or deleted owner's keys are dead. A key of a tenant
    acts with what its owner may do there, and is dead once the owner has left (ASVS 8.4.1). `limit`
    charges each use to the key.

    A key that is bound to a public key needs a proof by `possession` each time (RFC 9449), in
    `X-API-Key` or as `DPoP`; as a bearer it is refused, and where nothing judges proofs too.
    """

    def __init__(
        self,
        store: APIKeyStore,
        subjects: SubjectCache,
        revocations: RevocationList,
        settings: APIKeySettings | None = None,
        *,
        uses: LastUses,
        limit: KeyLimit | None = None,
        possession: Possession | None = None,
        challenge: str | None = "Bearer",
        clock: Clock = wall_clock,
        steady: Clock = steady_clock,
    ) -> None:
        settings = settings or APIKeySettings()
        self._store: Final = store
        self._subjects: Final = subjects
        self._revocations: Final = revocations
        self._uses: Final = uses
        self._limit: Final = limit
        self._possession: Final = possession
        self._bound_only: Final = settings.bound_only
        self._free: Final = frozenset(settings.scopes)
        self._challenge: Final = challenge
        self._clock: Final = clock
        self._steady: Final = steady
        self._cache: Final = KeyCache(revocations, entries=settings.cache_entries)

    @property
    def name(self) -> str:
        """`api_key`."""
        return NAME

    @property
    def challenge(self) -> str | None:
        """What a 401 offers: keys are also taken as bearer tokens (RFC 6750 section 3)."""
        return self._challenge

    def recall(self, exchange: Exchange) -> Principal | None:
        """The principal of a key that was met within the last second, if its limit admits it."""
        headers = exchange.headers
        raw, value = headers.get(KEY_HEADER), headers.get(HEADER)
        if raw is None or value is not None:
            possible = (
                raw is not None
                or (value is not None and _PREFIX in value)
                or _PREFIX in exchange.scope["query_string"]
            )
            return None if possible else ANONYMOUS
        # As many names as headers: none came twice.
        if len(headers) != len(exchange.scope["headers"]) or not self._revocations.is_fresh:
            return None
        live = self._cache.get(raw, steady=self._steady())
        if live is None or not live.noted:
            return None
        record, owner = live.record, live.subject
        if record.thumbprint is not None:
            return None
        if record.expires_at is not None and record.expires_at <= self._clock():
            return None
        if (
            record.owner_id is not None
            and self._subjects.peek(record.owner_id, record.tenant) is not owner
        ):
            return None
        if self._limit is not None and not self._limit.charge_now(exchange, record):
            return None
        exchange.state[APIKeyScheme] = live.shown
        return live.principal

    async def authenticate(self, exchange: Exchange) -> Principal | None:
        """The key's principal, or None where the request carries no API key.

        Raises APIKeyError for a key that does not hold or stands in the query string,
        BadRequestError for several credentials, RateLimitError for a key over its limit, and
        ServiceUnavailableError where it cannot be known.
        """
        way, raw = _key_of(exchange)
        if raw is None:
            return None
        live, owner = await self._look_up(raw)
        record = live.record
        # Before anything is charged to the key: who has only a copy cannot use up its limit.
        if record.thumbprint is not None:
            await self._prove(exchange, way, raw, record, record.thumbprint)
        elif way == DPOP or self._bound_only:
            raise APIKeyError("unbound", key_id=record.id)
        if not live.principal.is_authenticated or live.subject is not owner:
            self._judge(live, owner)
        # Known already while the limit is charged: the event of a refusal names the key.
        exchange.principal = live.principal
        exchange.state[APIKeyScheme] = live.shown
        if self._limit is not None:
            await self._limit.charge(exchange, record)
        if not live.noted:
            self._note(live, exchange.client, self._clock())
        return live.principal

    async def reconsider(self, exchange: Exchange, *, used: bool = True) -> Principal | None:
        """The key's principal as it is now; neither its limit nor a proof is asked for twice."""
        del used  # No use ever makes a key last longer.
        _, raw = _key_of(exchange)
        if raw is None:
            return None
        live, owner = await self._look_up(raw)
        if not live.principal.is_authenticated or live.subject is not owner:
            self._judge(live, owner)
        return live.principal

    async def _look_up(self, raw: bytes) -> tuple[LiveKey, Subject | None]:
        """The key, which holds, and its owner; raises APIKeyError."""
        await self._revocations.refresh()
        live = self._cache.get(raw, steady=self._steady()) or await self._read(raw)
        record = live.record
        if record.expires_at is not None and record.expires_at <= self._clock():
            raise APIKeyError("expired", key_id=record.id)
        owner = None if record.owner_id is None else await self._owner(record, record.owner_id)
        return live, owner

    async def _owner(self, record: APIKey, owner_id: str) -> Subject:
        owner = await self._subjects.find(owner_id, record.tenant)
        if owner is None or not owner.active:
            raise APIKeyError("owner_inactive", key_id=record.id)
        if record.tenant is not None and record.tenant not in owner.tenants:
            raise APIKeyError("owner_left", key_id=record.id)
        return owner

    async def _prove(
        self, exchange: Exchange, way: bytes, raw: bytes, record: APIKey, thumbprint: str
    ) -> None:
        possession = self._possession
        if possession is None or way == BEARER:
            raise APIKeyError("bound", key_id=record.id)
        if PROOF_HEADER not in exchange.headers:
            raise APIKeyError("unproven", key_id=record.id, challenge=possession.challenge)
        try:
            await possession.prove(exchange, credential=raw.decode("ascii"), thumbprint=thumbprint)
        except AuthenticationError as error:
            # Whose key was copied can be read in the log.
            error.reason = f"{error.reason}:{record.id}"
            raise

    async def _read(self, raw: bytes) -> LiveKey:
        text = raw.decode("latin-1")
        if not is_key(text):
            raise APIKeyError("malformed")
        generation = self._cache.generation
        record = await self._store.find(lookup_of(text))
        if record is None or not record.verify_key(text):
            raise APIKeyError("unknown")
        if record.revoked or self._is_revoked(record):
            self._cache.drop(raw)
            raise APIKeyError("revoked", key_id=record.id)
        live = LiveKey(record, self._steady())
        self._cache.put(raw, live, generation=generation)
        return live

    def _is_revoked(self, record: APIKey) -> bool:
        return self._revocations.is_revoked(
            subject="", session_id=None, token_id=record.id, issued_at=record.created_at
        )

    def _judge(self, live: LiveKey, owner: Subject | None) -> None:
        record = live.record
        if owner is None:
            scopes, permissions = record.scopes, Permissions(record.scopes)
        else:
            scopes = holding(record.scopes, owner.permissions, self._free)
            permissions = owner.permissions.narrowed(record.scopes)
        live.principal = Principal(
            subject=record.id,
            kind="api_key",
            permissions=permissions,
            scopes=frozenset(scopes),
            tenant=record.tenant,
            owner=record.owner_id,
            scheme=NAME,
        )
        live.shown, live.subject = replace(record, scopes=scopes), owner

    def _note(self, live: LiveKey, address: str, now: float) -> None:
        live.noted = True
        last = live.record.last_used_at
        if last is None or now - last >= INTERVAL:
            self._uses.note(KeyUse(key_id=live.record.id, at=now, address=address))


def api_key_of(exchange: Exchange) -> APIKey | None:
    """The key that proved the caller, with the scopes that hold; None for other credentials."""
    key = exchange.state.get(APIKeyScheme)
    return key if isinstance(key, APIKey) else None


def _key_of(exchange: Exchange) -> tuple[bytes, bytes | None]:
    """In which way a key is presented, and the key; None where there is none."""
    headers = exchange.headers
    key, authorization = headers.get(KEY_HEADER), headers.get(HEADER)
    way, _, shown = (authorization or b"").partition(b" ")
    way = way.lower()
    token = shown.strip(b" ") if way in (BEARER, DPOP) and shown else None
    if key is None:
        if token is None:
            _refuse_query(exchange.scope["query_string"])
            return way, None
        if not token.startswith(_PREFIX):
            return way, None
        key = token
    elif token is not None:
        raise _ambiguous()
    else:
        way = KEY_HEADER
    sent = exchange.scope["headers"]
    # As many names as headers: none came twice.
    if len(headers) != len(sent):
        names = [name for name, _ in sent]
        if names.count(KEY_HEADER) > 1 or names.count(HEADER) > 1:
            raise _ambiguous()
    return way, key


def _ambiguous() -> BadRequestError:
    return BadRequestError("More than one credential", reason="ambiguous_credential")


def _refuse_query(query: bytes) -> None:
    if query and _PREFIX in query and holds_key(query):
        raise APIKeyError("key_in_query")
