from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from tests.accounts.application import KEY
from zenith.abuse import ProofOfWork, solve
from zenith.kernel.keys import Secret, derive

OLD = Secret("oJ4mQ8zPf2LkVb7NcXw5RtYs9HdGa3Ue6iTn1BpZvM0r")
NOW = 1_000_000.0


@pytest.fixture
def work():
    return ProofOfWork([KEY])


def issue(work, subject="ada", numbers=50):
    return work.issue(subject, now=NOW, lifetime=60, numbers=numbers).as_json()


def payload(**fields):
    return base64.b64encode(json.dumps(fields).encode()).decode()


def test_a_solution_is_accepted_until_it_expires(work):
    challenge = issue(work)
    proof = work.check(solve(challenge), "ada", now=NOW + 59)
    assert proof is not None
    assert proof.key == f"proof:{challenge['challenge']}"
    assert proof.expires_at == NOW + 60
    assert work.check(solve(challenge), "ada", now=NOW + 60) is None


def test_the_wire_form_is_the_protocols(work):
    """What any ALTCHA client reads and any ALTCHA server would accept."""
    challenge = issue(work)
    assert list(challenge) == ["algorithm", "challenge", "maxnumber", "salt", "signature"]
    solution = json.loads(base64.b64decode(solve(challenge)))
    hashed = hashlib.sha256(f"{solution['salt']}{solution['number']}".encode()).hexdigest()
    assert hashed == challenge["challenge"]
    key = derive(KEY, "abuse/proof-of-work")
    expected = hmac.new(key, challenge["challenge"].encode(), "sha256").hexdigest()
    assert challenge["signature"] == expected
    assert "?expires=1000060&" in challenge["salt"]


def test_members_that_clients_add_do_not_matter(work):
    challenge = issue(work)
    solution = json.loads(base64.b64decode(solve(challenge)))
    assert work.check(payload(**solution, took=12, test=False), "ada", now=NOW) is not None


def test_former_secrets_still_verify():
    challenge = issue(ProofOfWork([OLD]))
    assert ProofOfWork([KEY, OLD]).check(solve(challenge), "ada", now=NOW) is not None
    assert ProofOfWork([KEY]).check(solve(challenge), "ada", now=NOW) is None


def test_challenges_differ(work):
    assert len({issue(work)["challenge"] for _ in range(20)}) == 20


def test_what_has_no_solution_says_so(work):
    with pytest.raises(ValueError, match="no number"):
        solve({**issue(work), "challenge": "0" * 64})


GARBAGE = [
    "",
    "x",
    "=" * 4,
    "A" * 3_000,
    base64.b64encode(b"\xff\xfe").decode(),
    base64.b64encode(b"[" * 1_400).decode(),
    base64.b64encode(b"[]").decode(),
    base64.b64encode(b"1e999").decode(),
    "\u00e9" * 8,
]


@pytest.mark.parametrize("text", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_no_solution(work, text):
    assert work.check(text, "ada", now=NOW) is None
