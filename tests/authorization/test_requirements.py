from __future__ import annotations

import pytest

from zenith.authorization.requirements import Anyone, HasPermission, HasRole, HasScope, SignedIn
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, Principal

ALICE = Principal(
    subject="alice",
    roles=frozenset({"editor", "user"}),
    permissions=Permissions(["posts:*", "users:read:own"]),
    scopes=frozenset({"read"}),
)


@pytest.mark.parametrize(
    ("requirement", "alice", "anonymous"),
    [
        (Anyone(), True, True),
        (SignedIn(), True, False),
        (HasPermission("posts:write"), True, False),
        (HasPermission("users:read"), False, False),
        (HasPermission("posts"), False, False),
        (HasRole("editor"), True, False),
        (HasRole("admin"), False, False),
        (HasScope("read"), True, False),
        (HasScope("write"), False, False),
    ],
)
def test_who_is_admitted(requirement, alice, anonymous):
    assert requirement.decide(ALICE).allowed is alice
    assert requirement.decide(ANONYMOUS).allowed is anonymous


def test_a_credential_without_scopes_has_none():
    assert HasScope("read").decide(Principal(subject="bob")).denied


def test_a_denial_says_what_is_missing_and_who_lacks_it_only_to_the_log():
    denial = HasPermission("users:write").decide(ALICE)
    assert denial.detail == "Permission denied: users:write required"
    assert denial.reason == "user alice lacks users:write"
    assert HasRole("admin").decide(ANONYMOUS).reason == "anonymous - lacks admin"
    assert HasScope("x").decide(ALICE).detail == "Insufficient scope: x required"


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        (Anyone(), "public"),
        (SignedIn(), "authenticated"),
        (HasPermission("a:b"), "permission a:b"),
        (HasRole("admin"), "role admin"),
        (HasScope("read"), "scope read"),
    ],
)
def test_descriptions(requirement, text):
    assert requirement.describe() == text


@pytest.mark.parametrize(
    "make",
    [
        lambda: HasPermission("users:*"),
        lambda: HasPermission(""),
        lambda: HasRole(""),
        lambda: HasScope(""),
        lambda: HasScope("two words"),
        lambda: HasScope("line\nfeed"),
    ],
)
def test_what_cannot_be_required_refuses_the_start(make):
    with pytest.raises(ConfigurationError):
        make()
