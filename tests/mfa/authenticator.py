"""An authenticator in software, which can also be told to lie (WebAuthn Level 3)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

UP, UV, BE, BS, AT = 1, 4, 8, 16, 64
ORIGIN = "http://localhost:8000"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """Holds one passkey. `flags` are those that it sets beside user presence."""

    def __init__(self, *, flags=UV):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.flags, self.count, self.user = flags, 0, b""

    def create(self, options, **lies):
        """The answer to `navigator.credentials.create()`."""
        self.user = unb64(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        x, y = (each.to_bytes(32, "big") for each in (numbers.x, numbers.y))
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        rp_id = lies.get("rp_id", options["rp"]["id"])
        data = self._data(rp_id, lies.get("flags", self.flags) | AT) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options, lies)
        return self._answer(
            {"clientDataJSON": b64(client), "attestationObject": b64(attestation)}
            | {"transports": ["internal", "telepathy"]}
        )

    def get(self, options, **lies):
        """The answer to `navigator.credentials.get()`."""
        self.count = lies.get("count", self.count + 1)
        data = self._data(lies.get("rp_id", options["rpId"]), lies.get("flags", self.flags))
        client = self._client("webauthn.get", options, lies)
        signed = data + hashlib.sha256(client).digest()
        signature = self.key.sign(signed, ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(lies.get("signature", signature)),
        }
        user = lies.get("user", self.user)
        return self._answer(response if user is None else {**response, "userHandle": b64(user)})

    def _data(self, rp_id, flags):
        digest = hashlib.sha256(rp_id.encode()).digest()
        return digest + bytes([UP | flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind, options, lies):
        data = {
            "type": lies.get("kind", kind),
            "challenge": options["challenge"],
            "origin": lies.get("origin", ORIGIN),
            **lies.get("said", {}),
        }
        return json.dumps(data).encode()

    def _answer(self, response):
        name = b64(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}
