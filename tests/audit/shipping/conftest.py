from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from zenith.outbound import certificates, transport


@pytest.fixture(autouse=True, scope="session")
def _authorities_once() -> Iterator[None]:
    """Each client of its own reads the system's authorities, which takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "usual_context", cache(certificates.usual_context))
        yield
