from __future__ import annotations

from zenith.console.static import FOLDER, asset


def test_addresses_change_with_the_content():
    version = asset("console.css").split("=")[1]
    assert len(version) == 12
    assert version != asset("zenith.svg").split("=")[1]


def test_files_are_kept_and_asked_about_otherwise(anybody, member):
    for visitor in (anybody, member):
        kept = visitor.get(asset("console.css"))
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert kept.headers["content-type"].startswith("text/css")
        assert "set-cookie" not in kept.headers
        again = visitor.get("/assets/console.css")
        assert again.headers["cache-control"] == "no-cache"
        same = visitor.get("/assets/console.css", headers={"If-None-Match": again.headers["etag"]})
        assert same.status_code == 304
        assert same.headers["cache-control"] == "no-cache"


def test_nothing_else_is_served(anybody):
    for path in ("", "nowhere.css", "..%2Fserver.py", "%2e%2e/server.py", "..\\server.py"):
        answer = anybody.get(f"/assets/{path}")
        assert answer.status_code in (400, 404), path
        assert "create_server" not in answer.text


def test_every_file_is_meant_to_be_public():
    assert {file.suffix for file in FOLDER.iterdir()} <= {".css", ".js", ".svg"}


def test_files_have_a_limit_of_their_own(open_house):
    house = open_house(ZENITH_RATE_LIMITS__PER_ADDRESS="2/minute")
    visitor = house.visitor()
    assert [visitor.get(asset("zenith.svg")).status_code for _ in range(5)] == [200] * 5
    assert [visitor.get("/").status_code for _ in range(3)] == [200, 200, 429]
    assert "Wait a moment" in visitor.get("/").text
    assert visitor.get(asset("console.css")).status_code == 200


def test_without_limits_files_need_none(open_house):
    visitor = open_house(ZENITH_RATE_LIMITS="off").visitor()
    assert visitor.get(asset("zenith.svg")).status_code == 200
