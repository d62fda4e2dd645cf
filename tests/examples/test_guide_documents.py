"""The guide's `GET /documents/{document_id}`, and what it leaves out."""

from __future__ import annotations

from examples.guide.documents import Document

STRANGER = "somebody-else"


async def _documents(guide, owner):
    async with guide.app.models.open():
        for title, owner_id, public, locked in (
            ("mine", owner, False, False),
            ("locked", owner, False, True),
            ("hers", STRANGER, False, False),
            ("public", STRANGER, True, False),
        ):
            await Document.create(
                {"owner_id": owner_id, "public": public, "locked": locked}, title=title
            )


async def _signed_in(guide):
    bearer = await guide.bearer()
    me = (await guide.client.get("/auth/me", headers=bearer)).json()
    await _documents(guide, str(me["id"]))
    return bearer


async def test_a_document_is_for_its_owner_and_if_public_for_all(guide):
    """The guide reads `document.id` of a document that is not there (500), tells by 403 which
    numbers exist, and compares the owner with the text `resource.owner_id`."""
    bearer = await _signed_in(guide)
    answers = [await guide.client.get(f"/documents/{n}", headers=bearer) for n in range(1, 6)]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200, 404]
    assert answers[0].json()["title"] == "mine"
    hidden, missing = answers[2].json(), answers[4].json()
    assert {**hidden, "instance": ""} == {**missing, "instance": ""}
    strangers = [(await guide.client.get(f"/documents/{n}")).status_code for n in (1, 4, 5)]
    assert strangers == [401, 200, 401]


async def test_a_change_is_decided_before_it_is_read_and_is_kept(guide):
    bearer = await _signed_in(guide)
    for number, status in ((1, 200), (2, 403), (3, 404), (4, 403)):
        answer = await guide.client.put(
            f"/documents/{number}", json={"title": "new"}, headers=bearer
        )
        assert answer.status_code == status
    broken = await guide.client.put("/documents/3", content=b"not json", headers=bearer)
    assert broken.status_code == 404
    kept = await guide.client.get("/documents/1", headers=bearer)
    assert kept.json()["title"] == "new"


async def test_a_list_holds_what_each_look_would_allow(guide):
    bearer = await _signed_in(guide)
    mine = await guide.client.get("/documents", headers=bearer)
    assert [each["title"] for each in mine.json()] == ["mine", "locked", "public"]
    everybodys = await guide.client.get("/documents")
    assert [each["title"] for each in everybodys.json()] == ["public"]
