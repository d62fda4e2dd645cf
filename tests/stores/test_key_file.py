"""The key of development: made once, readable by its owner only."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.stores import key_file
from zenith.stores.key_file import read_or_make_key


def test_it_is_made_once(tmp_path):
    path = tmp_path / "home" / "secret.key"
    key, made = read_or_make_key(path)
    assert made
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read_or_make_key(path) == (key, False)
    assert [each.name for each in path.parent.iterdir()] == ["secret.key"]


def test_of_many_at_once_one_makes_it(tmp_path):
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: read_or_make_key(path), range(32)))
    assert len({key.reveal() for key, _ in results}) == 1
    assert sum(made for _, made in results) == 1


def test_who_comes_second_uses_the_first(tmp_path, monkeypatch):
    path = tmp_path / "secret.key"
    first, _ = read_or_make_key(path)
    monkeypatch.setattr(Path, "exists", lambda self: False)
    assert read_or_make_key(path) == (first, False)
    monkeypatch.undo()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_others_may_not_read_it(tmp_path, mode):
    path = tmp_path / "secret.key"
    read_or_make_key(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="other users") as caught:
        read_or_make_key(path)
    assert f"chmod 600 {path}" in caught.value.fix


def test_others_may_not_have_put_it_there(tmp_path, monkeypatch):
    path = tmp_path / "secret.key"
    read_or_make_key(path)
    if path.stat().st_uid == 0:
        os.chown(path, 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        read_or_make_key(path)


@pytest.mark.parametrize("content", ["", "tiny9", "a" * 64, "changeme" * 8])
def test_a_weak_key_is_refused_without_repeating_it(tmp_path, content):
    path = tmp_path / "secret.key"
    path.touch(0o600)
    path.write_text(content, encoding="ascii")
    with pytest.raises(ConfigurationError) as caught:
        read_or_make_key(path)
    assert str(path) in str(caught.value)
    assert not content or content not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path):
    path = tmp_path / "secret.key"
    path.symlink_to("/dev/null")
    with pytest.raises(ConfigurationError, match="is no file"):
        read_or_make_key(path)


def test_a_folder_that_cannot_be_written_names_the_setting(tmp_path, monkeypatch):
    def refuse(*args, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigurationError, match="Permission denied") as caught:
        read_or_make_key(tmp_path / "secret.key")
    assert "ZENITH_HOME" in caught.value.fix


def test_where_files_have_no_owner_only_the_key_counts(tmp_path, monkeypatch):
    path = tmp_path / "secret.key"
    read_or_make_key(path)
    path.chmod(0o644)
    windows = SimpleNamespace(**{**vars(os), "name": "nt"})
    monkeypatch.setattr(key_file, "os", windows)
    assert read_or_make_key(path)[0]


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(ConfigurationError, match="no file"):
        read_or_make_key(pipe)
