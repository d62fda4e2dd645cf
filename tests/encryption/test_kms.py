"""Key-encryption keys in key management services, against servers that keep to their references."""

from __future__ import annotations

import json
import ssl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.encryption import kms_servers as servers
from zenith.encryption import (
    DecryptionError,
    Encryption,
    EncryptionSettings,
    KeyFile,
    KeyState,
    encryption,
)
from zenith.encryption.kms import (
    AwsKeyService,
    AzureKeyService,
    GoogleKeyService,
    ServiceKeyProvider,
    VaultKeyService,
    azure_token,
    choice,
    google_token,
)
from zenith.encryption.kms.calls import Calls
from zenith.encryption.kms.crc32c import crc32c
from zenith.encryption.kms.service import checked_url, data_of
from zenith.kernel.errors import ConfigurationError

PLAIN = bytes(range(36))
TLS = ssl.create_default_context()
OPENING = {"aws": 1, "google": 1, "azure": 2, "vault": 1}


class Stage:
    """One service on loopback, and what asks it."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.server = {
            "aws": servers.Aws,
            "google": servers.Google,
            "azure": servers.Azure,
            "vault": servers.Vault,
        }[kind]()
        self.origin = ""
        self.token = folder / "token"
        self.token.write_text(f"{servers.TOKEN}\n")
        self.token.chmod(0o600)

    def service(self, context="shop", *, seconds=5.0, attempts=3):
        calls = Calls("the service", seconds=seconds, attempts=attempts, pause=0.0, tls=TLS)
        if self.kind == "aws":
            return AwsKeyService(
                servers.Aws.arn,
                context=context,
                endpoint=self.origin,
                seconds=seconds,
                attempts=attempts,
            )
        if self.kind == "vault":
            key = f"{self.origin}/team/transit/app"
            return VaultKeyService(key, context=context, token_file=self.token, calls=calls)
        given = {"context": context, "token": lambda: servers.TOKEN, "calls": calls}
        if self.kind == "google":
            return GoogleKeyService(servers.Google.key, endpoint=self.origin, **given)
        wrapping, signing = (
            f"{self.origin}{each}" for each in (servers.Azure.wrapping, servers.Azure.signing)
        )
        return AzureKeyService(wrapping, signing_key=signing, **given)

    def settings(self, **more):
        key = {
            "aws": f"aws:{servers.Aws.arn}",
            "google": f"google:{servers.Google.key}",
            "azure": f"azure:{self.origin}{servers.Azure.wrapping}",
            "vault": f"vault:{self.origin}/team/transit/app",
        }[self.kind]
        has_endpoint = self.kind in {"aws", "google"}
        return EncryptionSettings(
            kms_key=key,
            kms_context="shop",
            kms_endpoint=self.origin if has_endpoint else "",
            kms_token_file=self.token if self.kind == "vault" else None,
            kms_signing_key=f"{self.origin}{servers.Azure.signing}" if self.kind == "azure" else "",
            **more,
        )


@pytest.fixture
def credentials(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def staged(kind, folder):
    stage = Stage(kind, folder)
    with servers.serving(stage.server) as origin:
        stage.origin = stage.server.origin = origin
        yield stage


@pytest.fixture(params=["aws", "google", "azure", "vault"])
def stage(request, tmp_path, credentials):
    yield from staged(request.param, tmp_path)


@pytest.fixture(params=["google", "azure", "vault"])
def posted(request, tmp_path):
    yield from staged(request.param, tmp_path)


@pytest.fixture
def one(request, tmp_path, credentials):
    yield from staged(request.param, tmp_path)


async def refused(work, *told):
    with pytest.raises(ConfigurationError) as caught:
        await work
    text = str(caught.value)
    assert all(each in text for each in told), text
    assert "secret-of" not in text
    assert servers.TOKEN not in text
    return text


# What holds for all ------------------------------------------------------------------------------


async def test_what_is_wrapped_opens_for_this_deployment_only(stage):
    service = stage.service()
    sealed = await service.encrypt(PLAIN)
    assert PLAIN not in sealed
    assert await service.decrypt(sealed) == PLAIN
    assert await stage.service().decrypt(sealed) == PLAIN
    with pytest.raises(DecryptionError):
        await stage.service("staging").decrypt(sealed)


async def test_what_was_changed_does_not_open(stage):
    service = stage.service()
    sealed = await service.encrypt(PLAIN)
    at = len(sealed) // 2
    turned = b"B" if sealed[at : at + 1] == b"A" else b"A"
    for other in (
        sealed[:at] + turned + sealed[at + 1 :],
        sealed[:-24],
        b"",
        b"\x00",
        b"ze\xff" * 9,
    ):
        with pytest.raises(DecryptionError):
            await service.decrypt(other)


async def test_keys_of_an_application_open_by_one_question(stage, tmp_path):
    file = KeyFile(tmp_path / "keys.json", ServiceKeyProvider(stage.service()))
    keys = await file.create()
    await file.change(lambda each: each.values.rotate(type(each.values.active).new()))
    sealed = Encryption(await file.read(), file).encrypt("x")
    stage.server.asked.clear()
    again = KeyFile(file.path, ServiceKeyProvider(stage.service()))
    read = await again.read()
    assert len(stage.server.asked) == OPENING[stage.kind]
    assert Encryption(read, again).decrypt(sealed) == "x"
    assert {key.id for key in keys.values.keys} < {key.id for key in read.values.keys}
    other = KeyFile(file.path, ServiceKeyProvider(stage.service("staging")))
    await refused(other.read(), "does not open")


async def test_settings_name_it(stage, tmp_path, monkeypatch):
    for module, name in ((google_token, "google_token"), (azure_token, "azure_token")):
        monkeypatch.setattr(module, name, lambda **_: lambda: servers.TOKEN)
    settings = stage.settings(kms_timeout=5.0)
    assert settings.has_key
    file = encryption.key_file(settings, folder=tmp_path)
    (key,) = (await file.create()).values.keys
    assert key.state is KeyState.ACTIVE
    service = choice.key_service(settings)
    assert await service.decrypt(await service.encrypt(PLAIN)) == PLAIN


@pytest.mark.parametrize("fault", [503, 429, "drop"])
async def test_what_passes_is_tried_again(stage, fault):
    service = stage.service()
    sealed = await service.encrypt(PLAIN)
    stage.server.faults.append(fault)
    assert await service.decrypt(sealed) == PLAIN


async def test_tries_are_counted(posted):
    for fault, told in ((503, "503"), ("drop", "does not answer")):
        posted.server.asked.clear()
        posted.server.faults[:] = [fault] * 9
        await refused(posted.service().encrypt(PLAIN), told)
        assert len(posted.server.asked) == 3


async def test_a_refusal_is_no_reason_to_ask_again(stage):
    service = stage.service()
    sealed = await service.encrypt(PLAIN)
    stage.server.asked.clear()
    stage.server.faults[:] = [403, 403]
    await refused(service.encrypt(PLAIN), "refuses")
    await refused(service.decrypt(sealed), "refuses")
    assert len(stage.server.asked) == 2


async def test_silence_has_an_end(stage):
    stage.server.faults[:] = ["hang"]
    await refused(stage.service(seconds=0.2, attempts=1).encrypt(PLAIN), "does not answer")


async def test_a_bad_question_is_no_broken_key(posted):
    """400 means another thing where nothing is to be opened."""
    posted.server.faults[:] = [400]
    await refused(posted.service().encrypt(PLAIN), "status 400")


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: b"[]",
        lambda answer: b"no JSON, secret-of-the-service",
        lambda answer: b"[" * 40_000,
        lambda answer: b" " * 70_000,
        lambda answer: {},
        lambda answer: {"data": 5, "kid": answer.get("kid")},
    ],
)
async def test_answers_of_another_kind_are_refused(posted, change):
    posted.server.change = change
    await refused(posted.service().encrypt(PLAIN), "answers")


async def test_answers_without_end_are_cut_off(posted):
    posted.server.change = lambda answer: {**answer, "more": "x" * 70_000}
    await refused(posted.service().encrypt(PLAIN), "more than a key")


# What each documents -----------------------------------------------------------------------------


@pytest.mark.parametrize("one", ["aws"], indirect=True)
@pytest.mark.parametrize(
    "changed",
    [{"KeyId": "arn:aws:kms:eu-central-1:111122223333:key/other"}, {"CiphertextBlob": None}],
)
async def test_aws_answers_for_the_key_that_was_asked(one, changed):
    one.server.change = lambda answer: {**answer, **changed}
    await refused(one.service().encrypt(PLAIN), "answers")


@pytest.mark.parametrize("one", ["aws"], indirect=True)
async def test_aws_refusals_are_told_by_their_code(one):
    unknown = one.server.arn.replace("1234abcd", "ffff0000")
    service = AwsKeyService(unknown, context="shop", endpoint=one.origin)
    await refused(service.encrypt(PLAIN), "NotFoundException")
    bad = {"__type": "secret-of the service", "message": "x"}
    one.server.answer = lambda *_: servers.expect(False, 400, bad)
    await refused(one.service().encrypt(PLAIN), "an error")


@pytest.mark.parametrize("one", ["aws"], indirect=True)
def test_aws_is_asked_in_any_thread_by_one_client(one):
    service = one.service()
    answers = [service._ask("encrypt", {"Plaintext": PLAIN}) for _ in range(2)]
    assert answers[0]["CiphertextBlob"] != answers[1]["CiphertextBlob"]


@pytest.mark.parametrize("one", ["aws"], indirect=True)
async def test_aws_is_not_asked_by_nobody(one, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    await refused(one.service().encrypt(PLAIN), "nobody is signed in")


@pytest.mark.parametrize(
    "key",
    [
        "alias/app",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        servers.Aws.arn.replace(":key/", ":alias/"),
    ],
)
def test_aws_keys_are_named_by_their_arn(key):
    with pytest.raises(ConfigurationError, match="ARN"):
        AwsKeyService(key, context="shop")


def test_aws_has_an_address_of_its_own():
    assert AwsKeyService(servers.Aws.arn, context="shop")._endpoint is None


@pytest.mark.parametrize("one", ["google"], indirect=True)
@pytest.mark.parametrize(
    "changed",
    [
        {"name": "projects/p/locations/l/keyRings/r/cryptoKeys/other/cryptoKeyVersions/1"},
        {"verifiedPlaintextCrc32c": False},
        {"verifiedAdditionalAuthenticatedDataCrc32c": None},
        {"ciphertextCrc32c": "1"},
        {"ciphertextCrc32c": None},
        {"ciphertext": "AAAA"},
        {"ciphertext": "A*"},
    ],
)
async def test_google_confirms_what_it_got_and_gave(one, changed):
    one.server.change = lambda answer: {**answer, **changed}
    await refused(one.service().encrypt(PLAIN))


@pytest.mark.parametrize("one", ["google"], indirect=True)
async def test_google_says_what_came_out(one):
    sealed = await one.service().encrypt(PLAIN)
    one.server.change = lambda answer: {**answer, "plaintext": servers.b64(b"another")}
    await refused(one.service().decrypt(sealed), "changed on the way")


def test_google_keys_are_named_without_version():
    for key in ("k", f"{servers.Google.key}/cryptoKeyVersions/1"):
        with pytest.raises(ConfigurationError, match="cryptoKeys"):
            GoogleKeyService(key, context="shop", token=str)
    service = GoogleKeyService(servers.Google.key, context="shop", token=str)
    assert service._url == f"https://cloudkms.googleapis.com/v1/{servers.Google.key}"


def test_checksums_are_those_of_the_standard():
    """RFC 3720 appendix B.4."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"\x00" * 32) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(PLAIN) == servers.checksum(PLAIN)


