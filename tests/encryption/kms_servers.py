"""Key management services on loopback, after their published references. Each really encrypts, and
refuses whatever its reference does not allow.

AWS KMS API Reference (Encrypt, Decrypt; AWS JSON 1.1, Signature Version 4) · Cloud KMS REST v1
(projects.locations.keyRings.cryptoKeys) · Key Vault REST 7.4 (Wrap Key, Unwrap Key, Sign, Verify) ·
Vault HTTP API (transit).
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

TOKEN = "a-token-of-the-tests"


class RefusedError(Exception):
    def __init__(self, status, body=None):
        super().__init__(status)
        self.status, self.body = status, body or {"error": "secret-of-the-service"}


class Service:
    """One key, some faults to come first, and what was asked."""

    def __init__(self):
        self._key = AESGCM(AESGCM.generate_key(256))
        self.asked = []
        self.faults = []
        self.change = None

    def read(self, body):
        return json.loads(body)

    def seal(self, plain, aad):
        nonce = os.urandom(12)
        return nonce + self._key.encrypt(nonce, plain, aad)

    def unseal(self, sealed, aad, status, body=None):
        try:
            return self._key.decrypt(sealed[:12], sealed[12:], aad)
        except (InvalidTag, ValueError):
            raise RefusedError(status, body) from None


def expect(holds, status=400, body=None):
    if not holds:
        raise RefusedError(status, body)


def bearer(headers):
    expect(headers.get("authorization") == f"Bearer {TOKEN}", 401)


def members(body, *names):
    expect(isinstance(body, dict) and set(body) == set(names))
    return [body[name] for name in names]


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


class Aws(Service):
    arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    kind = "application/x-amz-json-1.1"
    signed = re.compile(
        r"AWS4-HMAC-SHA256 Credential=[A-Z0-9]+/\d{8}/eu-central-1/kms/aws4_request, "
        r"SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*x-amz-target[a-z0-9;-]*, Signature=[0-9a-f]{64}"
    )

    def answer(self, path, headers, body):
        expect(path == "/" and headers["content-type"] == self.kind, 404)
        bad = {"__type": "IncompleteSignatureException", "message": "x"}
        expect(self.signed.fullmatch(headers.get("authorization", "")), 400, bad)
        expect("x-amz-date" in headers, 400, bad)
        service, _, action = headers["x-amz-target"].partition(".")
        expect(service == "TrentService", 400, {"__type": "UnknownOperationException"})
        given = "Plaintext" if action == "Encrypt" else "CiphertextBlob"
        key, algorithm, context, data = members(
            body, "KeyId", "EncryptionAlgorithm", "EncryptionContext", given
        )
        expect(key == self.arn, 400, {"__type": "NotFoundException", "message": "x"})
        expect(algorithm == "SYMMETRIC_DEFAULT")
        aad = json.dumps(context, sort_keys=True).encode()
        answer = {"KeyId": self.arn, "EncryptionAlgorithm": algorithm}
        if action == "Encrypt":
            return answer | {"CiphertextBlob": b64(self.seal(unb64(data), aad))}
        bad = {"__type": "InvalidCiphertextException"}
        return answer | {"Plaintext": b64(self.unseal(unb64(data), aad, 400, bad))}


def checksum(data):
    """CRC-32C by its definition: division of polynomials, bit by bit."""
    bits = int("".join(f"{byte:08b}"[::-1] for byte in data) or "0", 2) << 32
    bits ^= 0xFFFFFFFF << (8 * len(data))
    for at in range(8 * len(data) + 31, 31, -1):
        if bits >> at & 1:
            bits ^= 0x11EDC6F41 << (at - 32)
    return int(f"{bits ^ 0xFFFFFFFF:032b}"[::-1], 2)


class Google(Service):
    key = "projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k"

    def answer(self, path, headers, body):
        bearer(headers)
        expect(headers["content-type"] == "application/json")
        name, _, action = path.removeprefix("/v1/").partition(":")
        expect(name == self.key and action in {"encrypt", "decrypt"}, 404)
        given = "plaintext" if action == "encrypt" else "ciphertext"
        extra = "additionalAuthenticatedData"
        data, crc, aad, aad_crc = members(body, given, f"{given}Crc32c", extra, f"{extra}Crc32c")
        data, aad = unb64(data), unb64(aad)
        expect(crc == str(checksum(data)) and aad_crc == str(checksum(aad)))
        if action == "decrypt":
            plain = self.unseal(data, aad, 400)
            return {"plaintext": b64(plain), "plaintextCrc32c": str(checksum(plain))}
        sealed = self.seal(data, aad)
        return {
            "name": f"{self.key}/cryptoKeyVersions/1",
            "ciphertext": b64(sealed),
            "ciphertextCrc32c": str(checksum(sealed)),
            "verifiedPlaintextCrc32c": True,
            "verifiedAdditionalAuthenticatedDataCrc32c": True,
            "protectionLevel": "SOFTWARE",
        }


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unurl64(text):
    expect(re.fullmatch(r"[A-Za-z0-9_-]+", text))
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Azure(Service):
    wrapping, signing = f"/keys/app/{'a' * 32}", f"/keys/app-signs/{'b' * 32}"
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    pss = padding.PSS(padding.MGF1(SHA256()), 32)
    hashed = utils.Prehashed(SHA256())
    pairs: tuple = ()

    def __init__(self):
        super().__init__()
        if not Azure.pairs:
            Azure.pairs = tuple(rsa.generate_private_key(65537, 2048) for _ in range(2))
        self.wraps, self.signs = Azure.pairs
        self.origin = ""

    def answer(self, path, headers, body):
        bearer(headers)
        path, _, query = path.partition("?")
        expect(query == "api-version=7.4" and headers["content-type"] == "application/json")
        key, _, action = path.rpartition("/")
        kid = f"{self.origin}{key}"
        if key == self.wrapping and action in {"wrapkey", "unwrapkey"}:
            algorithm, value = members(body, "alg", "value")
            expect(algorithm == "RSA-OAEP-256")
            return {"kid": kid, "value": url64(self._rsa(action, unurl64(value)))}
        expect(key == self.signing, 404)
        if action == "sign":
            algorithm, value = members(body, "alg", "value")
            expect(algorithm == "PS256" and len(unurl64(value)) == 32)
            return {
                "kid": kid,
                "value": url64(self.signs.sign(unurl64(value), self.pss, self.hashed)),
            }
        expect(action == "verify", 404)
        algorithm, digest, value = members(body, "alg", "digest", "value")
        expect(algorithm == "PS256")
        try:
            self.signs.public_key().verify(unurl64(value), unurl64(digest), self.pss, self.hashed)
        except InvalidSignature:
            return {"value": False}
        return {"value": True}

    def _rsa(self, action, data):
        if action == "wrapkey":
            return self.wraps.public_key().encrypt(data, self.oaep)
        try:
            return self.wraps.decrypt(data, self.oaep)
        except ValueError:
            raise RefusedError(400, {"error": {"code": "BadParameter"}}) from None


class Vault(Service):
    def answer(self, path, headers, body):
        expect(headers.get("x-vault-token") == TOKEN, 403, {"errors": ["permission denied"]})
        expect(headers.get("x-vault-request") == "true")
        expect(path in {"/v1/team/transit/encrypt/app", "/v1/team/transit/decrypt/app"}, 404)
        if "/encrypt/" in path:
            plain, aad = map(unb64, members(body, "plaintext", "associated_data"))
            sealed = f"vault:v1:{b64(self.seal(plain, aad))}"
            return {"data": {"ciphertext": sealed, "key_version": 1}, "lease_duration": 0}
        sealed, aad = members(body, "ciphertext", "associated_data")
        wrong = {"errors": ["cipher: message authentication failed"]}
        expect(sealed.startswith("vault:v1:"), 400, wrong)
        plain = self.unseal(unb64(sealed[9:]), unb64(aad), 400, wrong)
        return {"data": {"plaintext": b64(plain)}}


def _handler(service):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            service.asked.append(self.path)
            status, answer = 200, {}
            fault = service.faults.pop(0) if service.faults else None
            if fault == "hang":
                time.sleep(0.6)
            if fault in {"hang", "drop"}:
                self.close_connection = True
                return
            try:
                expect(not isinstance(fault, int), fault)
                answer = service.answer(self.path, headers, service.read(body))
            except RefusedError as refusal:
                status, answer = refusal.status, refusal.body
            except (KeyError, TypeError, ValueError, AttributeError):
                status = 400
            if service.change is not None and status == 200:
                answer = service.change(answer)
            sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *arguments):
            pass

    return Handler


@contextmanager
def serving(service):
    """The origin at which it answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
