"""Attack: read what an application leaves behind: logs, error pages, reprs, files. Secrets are
planted in every corner of requests and of the program, everything is provoked to talk, and then
they are searched for (ASVS 14.2.4, 16.2.5, 16.5.1).
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import logging
from dataclasses import replace
from logging.handlers import QueueHandler
from queue import Queue
from typing import Any

import pytest
from fastapi import Request
from pydantic import BaseModel
from sqlalchemy.exc import StatementError

from tests.accounts.application import KEY, browse, make_app, make_settings, running
from zenith.audit import AuditLog, AuditSettings
from zenith.authorization import public
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import Secret
from zenith.kernel.log_settings import LogSettings
from zenith.kernel.sensitive import PII, Sensitive
from zenith.mail import MailSettings
from zenith.outbound import OutboundError
from zenith.pipeline import exchange_of
from zenith.stores.settings import RedisSettings
from zenith.validation import StrictModel

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZHNpZ25hdHVyZQ"
PLANTED = {
    "bearer": JWT,
    "key": "zk_plantedPlantedPlantedPlantedPlantedPlanted1",
    "cookie": "planted-cookie-7b1e",
    "header": "planted-header-91aa",
    "query": "planted-query-4c2d",
    "password": "planted-password-66f0",
    "form": "planted-form-0d3b",
    "iban": "CH9300762011623852957",
    "diagnosis": "planted-diagnosis-5e5e",
    "card": "4111 1111 1111 1111",
    "local": "planted-local-a1a1",
    "cause": "planted-cause-b2b2",
    "parameter": "planted-parameter-c3c3",
    "note": "planted-note-d4d4",
    "extra": "planted-extra-e5e5",
    "url": "planted-url-f6f6",
    "member": "planted-member-0707",
    "database": "planted-database-1818",
    "smtp": "planted-smtp-2929",
    "dotted": "planted-dotted-3a3a",
}
HEALTH = "health"
RAW = {name: value.encode() for name, value in PLANTED.items()}


@pytest.fixture(autouse=True)
def _others_do_not_watch():
    """Applications of other tests, which were never stopped, protect handlers too."""
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    yield
    logging.setLogRecordFactory(before)


class Patient(StrictModel):
    iban: Sensitive[str, PII]
    diagnosis: Sensitive[str, HEALTH]
    password: str = ""
    room: int = 4


class Answer(BaseModel):
    room: int


class Everything(logging.Formatter):
    """A formatter that leaves nothing out: message, exception, stack, and every extra."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record) + json.dumps(vars(record), default=repr)


def settings_of(home, **more):
    return make_settings(
        home,
        mail=MailSettings(
            host="mail.example.org",
            sender="a@example.org",
            username="app",
            password=Secret(PLANTED["smtp"]),
        ),
        redis=None,
        logs=LogSettings(secret_names=("membership",)),
        audit=AuditSettings(json_lines=home / "audit.jsonl"),
        **more,
    )


def fail(patient: Patient, password: str) -> None:
    held = {"password": password, "local": PLANTED["local"]}
    try:
        raise StatementError(
            "near SELECT", "SELECT :a", {"a": PLANTED["parameter"]}, ValueError("no such column")
        )
    except StatementError as error:
        error.add_note(f"secret={PLANTED['note']}")
        try:
            raise LookupError(f"refused token: {PLANTED['cause']}") from error
        except LookupError as inner:
            raise RuntimeError(
                f"{patient} {patient.model_dump()} {len(held)} {password=}"
            ) from inner


