from __future__ import annotations

import pytest

from tests.tokens.proofs import Holder
from zenith.authentication import Possession, is_thumbprint
from zenith.kernel.keys import Secret
from zenith.stores.memory import MemoryProofStore
from zenith.tokens import DpopVerifier


def test_tokens_provide_it() -> None:
    secret = Secret("oJ4mQ8zPf2LkVb7NcXw5RtYs9HdGa3Ue6iTn1BpZvM0r")
    verifier: Possession = DpopVerifier(MemoryProofStore(), [secret], origin="https://example.org")
    assert verifier.challenge.startswith("DPoP ")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        pytest.param(Holder().thumbprint, True, id="a real one"),
        ("A" * 43, True),
        ("A" * 42, False),
        ("A" * 44, False),
        ("A" * 42 + "B", False),
        ("A" * 42 + "=", False),
        ("A" * 42 + "A\n", False),
        ("ä" * 43, False),
    ],
)
def test_a_thumbprint_has_one_spelling(text: str, is_one: bool) -> None:
    assert is_thumbprint(text) is is_one
