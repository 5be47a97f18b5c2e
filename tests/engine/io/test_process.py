"""What the process knows of itself."""

from __future__ import annotations

import shutil
from typing import NamedTuple

import pytest

from engine.io.process import _commit, disk_check, this_version
from engine.preflight import Light

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_what_runs_here_is_known():
    """Libraries by their installed versions, and the schema that the journal has."""
    found = this_version()
    assert dict(found.libraries)["dhanhq"].count(".") == 2
    assert dict(found.schemas)["journal"] == "2"


def test_the_commit_is_read_as_git_keeps_it(tmp_path):
    """On a branch, packed, in a worktree, detached; without git it is not known."""
    git = tmp_path / ".git"
    assert _commit(git) == ""
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert _commit(git) == COMMIT[:12]
    (git / "refs" / "heads" / "main").write_text(f"f{COMMIT[1:]}\n")
    assert _commit(git) == f"f{COMMIT[1:12]}"
    tree = git / "worktrees" / "one"
    tree.mkdir(parents=True)
    (tree / "HEAD").write_text("ref: refs/heads/main\n")
    (tree / "commondir").write_text("../..\n")
    (tmp_path / "link").write_text(f"gitdir: {tree}\n")
    assert _commit(tmp_path / "link") == f"f{COMMIT[1:12]}"
    (git / "HEAD").write_text(f"{COMMIT}\n")
    assert _commit(git) == COMMIT[:12]


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free", "light"), [(50_000_000_000, Light.GREEN), (900_000_000, Light.AMBER), (100_000_000, Light.RED)]
)
def test_a_disk_that_fills_up_is_seen(tmp_path, monkeypatch, free, light):
    """Without room no order leaves: the journal comes first."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100_000_000_000, 0, free))
    assert disk_check(tmp_path).light is light


def test_a_disk_that_is_not_there_is_red(tmp_path):
    """And the disk of this very directory has some size."""
    assert disk_check(tmp_path / "gone").light is Light.RED
    assert f"of {shutil.disk_usage(tmp_path).total / 1e9:.0f}" in disk_check(tmp_path).text
