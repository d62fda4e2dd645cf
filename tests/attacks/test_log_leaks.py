"""The attack: read the logs, and sign in with what stands there.

Secrets are planted in every corner of a record (message, arguments, extras, exceptions with their
causes, contexts, groups and notes) and searched for in all that a handler writes (ASVS 16.2.5).
"""

from __future__ import annotations

import io
import json
import logging
import time
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import structlog
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from pydantic import BaseModel
from pydantic import ValidationError as PydanticError

from zenith.kernel.keys import new_token
from zenith.kernel.log_redaction import RedactionFilter, RedactionProcessor
from zenith.kernel.redaction import PLAIN, Redactor
from zenith.kernel.sensitive import PII, Sensitive, sensitive_names

SECRET = "Hunter2-Violet/Tractor+9"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3YzllNjY3OSJ9.c2lnbmF0dXJlLW9mLWl0"
CARD = "4111 1111 1111 1111"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\nhkiG9w0BAQEFAASC\n"
    "-----END RSA PRIVATE KEY-----"
)
PLANTED = {
    "JWT": (f"got {JWT} from", JWT.split(".")[1]),
    "API key": (f"got zk_{'b' * 40} from", "bbbbb"),
    "refresh token": (f"zr_{'c' * 60}", "ccccc"),
    "bearer": (f"Bearer {'d' * 30}", "ddddd"),
    "basic": ("basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
    "header": (f"Authorization: Custom {SECRET}", SECRET),
    "headers as pairs": (f"[(b'authorization', b'Token {SECRET}'), (b'host', b'a')]", SECRET),
    "cookie": (f"Cookie: theme=dark; sid={SECRET}", SECRET),
    "cookies as pairs": (f"[(b'cookie', b'a=b; sid={SECRET}')]", SECRET),
    "set-cookie": (f"set-cookie: sid={SECRET}; HttpOnly; Path=/", SECRET),
    "key=value": (f"login user=ada password={SECRET} ip=192.0.2.1", SECRET),
    "key=quoted value": (f"password='{SECRET} with \\' more'", SECRET),
    "unclosed": (f'password="{SECRET} and the rest', SECRET),
    "JSON": (json.dumps({"user": "ada", "newPassword": SECRET}), SECRET),
    "JSON in JSON": (json.dumps({"body": json.dumps({"password": SECRET})}), SECRET),
    "nested": (repr({"client_secret": {"value": SECRET, "n": 1}}), SECRET),
    "nested twice": (repr({"tokens": {"a": {"b": 1}, "c": SECRET}}), SECRET),
    "lists in a list": (json.dumps({"secrets": [[1, 2], "a]", SECRET]}), SECRET),
    "unbalanced": (f"credentials: [(1, 2), '{SECRET}'\nnext line", SECRET),
    "field": (json.dumps({"name": "password", "value": SECRET}), SECRET),
    "input": (f"<input name='password' value='{SECRET}'>", SECRET),
    "list in a form": (f"password%5B%5D={SECRET}&password[]={SECRET}", SECRET),
    "escaped twice": (f"password%253D{SECRET}", SECRET),
    "token after a line end": (repr(f"a\nBearer {'e' * 30}"), "eeeee"),
    "JWT after a quote": (f"%22{JWT}%22", JWT.split(".")[1]),
    "key after a tab": (repr(f"a\tzk_{'f' * 40}"), "fffff"),
    "bearer in a query": (f"/a?b=Bearer%20{'g' * 30}", "ggggg"),
    "list": (repr({"tokens": [SECRET, "b"]}), SECRET),
    "YAML": (f"password: {SECRET}", SECRET),
    "repr": (f"Form(user='ada', api_key='{SECRET}')", SECRET),
    "wrapped": (f"SecretStr: password=SecretStr('{SECRET}')", SECRET),
    "form": (f"user=ada&pass={SECRET}&next=/", SECRET),
    "escaped form": (f"user%3Dada&password%3D{SECRET}", SECRET),
    "multipart": (f'name="password"\r\n\r\n{SECRET}\r\n--x', SECRET),
    "XML": (f"<password>{SECRET}</password>", SECRET),
    "URL user": (f"postgresql://app:{SECRET.replace('/', '')}@db/x", SECRET.replace("/", "")),
    "URL query": (f"GET /cb?state=abc&code={SECRET} HTTP/1.1", SECRET),
    "signed URL": (f"https://s/x?X-Amz-Signature={SECRET}&a=1", SECRET),
    "card": (f"paid with {CARD}, thanks", "1111 1111"),
    "card without spaces": ("card 5555555555554444.", "55554444"),
    "card after numbers": ("order 5555 4111-1111-1111-1111 12/29", "1111-1111"),
    "private key": (f"key is {PEM}, keep it", "hkiG9w0BAQEFAASC"),
    "cut private key": (f"key is {PEM[:70]}", "hkiG9w0BAQ"),
    "one-time code": ("otp=123456 and totp: 654321", "123456"),
    "CVV": ("cvv=9876", "9876"),
    "GitHub": (f"ghp_{'A1b2' * 9}", "A1b2A1b2"),
    "AWS": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    "parameters": (f"[SQL: ...]\n[parameters: ('{SECRET}',)]", SECRET),
    "PostgreSQL": (f"DETAIL:  Key (email)=({SECRET}) already exists.", SECRET),
    "Pydantic": (f"[type=x, input_value='{SECRET}, y', input_type=str]", SECRET),
    "fault": (repr([{"type": "x", "loc": ("n",), "msg": "y", "input": SECRET}]), SECRET),
    "fault in JSON": (json.dumps({"loc": [], "msg": "y", "input": {"n": [1, SECRET]}}), SECRET),
    "argument of a query": (f"invalid input for query argument $1: '{SECRET}' (expected)", SECRET),
    "PostgreSQL's types": (f'invalid input syntax for type uuid: "{SECRET}"', SECRET),
    "row of several lines": (f"Failing row contains (1, 4 Mill Ln\nBath, {SECRET}).", SECRET),
    "XML with attributes": (f'<w:Password Type="a#b">{SECRET}</w:Password>', SECRET),
    "XML of words": (f"<password>correct {SECRET}</password>", SECRET),
    "XML in CDATA": (f"<password><![CDATA[{SECRET}]]></password>", SECRET),
    "option": (f"mysqldump --user ada --db-password {SECRET} main", SECRET),
    "header in two lines": (f"Authorization: Custom\r\n {SECRET}", SECRET),
    "lines of YAML": (f"password: |\n  {SECRET}\n", SECRET),
    "list of YAML": (f"tokens:\n    - a\n    - {SECRET}\n", SECRET),
    "JSON in a form": (quote(json.dumps({"password": f"a {SECRET}"}), safe=""), "Violet"),
    "HTML": (f"&quot;password&quot;: &quot;{SECRET}&quot;", SECRET),
    "numbered in a form": (f"password[0]={SECRET}", SECRET),
    "part with a type": (f'name="password"\r\nContent-Type: a/b\r\n\r\n{SECRET}\r\n--x', SECRET),
    "bytes of a part": (repr(f'name="password"\r\n\r\n{SECRET}\r\n--x'.encode()), SECRET),
    "SQL": (f"ALTER ROLE app PASSWORD '{SECRET}'", SECRET),
    "colours": (f"\x1b[36mpassword\x1b[0m=\x1b[35m{SECRET}\x1b[0m", SECRET),
    "statement": (f"[generated in 0.00021s] ('ada', '{SECRET}')", SECRET),
    "statement again": (f"[cached since 0.1s ago (insertmanyvalues) 1/1] ('{SECRET}',)", SECRET),
    "driver": (f"executing <method execute of X>, 'INSERT', ['{SECRET}'])", SECRET),
    "encrypted token": ("eyJhbGciOiJkaXIifQ..iviviviv.ciphertext.tagtagtag", "ciphertext"),
    "signed cookie": ("session eyJ1IjogImEifQ==.aSGxuA.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
    "guarded cookie": (f"<Cookie __Host-sid={SECRET} for x />", SECRET),
    "verifier": (f"code_verifier={SECRET}", SECRET),
    "hash": ("($argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA, 1)", "c2FsdHNhbHQ"),
    "npm": (f"npm_{'A1b2' * 9}", "A1b2A1b2"),
    "card in a form": ("number=4111+1111+1111+1111", "1111+1111"),
    "card in a URL": ("/pay?n=4111%201111%201111%201111", "1111%201111"),
    "card in print": ("4111\u00a01111\u00a01111\u00a01111", "1111\u00a01111"),
    "call": (f"password=Entered(at=(1, 2), text='{SECRET}')", SECRET),
}


class Reading(BaseModel):
    pressure: int


class Unshowable:
    def __str__(self):
        raise RuntimeError(f"password={SECRET}")

    __repr__ = __str__


@dataclass
class Patient:
    name: Sensitive[str, PII]
    room: int = 4


class Person(BaseModel):
    email: Sensitive[str, PII]
    age: int = 1


@pytest.fixture
def written():
    """A logger of its own and what its handler has written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    handler.addFilter(RedactionFilter(Redactor(sensitive_names([Patient, Person]))))
    logger = logging.Logger("planted")  # noqa: LOG001  # known to nobody else
    logger.addHandler(handler)
    return logger, stream.getvalue


def raise_chain(text):
    try:
        try:
            try:
                raise KeyError(text)
            except KeyError as error:
                raise ValueError(text) from error
        except ValueError:
            group = ExceptionGroup(text, [TypeError(text), OSError(5, text)])
            group.add_note(text)
            raise group  # noqa: B904
    except ExceptionGroup as error:
        raise RuntimeError(Unshowable()) from error


@pytest.mark.parametrize("kind", PLANTED)
def test_nothing_planted_is_found(kind, written):
    text, secret = PLANTED[kind]
    assert secret in text
    logger, output = written
    logger.warning(text)
    logger.warning("%s", text)
    logger.warning("%r", {"deep": [text]})
    logger.warning("%(a)s", {"a": text, "password": SECRET})
    logger.warning({"event": text})
    logger.warning(ValueError(text))
    logger.warning("failed: %s", ValueError(text))
    logger.warning("extra", extra={"one": text, "two": {"three": [text]}, text: 1})
    try:
        raise_chain(text)
    except RuntimeError:
        logger.exception("broken")
    lines = output()
    assert secret not in lines
    assert "[redacted]" in lines
    assert lines.count("WARNING") == 8
    assert lines.count("ERROR broken") == 1


@pytest.mark.parametrize("kind", PLANTED)
def test_nor_in_structlog(kind):
    text, secret = PLANTED[kind]
    process = RedactionProcessor()
    error = ValueError(text)
    event = process(None, "info", {"event": text, "x": {"y": (text,)}, text: 1, "exc_info": error})
    assert secret not in json.dumps(event, default=str)
    rendered = process(None, "info", {"event": "e", "exception": f"Traceback:\n  x\nE: {text}"})
    assert secret not in rendered["exception"]


def test_a_key_and_its_value_in_two_arguments(written):
    logger, output = written
    logger.warning("%s=%s", "password", SECRET)
    logger.warning("password=%s for %s", SECRET, "ada")
    logger.warning("n=%d password=%s", 4, SECRET)
    assert SECRET not in output()
    assert "for ada" in output()
    assert "n=4" in output()


def test_faults_do_not_repeat_what_was_refused(written):
    """Of an answer too, of which FastAPI raises what does not fit its model: nobody sent that."""
    logger, output = written
    with pytest.raises(PydanticError) as caught:
        Reading.model_validate({"pressure": f"120, {SECRET}"})
    faults = caught.value.errors()
    logger.warning("refused %s", faults)
    record = logging.makeLogRecord({"msg": "refused", "faults": faults})
    RedactionFilter().filter(record)
    for kind in (RequestValidationError, ResponseValidationError):
        logger.error("failed", exc_info=kind(faults, body={"pressure": SECRET}))
    processed = RedactionProcessor()(None, "warning", {"event": "refused", "faults": faults})
    assert SECRET not in output() + repr(processed) + repr(vars(record))
    assert "int_parsing" in output()
    assert "valid integer" in repr(processed)


def test_declared_fields_are_hidden_wherever_they_are_named(written):
    logger, output = written
    person = Person(email="ada@example.org")
    logger.warning(
        "%s %r %s %s",
        person,
        Patient("Ada Lovelace"),
        person.model_dump_json(),
        person.model_dump(),
    )
    logger.warning("%s", {"deep": [person, Patient("Ada Lovelace")]})
    logger.warning("x", extra={"who": person, "email": "ada@example.org", "n": Patient("Ada L")})
    logger.warning(f"{Patient('Ada Lovelace')}")  # noqa: G004
    try:
        Person(email="ada@example.org", age="no")
    except PydanticError:
        logger.exception("invalid")
    assert "ada@example.org" not in output()
    assert "Ada" not in output()
    assert "room" in output()


def test_extras_are_safe_for_formatters_that_write_them():
    record = logging.makeLogRecord({"msg": "x", "headers": [(b"cookie", SECRET.encode())]})
    record.token = SECRET
    record.card = int(CARD.replace(" ", ""))
    record.body = f"password={SECRET}".encode()
    record.count = 3
    RedactionFilter().filter(record)
    assert SECRET not in repr(vars(record))
    assert "1111" not in repr(vars(record))
    assert record.count == 3


@pytest.mark.parametrize(
    "hostile",
    [
        "a\nINFO forged",
        "a\r\nforged",
        "\x1b[2J\x1b]0;title\x07",
        "\u202egnp",
        "a\u2028b\x85c\x0bd",
        "nul\x00",
        "\ud800",
        "zero\u200bwidth",
    ],
)
def test_one_record_is_one_line(hostile, written):
    logger, output = written
    logger.warning(hostile)
    logger.warning("%s", hostile)
    logger.warning({"event": hostile})
    assert output().count("\n") == 3
    assert all(line.isprintable() for line in output().split("\n"))


def test_the_text_of_an_exception_forges_no_frames_and_no_records(written):
    logger, output = written
    try:
        raise ValueError('x\nERROR forged\n  File "a", line 1')
    except ValueError:
        logger.exception("broken", stack_info=True)
    lines = output().split("\n")
    assert not any(line.startswith(("ERROR forged", '  File "a"')) for line in lines)
    assert r"ValueError: x\nERROR forged" in output()
    assert "Stack (most recent call last)" in output()
    assert all(line.isprintable() for line in lines)


LONG = 20_000
SLOW = {
    "digits": "4" * LONG,
    "spaced digits": "4 " * LONG,
    "fours": "4444 " * LONG,
    "names": "password" * LONG,
    "unclosed": "password='" * LONG,
    "unclosed, escaped": 'password=\\"\\' * LONG,
    "brackets": "token=(" * LONG,
    "backslashes": "token=" + "\\" * LONG,
    "URLs": "://a:" * LONG,
    "URLs of one": "://" + "a:" * LONG,
    "query": "?code=&" * LONG,
    "dots": "eyJ" + "aaaaa." * LONG,
    "heads": "eyJaaaaa" * LONG,
    "keys": "-----BEGIN PRIVATE KEY-----" * LONG,
    "dashes": "-----BEGIN PRIVATE KEY-----" + "-" * LONG,
    "parameters": "[parameters: " * LONG,
    "rows": "Key (a" * LONG,
    "input": "input_value=" * LONG,
    "commas": "input_value=" + "," * LONG,
    "bearers": "bearer " * LONG,
    "spaces": "bearer" + " " * LONG,
    "headers": "cookie:" * LONG,
    "keys of nothing": "key " * LONG,
    "z": "zz_" * LONG,
    "nested": "token={[" * LONG,
    "elements": "</" + "<password>" * LONG,
    "attributes": "</" + 'password a="password" ' * LONG,
    "options": "--password " * LONG,
    "faults": "'loc': 'msg' 'input'" * LONG,
    "failing rows": "row contains (a)b)\n" * LONG,
    "nested lines": "token={['\n" * LONG,
    "brackets that close": "}cookie:{" * LONG,
    "folded": "cookie: a\n" + " a\n" * LONG,
    "folded heads": "cookie: a\n " * LONG,
    "YAML": "token: |\n" + "  a\n" * LONG,
    "lists of YAML": "token:\n" + "  - token: \n" * LONG,
    "coloured": "\x1b[1mtoken\x1b[0m=" * LONG,
    "statements": "[generated in " * LONG + "] ",
    "executed": "execute >, 'a', " * LONG,
    "unclosed statements": "execute >, 'a" * LONG,
    "hashes": "$argon2id$" * LONG,
    "signed": "eyJ" + "a+/=" * LONG,
    "paths of heads": "=" + "/eyJ" * LONG,
    "paths of long heads": "/eyJaaaaa" * LONG,
    "parts": '"password"\r\n' * LONG,
    "encoded brackets": "password%5b" * LONG,
    "quotes in brackets": 'token=[="\\"' * LONG,
}


@pytest.mark.parametrize("kind", SLOW)
def test_no_text_takes_longer_than_its_length(kind):
    """ReDoS: four times the length may take about four times the time, never sixteen times."""
    text = SLOW[kind]

    def spent(value):
        times = []
        for _ in range(4):
            begun = time.process_time()
            PLAIN.without_secrets(value)
            times.append(time.process_time() - begun)
        return min(times)

    assert spent(text) < 0.03 + 9 * spent(text[: len(text) // 4])


class Loud(str):
    __slots__ = ()

    def __mod__(self, other):
        raise KeyError(SECRET)


def test_odd_records_are_kept(written):
    logger, output = written
    itself: list[object] = []
    itself += [itself] * 50
    deep: dict[str, object] = {}
    for _ in range(2000):
        deep = {"a": deep}
    odd = [itself, deep, b"\xff" * 10**6, "x" * 10**6, Unshowable(), {Unshowable(): 1}, 10**5000]
    for number, each in enumerate(odd):
        logger.warning("n%d %s", number, each)
        logger.warning(each)
        logger.warning("n", extra={"odd": each})
    logger.warning("too few %s %s", *[1])
    logger.warning("too many", *[1, 2])
    logger.warning("no number %d", f"password={SECRET}")
    logger.warning("password=%s %s", *[SECRET])
    logger.warning(f"{'x' * 300} password=%s %s", *[SECRET])  # noqa: G004
    logger.warning(Loud("x"), 1)
    assert output().count("WARNING") == 3 * len(odd) + 6
    assert SECRET not in output()
    assert len(output()) < 400_000


def test_what_cannot_be_made_safe_is_replaced(written):
    class Broken(dict):
        def items(self):
            raise MemoryError(SECRET)

        def __iter__(self):
            raise RuntimeError(SECRET)

    record = logging.makeLogRecord({"msg": "m", "extra": Broken(a=SECRET)})
    record.msg = Broken(a=SECRET)
    record.exc_text = SECRET
    assert RedactionFilter().filter(record) is True
    assert SECRET not in repr(vars(record))
    event = RedactionProcessor()(None, "info", {"event": Broken(a=SECRET)})
    assert SECRET not in repr(event)
    assert event["level"] == "info"


def test_structlog_as_it_is_set_up():
    stream = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[RedactionProcessor(), structlog.processors.JSONRenderer()],
    )
    try:
        raise_chain(f"password={SECRET}")
    except RuntimeError:
        logger.error("login", token=new_token(), user="ada\n", exc_info=True)  # noqa: G201
    found = json.loads(stream.getvalue())
    assert found["token"] == "[redacted]"
    assert found["user"] == r"ada\n"
    assert found["exception"].count("Traceback") >= 2
    assert SECRET not in stream.getvalue()
