from __future__ import annotations

import json
import re

import pytest
from sqlmodel import SQLModel

APPLICATION = """
from typing import ClassVar
from pydantic import BaseModel
from sqlmodel import Field
from zenith import Zenith, ZenithModel, public
from zenith.kernel.sensitive import Sensitive

app = Zenith()

class {name}(ZenithModel, table=True):
    __encryption__: ClassVar = {encryption}
    id: int | None = Field(default=None, primary_key=True)
    email: Sensitive[str, "pii"]

@app.get("/users")
@public
async def users() -> list[{name}]:
    return []
"""


@pytest.fixture
def application(tmp_path, monkeypatch, request):
    made = []

    def make(encryption):
        name = "Data" + re.sub(r"\W", "", request.node.name).title().replace("_", "")
        module = f"data_{name.lower()}"
        text = APPLICATION.format(name=name, encryption=encryption)
        (tmp_path / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("ZENITH_HOME", str(tmp_path / "home"))
        made.append(name.lower())
        return f"{module}:app", name

    yield make
    for name in made:
        SQLModel.metadata.remove(SQLModel.metadata.tables[name])


def test_what_is_encrypted_is_listed(zenith, application):
    module, name = application("app.encryption")
    result = zenith("data", "inventory", module, "--json")
    assert result.exit_code == 0, result.output
    (found,) = [
        each for each in json.loads(result.stdout)["fields"] if each["table"] == name.lower()
    ]
    assert found["encrypted"]
    assert found["category"] == "pii"
    assert found["routes"] == ["GET /users"]
    shown = zenith("data", "inventory", module)
    assert "email" in shown.output
    assert found["shown"] is False  # a ZenithModel's repr leaves it out
    assert "GET /users" in shown.output.replace("\n", "")


def test_strict_fails_for_plain_text(zenith, application):
    module, _ = application("None")
    assert zenith("data", "inventory", module).exit_code == 0
    result = zenith("data", "inventory", module, "--strict")
    assert result.exit_code == 1
    assert "plain text" in result.output


def test_what_is_no_application_is_refused(zenith):
    result = zenith("data", "inventory", "json:dumps")
    assert result.exit_code == 2
    assert "no Zenith application" in result.output
