"""The keys of encrypted values, from the first to the destruction of the second to last."""

from __future__ import annotations

import asyncio
import importlib
import json
import secrets
import sqlite3
import sys
from contextlib import closing

import pytest
from sqlalchemy import text

from tests.cli import conftest
from zenith.cli import encryption_keys, progress
from zenith.encryption import FileKeyProvider, SubjectErasedError
from zenith.kernel.keys import new_token

APPLICATION = """
from sqlalchemy import Column
from sqlmodel import Field
from zenith import Zenith, ZenithModel
from zenith.encryption import EncryptedJSON, EncryptedString

app = Zenith()
index = app.encryption.blind_index("digits")

class {model}(ZenithModel, table=True):
    __tablename__ = "people_of_keys"
    id: int = Field(primary_key=True)
    ssn: str = Field(sa_column=Column(EncryptedString(app.encryption, index=index)))
    note: list = Field(sa_column=Column(EncryptedJSON(app.encryption)))

Model = {model}
tables = app.models
number = 5
"""


class Program:
    """The module of an application, which each command reads as a new process would."""

    def __init__(self, folder):
        self.folder = folder
        self.name = ""
        self.begin()

    @property
    def target(self):
        return f"{self.name}:app"

    def begin(self):
        """Under a new name, since one process imports a module once."""
        self.end()
        self.name = f"app_{secrets.token_hex(4)}"
        model = self.name.title().replace("_", "")
        (self.folder / f"{self.name}.py").write_text(APPLICATION.format(model=model))

    def end(self):
        module = sys.modules.pop(self.name, None)
        if module is not None and hasattr(module, "Model"):
            module.Model.metadata.remove(module.Model.__table__)

    def do(self, work):
        self.begin()
        module = importlib.import_module(self.name)

        async def whole():
            try:
                return await work(module)
            finally:
                await module.app.models.close()
                await module.app.assembly.database.close()

        try:
            return asyncio.run(whole())
        finally:
            self.begin()

    def fill(self, count):
        async def work(module):
            async with module.app.models.open():
                for each in range(1, count + 1):
                    await module.Model.create({"id": each, "ssn": f"{each:09}", "note": [each]})

        self.do(work)

    def rows(self):
        async def work(module):
            async with module.app.models.open():
                rows = await module.Model.where().order_by("id").all()
                found = await module.Model.where(ssn="000-00-0007").all()
                return [(row.id, row.ssn, row.note) for row in rows], [row.id for row in found]

        return self.do(work)