def application(tmp_path, *, debug: bool) -> Any:
    app = make_app(tmp_path, settings=settings_of(tmp_path))
    app.debug = debug
    log = logging.getLogger("clinic")

    @app.post("/patients")
    @public
    async def admit(patient: Patient, request: Request) -> Answer:
        log.warning("headers %s", dict(request.headers))
        log.warning("raw %s", request.scope["headers"])
        log.warning("query %s of %s", request.query_params, request.url)
        log.warning("body %s", (await request.body()).decode())
        log.warning("patient %r %s %s", patient, patient.model_dump(), patient.model_dump_json())
        log.warning("iban=%s diagnosis: %s", patient.iban, patient.diagnosis)
        log.warning(
            "paid with %s", PLANTED["card"], extra={"token": PLANTED["extra"], "p": patient}
        )
        log.warning("membership=%s settings %r", PLANTED["member"], app.settings)
        log.warning("exchange %r", exchange_of(request.scope))
        app.assembly.services[AuditLog].note(
            Event(
                type=EventType.DATA_ACCESSED,
                outcome="success",
                at=1.0,
                user_agent=f"token={PLANTED['query']}",
                reason=f"iban={patient.iban} password={PLANTED['password']}",
                details={
                    "iban": patient.iban,
                    "membership": PLANTED["member"],
                    "nested": {"diagnosis": patient.diagnosis, "list": [JWT, PLANTED["card"]]},
                },
            )
        )
        return Answer(room=patient.room)

    @app.post("/broken")
    @public
    async def broken(patient: Patient) -> Answer:
        fail(patient, PLANTED["password"])
        return Answer(room=1)

    @app.post("/form")
    @public
    async def form(request: Request) -> Answer:
        async with request.form() as given:
            log.error("form %s", given, stack_info=True)
        try:
            await app.outbound.get(f"https://10.0.0.1/x?token={PLANTED['url']}")
        except OutboundError:
            log.exception("no call")
        return Answer(room=2)

    return app


HEADERS = {
    "Authorization": f"Bearer {JWT}",
    "X-API-Key": PLANTED["key"],
    "X-Auth-Token": PLANTED["header"],
    "Cookie": f"session={PLANTED['cookie']}; theme=dark",
}
PATIENT = {name: PLANTED[name] for name in ("iban", "diagnosis", "password")}