@pytest.mark.parametrize("one", ["azure"], indirect=True)
async def test_azure_opens_only_what_the_second_key_has_signed(one):
    """Whoever knows the public key can wrap a key of his own."""
    service = one.service()
    sealed = await service.encrypt(PLAIN)
    end = 2 + int.from_bytes(sealed[:2], "big")
    own = one.server.wraps.public_key().encrypt(b"k" * 36, one.server.oaep)
    other = await service.encrypt(b"k" * 36)
    for forged in (own + sealed[end:], sealed[2:end] + other[end:], own, sealed[2:end]):
        with pytest.raises(DecryptionError):
            await service.decrypt(sealed[:2] + forged)


@pytest.mark.parametrize("one", ["azure"], indirect=True)
async def test_azure_answers_for_the_key_that_was_asked(one):
    one.server.change = lambda answer: {**answer, "kid": "https://other"}
    await refused(one.service().encrypt(PLAIN), "another key")


def test_azure_keys_are_two_and_have_a_version():
    key = f"https://v.vault.azure.net/keys/app/{'a' * 32}"
    for wrapping, signing in ((key, key), (key, "https://v.vault.azure.net/keys/b"), ("x", key)):
        with pytest.raises(ConfigurationError):
            AzureKeyService(wrapping, signing_key=signing, context="shop", token=str)


