from __future__ import annotations

from typing import Any

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.rbac import RbacSettings


def test_defaults_hold() -> None:
    settings = RbacSettings()
    assert settings.administrator == "super_admin"
    assert settings.role_set().has_permission("super_admin", "anything")


def test_own_roles_take_the_place_of_the_defaults() -> None:
    hierarchy = {"owner": 2, "member": 1}
    settings = RbacSettings(
        hierarchy=hierarchy,
        permissions={"owner": ["*"], "member": ["docs:read"]},
        administrator="owner",
    )
    hierarchy["intruder"] = 3
    roles = settings.role_set()
    assert roles.roles == {"owner", "member"}
    assert roles.has_permission("owner", "docs:write")
    assert not roles.has_role("user", "user")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"administrator": "root"}, "unknown role `root`"),
        ({"administrator": "admin"}, r"does not grant `\*`"),
        (
            {
                "hierarchy": {"super_admin": 1, "other": 1, "user": 0},
                "permissions": {"super_admin": ["*"]},
            },
            "does not imply other",
        ),
        ({"hierarchy": {"super_admin": 1}}, "has no level"),
    ],
)
def test_unsound_settings_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        RbacSettings(**wrong)
    assert caught.value.fix
