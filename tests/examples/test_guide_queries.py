"""The guides' queries: values are bound, names are looked up, terms are bounded."""

from __future__ import annotations

from examples.guide.queries import User, get_user_safely
from zenith.query.literal_check import find

VULNERABLE = """
async def search_users_vulnerable(query: str, session):
    sql = f"SELECT * FROM users WHERE email = '{query}'"
    result = await session.exec(text(sql))
    return result.all()
"""


async def _people(guide):
    async with guide.app.models.open():
        for name in ("Ada", "Bo", "100%"):
            email = f"{name.strip('%').lower()}@example.org"
            await User.create({"password_hash": "hush"}, name=name, email=email)


async def test_the_vulnerable_query_is_found_before_it_runs():
    """The guide only says not to write it."""
    assert {finding.line for finding in find(VULNERABLE)} == {4}


async def test_a_value_is_a_value(guide):
    """The guide's query gives whole rows to the client, the hash of the password among them."""
    await _people(guide)
    found = await guide.client.get("/users/search", params={"email": "ada@example.org"})
    assert [user["name"] for user in found.json()] == ["Ada"]
    assert "hush" not in found.text
    found = await guide.client.get("/users/search", params={"email": "' OR '1'='1"})
    assert found.json() == []


async def test_an_order_names_a_column_that_is_shown(guide):
    """In the guide a client may sort by any column, which tells a secret one bit by bit; and what
    follows a second `-` is looked up again."""
    await _people(guide)
    found = await guide.client.get("/users", params={"sort": "name"})
    assert [user["name"] for user in found.json()] == ["Bo", "Ada", "100%"]
    for sort in ("password_hash", "-name", "name; DROP TABLE guide_users", ""):
        assert (await guide.client.get("/users", params={"sort": sort})).status_code == 400


async def test_raw_sql_with_parameters(guide):
    """The guide selects every column, and matches with wildcards that the client may add to."""
    await _people(guide)
    asked = {"email": "ada@example.org", "name": "Ada"}
    found = await guide.client.get("/users/advanced-search", params=asked)
    assert [user["name"] for user in found.json()] == ["Ada"]
    for name, count in (("d", 1), ("%", 0), ("_da", 0), ("!", 0), ("' OR 1=1 --", 0)):
        found = await guide.client.get("/users/advanced-search", params=asked | {"name": name})
        assert len(found.json()) == count
    percent = {"email": "100@example.org", "name": "0%"}
    found = await guide.client.get("/users/advanced-search", params=percent)
    assert [user["name"] for user in found.json()] == ["100%"]


async def test_sql_injection_prevention(guide):
    """The guide's test accepts any answer and does not look at the database."""
    await _people(guide)
    found = await guide.client.get("/users/search", params={"q": "'; DROP TABLE users; --"})
    assert (found.status_code, found.json()) == (200, [])
    async with guide.app.models.open():
        assert await User.where().count() == 3


async def test_the_query_of_the_second_document(guide):
    """There the id is a text, which the driver refuses for a column of numbers."""
    await _people(guide)
    async with guide.app.models.open():
        assert (await get_user_safely(1) or {})["name"] == "Ada"
        assert await get_user_safely(99) is None


async def test_a_bounded_search(guide):
    """The second document puts the term between `%` as it is: a client's own `%` and `_` match
    anything."""
    await _people(guide)
    for term, names in (("%", ["100%"]), ("aD", ["Ada"]), ("_", []), ("", []), ("a" * 101, [])):
        found = await guide.client.get("/users/search", params={"q": term})
        assert [user["name"] for user in found.json()] == names


async def test_what_no_row_can_have_is_no_server_error(guide):
    """The guide leaves it to the driver, whose errors are 500."""
    found = await guide.client.get("/users/search", params={"email": "x" * 1001})
    assert found.status_code == 400
    bearer = await guide.bearer()
    for number in (2**31, 2**63, 10**20):
        path = f"/documents/{number}"
        assert (await guide.client.get(path, headers=bearer)).status_code in (400, 404)