@pytest.mark.parametrize("one", ["vault"], indirect=True)
async def test_vault_tokens_are_read_anew(one):
    service = one.service()
    one.token.write_text("another")
    await refused(service.encrypt(PLAIN), "403")
    one.token.write_text(servers.TOKEN)
    await service.encrypt(PLAIN)
    one.token.write_text("two\nlines")
    await refused(service.encrypt(PLAIN), "token's file")
    one.token.chmod(0o644)
    await refused(service.encrypt(PLAIN), "chmod 600")


@pytest.mark.parametrize("one", ["vault"], indirect=True)
@pytest.mark.parametrize("text", ["other:v1:AA", "vault:v1:\u00e9"])
async def test_vault_answers_with_its_own_form(one, text):
    one.server.change = lambda answer: {"data": {"ciphertext": text}}
    await refused(one.service().encrypt(PLAIN), "none of its ciphertexts")


@pytest.mark.parametrize(
    "path", ["", "/app", "/transit//app", "/transit/a%2e", "/a/../app", "/transit/app?x=1"]
)
def test_vault_keys_are_named_by_engine_and_name(path, tmp_path):
    with pytest.raises(ConfigurationError):
        VaultKeyService(f"https://vault.example.org{path}", context="shop", token_file=tmp_path)


# Settings and small parts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://kms.example.org",
        "ftp://127.0.0.1",
        "https://",
        "https://user@kms.example.org",
        "https://kms.example.org/#x",
        "kms.example.org",
    ],
)
def test_addresses_that_leave_the_machine_are_encrypted(url):
    with pytest.raises(ConfigurationError, match="here"):
        checked_url(url, setting="here")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kms_key": "other:x", "kms_context": "shop"}, "KMS_KEY"),
        ({"kms_key": "vault:https://v/t/k"}, "KMS_CONTEXT"),
        ({"kms_key": "vault:https://v/t/k", "kms_context": "a\nb"}, "KMS_CONTEXT"),
        ({"kms_key": "aws:x", "kms_context": "a", "key_command": ("/x",)}, "more than one"),
        ({"kms_timeout": 0.0}, "KMS_TIMEOUT"),
    ],
)
def test_settings_that_do_not_fit_are_named(given, told):
    with pytest.raises(ConfigurationError, match=told):
        EncryptionSettings(**given)


