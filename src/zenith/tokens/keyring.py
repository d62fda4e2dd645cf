"""The keys of one issuer: which one signs now, which ones still verify, and until when.

Every change builds a new state and puts it in place in one assignment, with a
new `version`, so that whoever verifies at that moment sees the old ring or the new one and never
half of both, and caches of verified tokens know that they are out of date.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, b64encode, check_strength, derive
from zenith.tokens.jwk import has_private_part, is_ambiguous, is_foreign, key_from_jwk, public_jwk
from zenith.tokens.keys import Ed25519Key, HmacKey, Key

MAX_KEYS: Final = 64
KEY_ID_BYTES: Final = 9
MAX_KNOWN_HEADERS: Final = 256


class _State:
    __slots__ = ("headers", "keys", "names", "schedule", "sole")

    def __init__(self, keys: Mapping[str, Key], schedule: tuple[tuple[float, str], ...]) -> None:
        self.keys: Final = keys
        self.schedule: Final = schedule
        self.sole: Final = next(iter(keys.values())) if len(keys) == 1 else None
        self.names: Final = frozenset(name for key in keys.values() for name in key.names)
        self.headers: Final[dict[bytes, tuple[dict[str, Any], Key]]] = {}


class KeyRing:
    """Keys by id. One signs, the others verify, each within its time.

    `signing` names the key that signs; without it the only key that can sign does, and a ring
    with none or several such keys only verifies. A ring is symmetric or asymmetric, never both
    (ASVS 9.1.2). Raises ConfigurationError for anything ambiguous.
    """

    def __init__(self, keys: Iterable[Key], *, signing: str | None = None) -> None:
        table = _table(keys)
        able = [key.kid for key in table.values() if key.can_sign]
        if signing is None and len(able) == 1:
            signing = able[0]
        if signing is not None and signing not in able:
            raise ConfigurationError(
                f"no key `{signing}` that can sign", fix="name a key of the ring that is private"
            )
        schedule = () if signing is None else ((-math.inf, signing),)
        self._state = _State(table, schedule)
        self.version = 0
        """How often this ring changed: what was verified before the last change is so no more."""

    @classmethod
    def pending(cls) -> KeyRing:
        """A ring whose keys come later, by `adopt`; until then nothing is signed or verified."""
        ring = object.__new__(cls)
        ring._state, ring.version = _State({}, ()), 0
        return ring

    @classmethod
    def from_secret(cls, secret: Secret, *, previous: Sequence[Secret] = ()) -> KeyRing:
        """A ring for HS256 whose keys are derived from the application's secrets (RFC 5869).

        `secret` signs; `previous` ones, kept while a secret is being changed, only verify.
        """
        return cls._derived(_hmac_key, secret, previous)

    @classmethod
    def ed25519_from_secret(cls, secret: Secret, *, previous: Sequence[Secret] = ()) -> KeyRing:
        """A ring for EdDSA whose private keys are derived from the application's secrets.

        Other services verify with `to_jwks()`; no key file has to be kept. The seed of an Ed25519
        key is 32 uniform bytes (RFC 8032 section 5.1.5), which is what HKDF yields.
        """
        return cls._derived(_ed25519_key, secret, previous)

    @classmethod
    def from_jwks(
        cls,
        jwks: Mapping[str, Any],
        *,
        signing: str | None = None,
        algorithms: Collection[str] | None = None,
        public_only: bool = False,
        ignore_foreign: bool = False,
    ) -> KeyRing:
        """A ring of the keys in a JWK Set (RFC 7517 section 5), or of a single JWK.

        `algorithms` are those that keys may be for; None allows every one that is known here.
        `public_only` is for sets of others: whoever publishes a secret has lost it.
        `ignore_foreign` passes over keys that are for encryption, of an unknown kind or for other
        algorithms, as sets of large providers hold them.

        Refused with ConfigurationError: sets that mix symmetric and asymmetric keys, or public keys
        with private ones of which none was named to sign; that have one key id twice; that have
        several keys and one without an id, or without the `alg` that its kind does not tell; keys
        not for signatures, weak, malformed or of an unknown kind.
        """
        entries = _entries(jwks)
        if len(entries) > MAX_KEYS:
            raise ConfigurationError("a JWK Set is too large", fix=f"at most {MAX_KEYS} keys")
        if ignore_foreign:
            entries = [entry for entry in entries if not is_foreign(entry, algorithms)]
        if len(entries) > 1:
            _check_clear(entries, algorithms)
        private = sum(map(has_private_part, entries))
        # Before any key is made: private ones take the processor a good part of a second each.
        if private and (public_only or (private < len(entries) and signing is None)):
            raise ConfigurationError(
                "a JWK Set of public keys holds secret ones",
                fix="remove every private part; if they were published, replace those keys",
            )
        keys = [key_from_jwk(entry, algorithms=algorithms) for entry in entries]
        return cls(keys, signing=signing)

    @classmethod
    def _derived(
        cls, make: Callable[[Secret], Key], secret: Secret, previous: Sequence[Secret]
    ) -> KeyRing:
        for each in (secret, *previous):
            check_strength(each, setting="secret_key")
        keys = [make(each) for each in (secret, *previous)]
        return cls(keys, signing=keys[0].kid)

    @property
    def algorithms(self) -> frozenset[str]:
        """The values of `alg` that some key of the ring stands for."""
        return self._state.names

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys, the expired ones included."""
        return tuple(self._state.keys.values())

    @property
    def known_headers(self) -> dict[bytes, tuple[dict[str, Any], Key]]:
        """Headers, as they were sent, of tokens whose signature held, each with its key.

        Verification reads and fills it, so that a header is parsed once. Bounded, and gone with
        the next change of the ring.
        """
        return self._state.headers

    def find(self, kid: str | None) -> Key | None:
        """The key that a token with this `kid` must be verified with, or None.

        A token without an id is for a ring with a single key only, and one with an id fits a key
        without only where that is the single one: a guess is never made.
        """
        state = self._state
        key = None if kid is None else state.keys.get(kid)
        if key is None and state.sole is not None and (kid is None or not state.sole.named):
            return state.sole
        return key

    def signing_key(self, now: float) -> Key:
        """The key that signs at `now` (Unix seconds).

        Raises ConfigurationError if the ring only verifies or its key has run out.
        """
        state = self._state
        due = [kid for at, kid in state.schedule if at <= now]
        key = state.keys.get(due[-1]) if due else None
        if key is None or not key.not_before <= now < key.not_after:
            raise ConfigurationError(
                "the key ring has no key that signs now", fix="add one with rotate()"
            )
        return key

    def add(self, key: Key) -> None:
        """Let `key` verify from now on. It does not sign before `rotate` says so."""
        state = self._state
        self._replace(_table([*state.keys.values(), key]), state.schedule)

    def rotate(self, key: Key, *, at: float, overlap: float) -> None:
        """Let `key` sign from `at` (Unix seconds), and its predecessor verify `overlap` longer.

        The new key verifies and is published at once, so that every process and every other
        service knows it before the first token arrives. `overlap` is in seconds and at least the
        longest lifetime of a token.
        """
        state = self._state
        if not key.can_sign:
            raise ConfigurationError(f"{key!r} cannot sign", fix="rotate to a private key")
        if state.schedule and at <= state.schedule[-1][0]:
            raise ConfigurationError(
                "a rotation is planned before the one that precedes it", fix="choose a later `at`"
            )
        keys = _table([*(k for k in state.keys.values() if k.kid != key.kid), key])
        if state.schedule and (kid := state.schedule[-1][1]) != key.kid and kid in keys:
            keys[kid] = keys[kid].within(
                keys[kid].not_before, min(keys[kid].not_after, at + overlap)
            )
        self._replace(keys, (*state.schedule, (at, key.kid)))

    def adopt(self, keys: Iterable[Key], schedule: Sequence[tuple[float, str]]) -> None:
        """Put other keys in place of all: `schedule` names which of them signs from when.

        Raises ConfigurationError for anything ambiguous; the ring stays as it was then.
        """
        table = _table(keys)
        if any(kid not in table or not table[kid].can_sign for _, kid in schedule):
            raise ConfigurationError(
                "the schedule names a key that cannot sign", fix="name private keys of the ring"
            )
        self._replace(table, tuple(sorted(schedule, key=lambda entry: entry[0])))

    def retire(self, kid: str, *, at: float) -> None:
        """Stop believing the key from `at` (Unix seconds) on: at once for a past time.

        Raises ConfigurationError for an unknown id.
        """
        keys = dict(self._state.keys)
        if kid not in keys:
            raise ConfigurationError(f"no key `{kid}` in the ring", fix="use the id of a key")
        keys[kid] = keys[kid].within(keys[kid].not_before, min(keys[kid].not_after, at))
        self._replace(keys, self._state.schedule)

    def prune(self, now: float) -> int:
        """Remove the keys whose time has passed; how many it were."""
        state = self._state
        keys = {kid: key for kid, key in state.keys.items() if key.not_after > now}
        gone = len(state.keys) - len(keys)
        if gone:
            self._replace(keys, tuple(entry for entry in state.schedule if entry[1] in keys))
        return gone

    def to_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JWK Set (RFC 7517), those included that will sign later.

        Symmetric keys and private parts never appear.
        """
        published = (public_jwk(key) for key in self._state.keys.values())
        return {"keys": [jwk for jwk in published if jwk is not None]}

    def remember_header(self, segment: bytes, header: dict[str, Any], key: Key) -> None:
        """Keep a header whose token was verified under `key`."""
        state = self._state
        if state.keys.get(key.kid) is key:
            if len(state.headers) >= MAX_KNOWN_HEADERS:
                state.headers.clear()
            state.headers[segment] = (header, key)

    def __repr__(self) -> str:
        return f"KeyRing({list(self._state.keys.values())!r}, version={self.version})"

    def _replace(self, keys: Mapping[str, Key], schedule: tuple[tuple[float, str], ...]) -> None:
        # In this order: whoever still verifies under the former state caches it as out of date.
        self._state = _State(keys, schedule)
        self.version += 1


def _entries(jwks: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "kty" in jwks and "keys" not in jwks:
        return [jwks]
    found: Any = jwks.get("keys")
    kind: object = found.__class__
    if kind is not list or not all(isinstance(entry, Mapping) for entry in found):
        raise ConfigurationError(
            "not a JWK Set", fix='pass an object with a list of keys: {"keys": [...]}'
        )
    entries: list[Mapping[str, Any]] = found
    return entries


def _check_clear(entries: Sequence[Mapping[str, Any]], algorithms: object) -> None:
    if any("kid" not in entry for entry in entries):
        raise ConfigurationError(
            "a JWK Set has several keys and one without kid", fix="give each key its own kid"
        )
    if algorithms is None and any(map(is_ambiguous, entries)):
        raise ConfigurationError(
            "a JWK Set has several keys and one whose algorithm is anybody's guess",
            fix="give each key its alg, or name the algorithms that are expected",
        )


def _table(keys: Iterable[Key]) -> dict[str, Key]:
    table: dict[str, Key] = {}
    for key in keys:
        if key.kid in table:
            raise ConfigurationError(
                f"the key id `{key.kid}` occurs twice", fix="give each key its own id"
            )
        table[key.kid] = key
    if not table:
        raise ConfigurationError("a key ring has no key", fix="pass at least one key")
    if len({key.symmetric for key in table.values()}) > 1:
        raise ConfigurationError(
            "a key ring mixes symmetric and asymmetric keys", fix="use two rings"
        )
    if len(table) > MAX_KEYS:
        raise ConfigurationError("a key ring is too large", fix=f"keep at most {MAX_KEYS} keys")
    return table


def _hmac_key(secret: Secret) -> Key:
    # The id is derived, not a digest of the secret: it is public and must tell nothing.
    kid = b64encode(derive(secret, "tokens/HS256/kid", KEY_ID_BYTES))
    return HmacKey(derive(secret, "tokens/HS256"), kid=kid)


def _ed25519_key(secret: Secret) -> Key:
    kid = b64encode(derive(secret, "tokens/Ed25519/kid", KEY_ID_BYTES))
    seed = derive(secret, "tokens/Ed25519", 32)
    return Ed25519Key(Ed25519PrivateKey.from_private_bytes(seed), kid=kid)
