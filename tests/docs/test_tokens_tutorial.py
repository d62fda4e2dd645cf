"""The tutorial of tokens, followed by the letter, and what the how-to pages claim."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import httpx
import pytest

from tests.docs import test_tutorial
from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import run
from tests.tokens.fakes import SECRET
from zenith.tokens import DpopVerifier, ProofRequest

TUTORIAL = Page(ROOT / "docs" / "tutorial" / "tokens.md")
HOW_TO = ROOT / "docs" / "how-to"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_commands_do_what_the_text_says(serve, tmp_path, monkeypatch):
    (block,) = TUTORIAL.blocks("python")
    (tmp_path / "main.py").write_text(block.text)
    fast = {"ZENITH_PASSWORDS__PROFILE": "testing", "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0"}
    served = serve("main:app", env={"PYTHONPATH": str(ROOT / "src"), **fast}, cwd=tmp_path)
    monkeypatch.setattr(test_tutorial, "TUTORIAL", TUTORIAL)
    statuses, printed = test_tutorial.follow(served.url, tmp_path)
    assert statuses == [201, 200, 200, 200, 200, 200, 401, 200, 200]
    keys = httpx.get(served.url + "/.well-known/jwks.json").json()["keys"]
    assert [key["alg"] for key in keys] == ["EdDSA"]
    following = json.loads((tmp_path / "next.json").read_text())["refresh_token"]
    assert following in "".join(printed), "the same again within ten seconds"


@pytest.fixture
def _own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_own_folder")
async def test_a_stolen_key_is_replaced(monkeypatch):
    names = SimpleNamespace(**run(Page(HOW_TO / "rotate-keys.md"), monkeypatch))
    assembly = names.app.assembly
    await assembly.start()
    (stolen,) = assembly.keyring.keys
    fresh = await names.replace_the_key()
    assert [key.kid for key in assembly.keyring.keys] == [fresh] != [stolen.kid]
    await assembly.stop()


@pytest.mark.usefixtures("_own_folder")
async def test_the_shown_proof_holds(monkeypatch):
    names = SimpleNamespace(**run(Page(HOW_TO / "bind-tokens.md"), monkeypatch))

    class Seen:
        async def claim(self, digest, *, now, expires_at):
            return True

    verifier = DpopVerifier(Seen(), [SECRET], origin="https://shop.example")
    proof = names.proof("GET", "https://shop.example/me", "token").encode()
    request = ProofRequest(method="GET", path="/me", proofs=[proof])
    assert await verifier.verify(request, credential="token") == names.thumbprint
