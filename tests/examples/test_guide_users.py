"""The second document's input: types, an asynchronous check, `POST /users`."""

from __future__ import annotations

import asyncio

import pytest

from examples.guide.users import Member, UserInput, is_username_taken

USER = {"username": "Ada_L", "email": "Ada@Example.org", "age": 36}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("username", value) for value in ("ab", "a" * 21, "a b", "a-b", "\u0430da_l", "root", 5)],
        *[("email", value) for value in ("ada", "ada@", "a\nb@example.org", None)],
        *[("age", value) for value in (12, 121, "x", True, None)],
        ("role", "admin"),
    ],
)
async def test_user_input_takes_what_it_declares(field, value, guide):
    """The guide's `@validator` is gone from Pydantic; `$` lets a line end pass; `Admin` and `admin`
    are two names; a field that nobody declared is dropped in silence."""
    body = {**USER, field: value}
    answer = await guide.client.post("/users", json=body, headers=await guide.csrf())
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["detail"]] == [["body", field]]
    assert "input" not in answer.json()["detail"][0]


def test_each_value_has_one_form():
    made = UserInput.model_validate(USER)
    assert made.model_dump() == {"username": "ada_l", "email": "ada@example.org", "age": 36}
    assert UserInput.model_validate(made.model_dump()) == made
    wide = "\uff21\uff44\uff41_\uff2c"  # full-width letters
    assert UserInput.model_validate(USER | {"username": wide}) == made


async def test_a_check_asks_the_database(guide):
    """The guide asks a list in the handler, and answers 400 in a shape of its own, so that a form
    cannot tell which field is meant."""
    created = await guide.client.post("/users", json=USER, headers=await guide.csrf())
    assert created.status_code == 201
    assert created.json() == {"message": "User created successfully"}
    again = {**USER, "username": "ADA_L"}
    answer = await guide.client.post("/users", json=again, headers=await guide.csrf())
    assert answer.status_code == 422
    assert answer.json()["detail"] == [
        {"type": "value_error", "loc": ["body", "username"], "msg": "Value error, Username taken"}
    ]
    async with guide.app.models.open():
        assert await is_username_taken("ada_l")


async def test_many_ask_at_once_and_one_gets_the_name(guide, monkeypatch):
    """In the guide both pass the check before either is written: two users of one name, or, with a
    unique column, a 500 for the second."""
    waiting = asyncio.Barrier(20)

    async def all_are_told_it_is_free(username):
        await waiting.wait()
        return False

    monkeypatch.setattr("examples.guide.users.is_username_taken", all_are_told_it_is_free)
    headers = await guide.csrf()
    calls = [guide.client.post("/users", json=USER, headers=headers) for _ in range(20)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 19
    for answer in answers:
        if answer.status_code == 422:
            assert answer.json()["detail"] == [
                {"type": "unique", "loc": ["body", "username"], "msg": "Username taken"}
            ]
            assert '"ada' not in answer.text.lower()  # its id may hold these letters
    async with guide.app.models.open():
        assert await Member.where().count() == 1