def test_vault_needs_a_token():
    settings = EncryptionSettings(kms_key="vault:https://v.example.org/t/k", kms_context="shop")
    with pytest.raises(ConfigurationError, match="KMS_TOKEN_FILE"):
        choice.key_service(settings)


@pytest.mark.parametrize("text", ["A", "AA*A", "é"])
def test_answers_are_base64(text):
    with pytest.raises(ConfigurationError):
        data_of(text, "the service")
    assert data_of("_-8", "the service") == data_of("/+8=", "the service") == b"\xff\xef"


class Fake:
    """A service that does what it is told."""

    name = "fake"

    def __init__(self, sealed=b"sealed", opened=None):
        self.sealed, self.opened, self.plain = sealed, opened, b""

    async def encrypt(self, plain):
        self.plain = plain
        return self.sealed

    async def decrypt(self, sealed):
        if self.opened is DecryptionError:
            raise DecryptionError
        return self.plain if self.opened is None else self.opened


@pytest.mark.parametrize(
    "fake", [Fake(opened=b"other"), Fake(opened=DecryptionError), Fake(b""), Fake(b"x" * 65_536)]
)
async def test_a_key_that_would_not_open_is_never_used(fake):
    with pytest.raises(ConfigurationError, match="fake"):
        await ServiceKeyProvider(fake).wrap(b"k" * 32, context="a")