@pytest.fixture
def program(zenith, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(encryption_keys, "MARGIN", 0.0)
    monkeypatch.setitem(conftest.EASY, "ZENITH_ENCRYPTION__REFRESH", "0.1")
    zenith("keys", "generate")
    program = Program(tmp_path)
    yield program
    program.end()


@pytest.fixture
def keys(zenith, program):
    """A command on keys, with the application anew."""

    def call(*arguments):
        program.begin()
        return zenith("keys", *(program.target if each is program else each for each in arguments))

    return call


def listed(zenith):
    return json.loads(zenith("keys", "list", "--json").stdout)["encryption"]


def states(zenith, use="values"):
    return {key["id"]: key["state"] for key in listed(zenith) if key["use"] == use}


def events(zenith):
    """What the audit log has of keys, the oldest first."""
    found = json.loads(zenith("audit", "search", "--json", "--limit", "100").stdout)["events"]
    kinds = ("ENCRYPTION_", "VALUES_")
    return [event for event in reversed(found) if event["type"].startswith(kinds)]


def test_keys_are_made_once(zenith, tmp_path):
    answer = zenith("keys", "generate")
    assert answer.exit_code == 0
    assert "keep a copy" in answer.stdout
    assert sorted(states(zenith).values()) == ["encrypts"]
    table = zenith("keys", "list").stdout
    assert "indexes" in table
    again = zenith("keys", "generate")
    assert again.exit_code == 1
    assert "rotate --encryption" in again.output


def test_production_needs_a_key_of_its_own(zenith, tmp_path, monkeypatch):
    production = {
        "ZENITH_ENV": "production",
        "ZENITH_SECRET_KEY": new_token(48),
        "ZENITH_ORIGIN": "https://app.example.org",
    }
    path = tmp_path / "secrets" / "encryption.key"
    monkeypatch.delenv("ZENITH_PASSWORDS__PROFILE", raising=False)
    monkeypatch.delitem(conftest.EASY, "ZENITH_PASSWORDS__PROFILE")
    refused = zenith("keys", "generate", **production)
    assert refused.exit_code == 2
    assert "--key-file" in refused.output
    made = zenith("keys", "generate", "--key-file", str(path), "--json", **production)
    told = json.loads(made.stdout)
    assert (told["key_file"], len(told["id"])) == (str(path), 8)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().strip() not in made.output
    taken = zenith("keys", "generate", "--key-file", str(path), **production)
    assert "exists" in taken.output
    both = zenith(
        *("keys", "generate", "--key-file", str(tmp_path / "x")),
        ZENITH_ENCRYPTION__KEY_FILE=str(path),
        **production,
    )
    assert both.exit_code == 2


def test_encryption_that_is_off_has_no_keys(zenith):
    for command in (["generate"], ["rotate", "--encryption"], ["rotate", "--index"]):
        answer = zenith("keys", *command, ZENITH_ENCRYPTION="off")
        assert answer.exit_code == 2
    assert zenith("keys", "list", ZENITH_ENCRYPTION="off").exit_code == 2
    bad = zenith("keys", "generate", ZENITH_ENCRYPTION__KEY="short")
    assert (bad.exit_code, "ZENITH_ENCRYPTION__KEY" in bad.output) == (2, True)


def test_options_that_do_not_go_together(zenith):
    for more in (["--retire"], ["--index"]):
        assert zenith("keys", "rotate", "--encryption", *more).exit_code == 2


def test_a_key_that_is_lost_is_not_replaced(zenith, tmp_path):
    zenith("keys", "generate")
    (tmp_path / "home" / "encryption.key").unlink()
    answer = zenith("keys", "generate")
    assert answer.exit_code == 2
    assert "restore it" in answer.output


def test_a_rotation_from_the_first_row_to_the_end_of_the_key(zenith, program, keys):
    program.fill(20)
    (former,) = states(zenith)
    told = json.loads(keys("rotate", "--encryption", "--now", "--json").stdout)
    assert (told["former"], told["use"]) == (former, "values")
    assert states(zenith) == {former: "reads", told["id"]: "encrypts"}
    assert "indexes" in keys("rotate", "--index", "--now").stdout
    needed = keys("retire", former, program, "--yes")
    assert (needed.exit_code, "20 rows still need" in needed.output) == (1, True)
    assert keys("retire", former).exit_code == 2
    done = keys("reencrypt", program, "--json")
    assert done.exit_code == 0, done.output
    tables = json.loads(done.stdout)["tables"]
    (table,) = [each for each in tables if each["table"] == "people_of_keys"]
    assert (table["rows"], table["renewed"], table["left"], table["broken"]) == (20, 20, 0, 0)
    asked = keys("retire", former, program)
    assert (asked.exit_code, states(zenith)[former]) == (1, "reads")
    gone = keys("retire", former, program, "--yes", "--json")
    assert json.loads(gone.stdout) == {"kid": former, "retired": True, "recorded": True}
    assert states(zenith)[former] == "destroyed"
    (tag,) = [each for each, state in states(zenith, "indexes").items() if state == "reads"]
    assert "destroyed" in keys("retire", tag, program, "--yes").stdout
    rows, found = program.rows()
    assert rows == [(each, f"{each:09}", [each]) for each in range(1, 21)]
    assert found == [7]
    again = keys("reencrypt", program, "--resume")
    assert "nothing to resume" in again.stdout
    assert "recorded" not in again.stdout
    destroyed = [event for event in events(zenith) if event["type"] == "ENCRYPTION_KEY_DESTROYED"]
    assert [(event["target"], event["severity"]) for event in destroyed] == [
        (former, "WARNING"),
        (tag, "WARNING"),
    ]
    assert {event["type"] for event in events(zenith)} >= {
        "ENCRYPTION_KEY_ROTATED",
        "VALUES_REENCRYPTED",
    }


def test_a_row_that_does_not_open_is_named(zenith, program):
    program.fill(3)

    async def spoil(module):
        async with module.app.models.engine.begin() as connection:
            await connection.execute(text("UPDATE people_of_keys SET ssn = 'ze1.A' WHERE id = 2"))

    program.do(spoil)
    answer = zenith("keys", "reencrypt", f"{program.name}:tables")
    assert answer.exit_code == 1
    assert "does not open: 2" in answer.output
    assert "nothing was recorded: it was no Zenith application" in answer.output


def test_names_of_other_things_are_refused(zenith, program):
    answer = zenith("keys", "reencrypt", f"{program.name}:number")
    assert (answer.exit_code, "ModelDatabase" in answer.output) == (2, True)


def test_keys_of_subjects_follow(zenith, program, keys):
    zenith("db", "upgrade")

    async def write(module):
        return (await module.app.subject_keys.service_for("ada")).encrypt("Dear Ada")

    sealed = program.do(write)
    (former,) = states(zenith)
    assert keys("reencrypt", program).exit_code == 0
    keys("rotate", "--encryption", "--now")
    assert "1 subject keys" in keys("retire", former, program, "--yes").output
    assert "subject keys: 1" in keys("reencrypt", program).stdout
    assert keys("retire", former, program, "--yes").exit_code == 0

    async def read(module):
        found = (await module.app.subject_keys.existing("ada")).decrypt(sealed)
        await module.app.subject_keys.erase("ada")
        with pytest.raises(SubjectErasedError):
            await module.app.subject_keys.existing("ada")
        return found

    assert program.do(read) == "Dear Ada"


def test_a_key_of_a_subject_that_does_not_open_ends_the_command(zenith, program, keys):
    zenith("db", "upgrade")

    async def spoil(module):
        await module.app.subject_keys._store.add("ada", "ze1.AAAA")

    program.do(spoil)
    answer = keys("reencrypt", program)
    assert (answer.exit_code, "subject key does not open" in answer.output) == (1, True)


def test_a_rotation_waits_until_processes_know_the_key(zenith, monkeypatch):
    zenith("keys", "generate")
    slept = []
    clock = [0.0]

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds
        if len(slept) == 1:
            assert sorted(states(zenith).values()) == ["encrypts", "planned"]

    monkeypatch.setattr(encryption_keys.time, "sleep", sleep)
    monkeypatch.setattr(encryption_keys.time, "monotonic", lambda: clock[0])
    assert zenith("keys", "rotate", "--encryption").exit_code == 0
    assert sum(slept) == pytest.approx(12)
    assert sorted(states(zenith).values()) == ["encrypts", "reads"]


def test_rows_are_looked_at_once_nobody_writes_under_the_key(zenith, program, keys, monkeypatch):
    program.fill(1)
    (former,) = states(zenith)
    keys("rotate", "--encryption", "--now")
    keys("reencrypt", program)
    waited = []

    async def written(module):
        ring = module.app.encryption.keyring
        (reads,) = [key for key in ring.keys if key.id.hex() == former]
        ring.rotate(reads)
        async with module.app.models.open():
            await module.Model.create({"id": 2, "ssn": "000000002", "note": []})

    def late(seconds):
        """Until now a process has not heard of the rotation, and writes."""
        waited.append(seconds)
        name = program.name
        program.do(written)
        program.name = name

    monkeypatch.setattr(encryption_keys, "MARGIN", 60.0)
    monkeypatch.setattr(encryption_keys, "_let_processes_learn", late)
    answer = keys("retire", former, program, "--yes")
    assert (answer.exit_code, "1 rows still need" in answer.output) == (1, True)
    assert states(zenith)[former] == "reads"
    assert [30 < seconds <= 60.2 for seconds in waited] == [True]


def test_nobody_waits_to_write_while_the_keeper_of_the_key_is_asked(zenith, tmp_path, monkeypatch):
    """Attack: a key management service that does not answer, and with it everybody's sign-in. The
    record of what is done is written when the service has answered, in one transaction.
    """
    zenith("keys", "generate")
    zenith("keys", "list")
    asked = []
    wrap = FileKeyProvider.wrap

    async def look_and_wrap(self, data_key, *, context):
        with closing(sqlite3.connect(tmp_path / "home" / "zenith.db", timeout=0.1)) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        asked.append(context)
        return await wrap(self, data_key, context=context)

    monkeypatch.setattr(FileKeyProvider, "wrap", look_and_wrap)
    assert zenith("keys", "rotate", "--encryption", "--now").exit_code == 0
    rotated = len(asked)
    assert rotated
    fresh = tmp_path / "fresh.key"
    assert zenith("keys", "rewrap", "--key-file", str(fresh)).exit_code == 0
    assert len(asked) > rotated
    kinds = [event["type"] for event in events(zenith)]
    assert "ENCRYPTION_KEY_ROTATED" in kinds


def test_a_key_is_not_destroyed_for_want_of_a_database(zenith, program, keys, tmp_path):
    program.fill(1)
    (former,) = states(zenith)
    keys("rotate", "--encryption", "--now")
    elsewhere = {"ZENITH_QUERY__URL": f"sqlite:///{tmp_path}/elsewhere.db"}
    program.begin()
    answer = zenith("keys", "retire", former, program.target, "--yes", **elsewhere)
    assert answer.exit_code == 2
    assert states(zenith)[former] == "reads"


def test_bars_are_for_terminals(capsys, monkeypatch):
    with progress.Bar("x", total=2) as bar:
        bar.show(1, text="\x1b[2Jy", total=3)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    with progress.Bar("[red]x", total=2) as bar:
        bar.show(1, text="\x1b[2Jy [b]")
    assert "\x1b[2Jy" not in capsys.readouterr().err