@pytest.fixture
def logged():
    """What every handler wrote: the root's, the server's, one of the application's own."""
    stream = io.StringIO()
    handlers = []
    for name in ("", "uvicorn", "uvicorn.error", "uvicorn.access", "clinic"):
        logger, handler = logging.getLogger(name), logging.StreamHandler(stream)
        handler.setFormatter(Everything("%(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        handlers.append((logger, handler))
    yield stream
    for logger, handler in handlers:
        logger.removeHandler(handler)


def found_in(text: str | bytes) -> set[str]:
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return {name for name, secret in RAW.items() if secret in raw}


async def provoke(app, client) -> list[str]:
    """Everything that talks; the bodies and headers of all answers."""
    query = {"token": PLANTED["query"], "reset.password": PLANTED["dotted"]}
    calls = [
        ("/patients", {"json": PATIENT}),
        ("/patients", {"json": {**PATIENT, "room": PLANTED["iban"], "unknown": "x"}}),
        ("/patients", {"content": json.dumps(PATIENT)[:-4]}),
        ("/broken", {"json": PATIENT}),
        ("/form", {"data": {"password": PLANTED["form"], "iban": PLANTED["iban"]}}),
        ("/form", {"data": {"password": PLANTED["form"]}, "files": {"a": b"x"}}),
        (f"/reset/{PLANTED['key']}", {"json": PATIENT}),
        ("/auth/login", {"json": {"email": "ada@example.org", "password": PLANTED["password"]}}),
        ("/auth/login", {"json": {"email": PLANTED["password"], "password": 4}}),
    ]
    answers = []
    for accept in ("application/json", "text/html"):
        for path, given in calls:
            headers = {**HEADERS, "Accept": accept}
            for each in (headers, {"Accept": accept, "X-Auth-Token": PLANTED["header"]}):
                answer = await client.post(path, params=query, headers=each, **given)
                answers.append(f"{answer.status_code} {answer.headers} {answer.text}")
    access = logging.getLogger("uvicorn.access")
    access.info('%s - "%s %s HTTP/%s" %d', "::1", "GET", f"/?token={PLANTED['query']}", "1.1", 200)
    return answers


@pytest.mark.parametrize("debug", [False, True], ids=["production", "debug"])
async def test_no_secret_is_left_anywhere(tmp_path, logged, debug):
    app = application(tmp_path, debug=debug)
    app.middleware_stack = None
    async with running(app), browse(app) as client:
        client._transport.raise_app_exceptions = False
        logging.getLogger("uvicorn.access").setLevel(logging.INFO)
        answers = await provoke(app, client)
        try:
            fail(Patient(**PATIENT), PLANTED["password"])
        except RuntimeError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    text = logged.getvalue()
    assert "patient" in text
    assert "Traceback" in text
    assert found_in(text) == set()
    for answer in answers:
        assert found_in(answer) == set(), answer
    assert any(answer.startswith("500") for answer in answers)
    assert any(answer.startswith("422") for answer in answers)
    lines = (tmp_path / "audit.jsonl").read_text()
    assert "DATA_ACCESSED" in lines
    assert "OUTBOUND_REFUSED" in lines
    assert found_in(lines) == set()
    for file in tmp_path.glob("*"):
        assert found_in(file.read_bytes()) == set(), file.name


def test_no_repr_holds_a_secret(tmp_path):
    settings = replace(
        settings_of(tmp_path),
        redis=RedisSettings(url=Secret(f"redis://:{PLANTED['database']}@localhost/0")),
    )
    app = make_app(tmp_path, settings=replace(settings, redis=None))
    patient = Patient(**PATIENT)
    shown = [repr(settings), str(settings), repr(app), repr(app.assembly), repr(vars(app))]
    shown += [repr(patient), str(patient), repr([patient]), f"{patient!r}"]
    for each in (app.assembly, *app.assembly.services.values(), *app.assembly.guards):
        shown += [repr(each), repr(getattr(each, "__dict__", ""))]
    for text in shown:
        assert found_in(text) - {"password"} == set(), text
        assert KEY.reveal() not in text


async def test_the_handlers_are_left_as_they_were(tmp_path, logged):
    handler = logging.getLogger("clinic").handlers[0]
    before = list(handler.filters)
    app = application(tmp_path, debug=False)
    async with running(app):
        assert len(handler.filters) == len(before) + 1
    assert handler.filters == before


async def test_the_application_that_stops_first_leaves_the_other_protected(tmp_path, logged):
    first, second = (application(tmp_path / name, debug=False) for name in ("a", "b"))
    async with running(first):
        stack = contextlib.AsyncExitStack()
        await stack.enter_async_context(running(second))
    logging.getLogger("clinic").warning("token=%s", PLANTED["query"])
    await stack.aclose()
    assert "token=" in logged.getvalue()
    assert found_in(logged.getvalue()) == set()


async def test_protection_may_be_off_by_name(tmp_path, logged):
    app = make_app(tmp_path, settings=replace(settings_of(tmp_path), logs=None))
    assert any(line.startswith("logs is off") for line in app.assembly.report)
    async with running(app):
        logging.getLogger("clinic").warning("token=%s", PLANTED["query"])
    assert found_in(logged.getvalue()) == {"query"}


async def test_handlers_that_are_added_later_are_protected_from_their_first_record(tmp_path):
    """Logs that the application sets up in its own lifespan, or once more while it runs."""
    app, stream = application(tmp_path, debug=False), io.StringIO()
    log, alone = logging.getLogger("clinic.ward"), logging.getLogger("alone")
    handler, other = logging.StreamHandler(stream), logging.StreamHandler(stream)

    @contextlib.asynccontextmanager
    async def lifespan(_):
        log.addHandler(handler)
        log.warning("one token=%s", PLANTED["query"])
        yield

    app.router.lifespan_context = lifespan
    factory = logging.getLogRecordFactory()
    try:
        async with running(app):
            queue: Queue[logging.LogRecord] = Queue()
            alone.addHandler(QueueHandler(queue))
            alone.propagate = False
            alone.warning("two token=%s", PLANTED["query"], extra={"secret": PLANTED["extra"]})
            other.handle(queue.get())
        assert handler.filters == []
        assert logging.getLogRecordFactory() is factory
    finally:
        log.removeHandler(handler)
        alone.handlers.clear()
        alone.propagate = True
    assert [line.partition(" ")[0] for line in stream.getvalue().splitlines()] == ["one", "two"]
    assert found_in(stream.getvalue()) == set()


async def test_factories_of_records_that_others_made_meanwhile_stay(tmp_path):
    """Whoever stops first, and whoever put one above."""
    first, second = (application(tmp_path / name, debug=False) for name in ("a", "b"))
    before = logging.getLogRecordFactory()
    stacks = [contextlib.AsyncExitStack() for _ in range(2)]
    for stack, app in zip(stacks, (first, second), strict=True):
        await stack.enter_async_context(running(app))
    await stacks[0].aclose()
    inner = logging.getLogRecordFactory()
    logging.setLogRecordFactory(functools.partial(inner))
    await stacks[1].aclose()
    logging.getLogger("clinic").warning("handed on")
    assert logging.getLogRecordFactory() not in (before, inner)
    logging.setLogRecordFactory(inner)
    async with running(first):
        pass
    assert logging.getLogRecordFactory() is before
    assert logging.makeLogRecord({"msg": "m"}).getMessage() == "m"