async def test_wrapped_keys_are_bound_to_their_context():
    provider = ServiceKeyProvider(Fake())
    wrapped = await provider.wrap(b"k" * 32, context="a")
    assert await provider.unwrap(wrapped, context="a") == b"k" * 32
    with pytest.raises(DecryptionError):
        await provider.unwrap(wrapped, context="b")
    for other in (b"", b"\x02" + wrapped[1:], b"\x01\x00\x00abc", wrapped[:9], wrapped[:-1]):
        with pytest.raises(DecryptionError):
            await provider.unwrap(other, context="a")


async def test_a_service_that_opens_to_nothing_opens_nothing():
    wrapped = await ServiceKeyProvider(Fake()).wrap(b"k" * 32, context="a")
    with pytest.raises(DecryptionError):
        await ServiceKeyProvider(Fake(opened=b"")).unwrap(wrapped, context="a")


# Tokens ------------------------------------------------------------------------------------------


class TokenServer(servers.Service):
    def read(self, body):
        return body

    def answer(self, path, headers, body):
        return {"access_token": servers.TOKEN, "expires_in": 3600, "token_type": "Bearer"}


@pytest.fixture
def account(tmp_path, monkeypatch):
    """A service account's file, and the server that gives out its tokens."""
    server = TokenServer()
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with servers.serving(server) as origin:
        path = tmp_path / "account.json"
        path.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "client_email": "app@p.iam.gserviceaccount.com",
                    "private_key": key.decode(),
                    "private_key_id": "1",
                    "token_uri": f"{origin}/token",
                    "project_id": "p",
                }
            )
        )
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        yield server


def test_google_tokens_come_from_the_credentials_at_hand_and_are_kept(account):
    token = google_token.google_token(seconds=5.0)
    assert [token(), token()] == [servers.TOKEN] * 2
    assert account.asked == ["/token"]


def test_a_token_that_nobody_gives_out_is_an_error(account, monkeypatch, tmp_path):
    account.faults[:] = [400] * 9
    with pytest.raises(ConfigurationError, match="nobody"):
        google_token.google_token(seconds=5.0)()
    account.faults[:] = ["drop"] * 9
    monkeypatch.setattr(google_token.httpx, "Client", broken_client(google_token.httpx.Client))
    with pytest.raises(ConfigurationError, match="nobody"):
        google_token.google_token(seconds=0.2)()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="nobody"):
        google_token.google_token(seconds=5.0)()


def broken_client(kind):
    def make(**given):
        return kind(**{**given, "timeout": 0.2})

    return make


def test_azure_tokens_come_from_the_credentials_at_hand(monkeypatch):
    class Credential:
        def __init__(self):
            self.left = 1

        def get_token(self, scope):
            assert scope == "https://vault.azure.net/.default"
            if not self.left:
                raise azure_token.AzureError("secret-of-the-service")
            self.left -= 1
            return type("Token", (), {"token": servers.TOKEN})

    monkeypatch.setattr(azure_token, "DefaultAzureCredential", Credential)
    token = azure_token.azure_token()
    assert token() == servers.TOKEN
    with pytest.raises(ConfigurationError, match="nobody") as caught:
        token()
    assert "secret-of" not in str(caught.value)
