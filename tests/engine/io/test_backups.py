"""Backups: made beside a running house, whole or not there, put back only when nobody is at home."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.effects import Audit, Record
from engine.errors import BadInput, JournalError
from engine.io.backups import back_up, backups, prune, restore, verify
from engine.io.journal import Journal
from engine.io.locks import HostLock
from engine.io.stores.sqlite import SqliteStore
from engine.settings import Settings
from engine.tenure import GENERATION
from engine.trades import parse_csv
from tests.engine.test_command_line import GOOD, HEAD
from tests.support.clock import VirtualClock

NOW_S = VirtualClock().now_s()


def write(directory, *items):
    """A journal with these in it, closed again."""
    directory.mkdir(parents=True, exist_ok=True)
    with closing(Journal(directory / "journal.sqlite3")) as journal:
        for item in items:
            journal.commit([item], NOW_S)


def known(directory):
    """The keys of the exits that a journal knows."""
    with closing(Journal(directory / "journal.sqlite3")) as journal:
        return sorted(journal.load().get("intent", {}))


@pytest.fixture
def home(tmp_path):
    """A data directory of two accounts, with rows and an execution."""
    home = tmp_path / "data"
    write(home, Record("intent", "one", {}), Audit("began", {}), Audit("ended", {}))
    write(home / "accounts" / "huf", Record("intent", "huf", {}))
    (home / "logs").mkdir()
    (home / "logs" / "exit_executions.json").write_text('{"intent": "one"}\n')
    (home / "token").write_text("canary-token")
    asyncio.run(SqliteStore(home / "trades.sqlite3").import_rows(parse_csv(HEAD + GOOD)))
    return home


@pytest.fixture
def settings(home):
    """Of that directory."""
    return Settings.parse({"DATA_DIR": str(home)})


def test_a_backup_has_everything_that_cannot_be_fetched_anew(settings, home):
    """Both journals, the rows and the executions, each with its hash; no token, and nobody else may look."""
    made = back_up(settings, NOW_S)
    assert sorted(made.files) == [
        "accounts/huf/journal.sqlite3", "journal.sqlite3", "logs/exit_executions.json", "trades.sqlite3",
    ]  # fmt: skip
    assert made.audit_lines == {"journal.sqlite3": 2, "accounts/huf/journal.sqlite3": 0}
    assert made.path == home / "backups" / "prahari-20260203-092000"
    assert {path.stat().st_mode & 0o077 for path in (made.path, *made.path.rglob("*.*"))} == {0}
    assert not [path for path in made.path.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    assert verify(made.path) == made


def test_a_backup_is_made_while_the_house_writes(settings, home):
    """In the midst of a transaction of the house's: the copy has what was committed before, and is whole."""
    with closing(Journal(home / "journal.sqlite3")) as running:
        running.commit([Record("intent", "two", {})], NOW_S)
        running._database.execute("BEGIN IMMEDIATE")
        running._database.execute("INSERT INTO record VALUES ('intent', 'half', '{}', 0)")
        made = back_up(settings, NOW_S)
        running._database.execute("ROLLBACK")
    assert known(made.path) == ["one", "two"]


def test_the_usual_data_directory_is_backed_up_and_put_back(settings, home, monkeypatch):
    """DATA_DIR=data is a path from where the monitor was started."""
    monkeypatch.chdir(home.parent)
    here = replace(settings, data_dir=Path(home.name))
    made = back_up(here, NOW_S)
    assert verify(made.path) == made
    assert restore(here, made.path, NOW_S).is_dir()


def test_two_backups_of_one_second_are_two(settings):
    """A person's and the monitor's own: neither is lost, and neither takes the other's place."""
    first, second = back_up(settings, NOW_S), back_up(settings, NOW_S)
    assert second.path.name == f"{first.path.name}-2"
    assert verify(first.path) == first
    assert verify(second.path) == second


def test_a_damaged_journal_makes_no_backup(settings, home):
    """An audit that was altered: the sentence names the line, and no half backup is left."""
    with closing(sqlite3.connect(home / "journal.sqlite3")) as database:
        database.execute("DROP TRIGGER audit_is_not_changed")
        database.execute('UPDATE audit SET data = \'{"by": "nobody"}\' WHERE line = 1')
        database.commit()
    with pytest.raises(JournalError, match="altered at line 1"):
        back_up(settings, NOW_S)
    assert list((home / "backups").iterdir()) == []


def test_a_directory_without_a_house_has_nothing_to_back_up(tmp_path):
    """A wrong DATA_DIR is told instead of an empty backup that nobody looks at until it is needed."""
    with pytest.raises(BadInput, match="nothing to back up"):
        back_up(Settings.parse({"DATA_DIR": str(tmp_path)}), NOW_S)


@pytest.mark.parametrize("harm", ["altered", "missing", "no manifest", "no json"])
def test_a_backup_that_is_not_as_it_was_made_is_refused(settings, harm):
    """One changed byte, a lost file, another directory: a sentence each."""
    made = back_up(settings, NOW_S)
    match harm:
        case "altered":
            file = made.path / "trades.sqlite3"
            file.write_bytes(file.read_bytes() + b"x")
        case "missing":
            (made.path / "journal.sqlite3").unlink()
        case "no manifest":
            (made.path / "manifest.json").unlink()
        case _:
            (made.path / "manifest.json").write_text("{")
    with pytest.raises(BadInput, match=r"altered|cannot be read|no backup|cannot be understood"):
        restore(settings, made.path, NOW_S)


def test_a_restore_puts_back_and_keeps_what_was_there(settings, home):
    """The exits of the backup are known again, those since then are in the directory that it names."""
    made = back_up(settings, NOW_S)
    write(home, Record("intent", "two", {}))
    (home / "logs" / "exit_executions.json").write_text("two\n")
    before = restore(settings, made.path, NOW_S + 60)
    assert known(home) == ["one"]
    assert (home / "logs" / "exit_executions.json").read_text() == '{"intent": "one"}\n'
    assert known(before) == ["one", "two"]
    assert (home / "token").read_text() == "canary-token"
    assert len(asyncio.run(SqliteStore(home / "trades.sqlite3").open_rows())) == 1


def test_a_restore_leaves_no_log_of_the_old_journal_beside_the_new_one(settings, home):
    """A write-ahead log of another life would be played into the restored file."""
    made = back_up(settings, NOW_S)
    killed = Journal(home / "journal.sqlite3")
    killed.commit([Record("intent", "two", {})], NOW_S)  # it is in the -wal, and nobody closes it
    assert (home / "journal.sqlite3-wal").exists()
    restore(settings, made.path, NOW_S)
    assert known(home) == ["one"]
    killed.close()


@pytest.mark.parametrize("where", [".", "accounts/huf"])
def test_nothing_is_restored_over_a_running_house(settings, home, where):
    """Its process is named, and nothing was touched."""
    made = back_up(settings, NOW_S)
    write(home, Record("intent", "two", {}))
    with HostLock(home / where), pytest.raises(JournalError, match="held by another monitor"):
        restore(settings, made.path, NOW_S)
    assert known(home) == ["one", "two"]
    assert not list(home.glob("before-restore*"))


def test_a_backup_of_a_newer_version_is_not_put_back(settings):
    """This version would misread what it does not know."""
    made = back_up(settings, NOW_S)
    manifest = json.loads((made.path / "manifest.json").read_text())
    (made.path / "manifest.json").write_text(json.dumps(manifest | {"generation": GENERATION + 1}))
    with pytest.raises(BadInput, match="made by a newer version"):
        restore(settings, made.path, NOW_S)


def test_only_so_many_are_kept(settings):
    """The oldest go first."""
    made = [back_up(settings, NOW_S + n).path for n in range(4)]
    assert prune(settings, 2, NOW_S) == made[:2]
    assert backups(settings) == made[2:]
    assert prune(settings, 2, NOW_S) == []


def test_what_a_killed_backup_has_left_goes_with_the_next_ones(settings, home):
    """Whole copies under a name that nobody looks for would fill the disk."""
    made = back_up(settings, NOW_S).path
    left = home / "backups" / ".prahari-20260101-183000.part"
    left.mkdir()
    now_s = left.stat().st_mtime
    prune(settings, 2, now_s + 60)
    assert left.exists(), "it may be under way"
    prune(settings, 2, now_s + 3_601)
    assert list((home / "backups").iterdir()) == [made]


def test_a_paper_journal_that_cannot_be_read_is_left_out_and_told(settings, home):
    """Of another version, or damaged: the real journals are copied all the same."""
    (home / "journal-paper.sqlite3").write_text("this is a text, and a long enough one to be read as such")
    made = back_up(settings, NOW_S)
    assert "journal.sqlite3" in made.files
    assert "journal-paper.sqlite3" not in made.files
    assert list(made.left_out) == ["journal-paper.sqlite3"]
    assert verify(made.path) == made


def recorded(home, day, name="091500.spool", text="prices"):
    """A file of a recorded day, and the directories to it."""
    where = home / "recorded" / day
    where.mkdir(parents=True, exist_ok=True)
    (where / name).write_text(text)
    return where / name


def test_recorded_days_are_copied_when_they_are_asked_for(settings, home, tmp_path):
    """Of all accounts, whole or with a hash that says otherwise; the backup of each day leaves them out."""
    recorded(home, "2026-02-02", "091500.ticks.parquet")
    recorded(home, "2026-02-03-paper")
    recorded(home / "accounts" / "huf", "2026-02-02")
    assert not [name for name in back_up(settings, NOW_S).files if "recorded" in name]
    made = back_up(settings, NOW_S, tmp_path / "disk", recordings=True)
    assert [name for name in sorted(made.files) if "recorded" in name] == [
        "accounts/huf/recorded/2026-02-02/091500.spool",
        "recorded/2026-02-02/091500.ticks.parquet", "recorded/2026-02-03-paper/091500.spool",
    ]  # fmt: skip
    (made.path / "recorded" / "2026-02-02" / "091500.ticks.parquet").write_text("prizes")
    with pytest.raises(BadInput, match="altered"):
        verify(made.path)


def test_what_is_half_packed_is_no_recorded_day_yet(settings, home, tmp_path):
    """Packing writes beside the spool: its unfinished pieces are of no use to anybody."""
    spool = recorded(home, "2026-02-03")
    recorded(home, "2026-02-03", "091500.ticks.parquet.part")
    made = back_up(settings, NOW_S, tmp_path / "disk", recordings=True)
    assert [name for name in made.files if "recorded" in name] == [str(spool.relative_to(home))]


def test_recorded_days_are_put_back_and_no_later_one_is_lost(settings, home, tmp_path):
    """A day of the backup is as it was, the one that it replaces is kept aside; other days stay."""
    old = recorded(home, "2026-02-02")
    made = back_up(settings, NOW_S, tmp_path / "disk", recordings=True)
    old.unlink()
    recorded(home, "2026-02-02", "091500.ticks.parquet", "packed")
    later = recorded(home, "2026-02-03")
    before = restore(settings, made.path, NOW_S)
    assert [path.name for path in old.parent.iterdir()] == ["091500.spool"]
    assert old.read_text() == "prices"
    assert (before / "recorded" / "2026-02-02" / "091500.ticks.parquet").read_text() == "packed"
    assert later.exists()


def test_a_restore_without_recorded_days_leaves_those_that_are_there(settings, home):
    """The journals go back by a day; what was recorded of the market stays true."""
    made = back_up(settings, NOW_S)
    kept = recorded(home, "2026-02-03")
    restore(settings, made.path, NOW_S)
    assert kept.read_text() == "prices"


def test_a_restore_to_an_empty_machine_brings_the_recorded_days_too(settings, home, tmp_path):
    """Also those of an account of its own."""
    recorded(home / "accounts" / "huf", "2026-02-02")
    made = back_up(settings, NOW_S, tmp_path / "disk", recordings=True)
    anew = Settings.parse({"DATA_DIR": str(tmp_path / "new")})
    restore(anew, made.path, NOW_S)
    there = tmp_path / "new" / "accounts" / "huf"
    assert (there / "recorded" / "2026-02-02" / "091500.spool").read_text() == "prices"
    assert known(there) == ["huf"]


def test_the_tools_say_what_they_did_and_refuse_by_status_two(home, monkeypatch, capsys):
    """backup, --verify and restore from the command line, for people and for machines."""
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("DATA_DIR", str(home))
    assert main(["backup", "--json"]) == 0
    path = json.loads(capsys.readouterr().out)["path"]
    assert main(["backup", "--verify", path]) == 0
    assert "4 files" in capsys.readouterr().out
    assert main(["restore", path]) == 0
    assert "what was there is in" in capsys.readouterr().out
    with HostLock(home):
        assert main(["restore", path]) == 2
    assert "held by another monitor" in capsys.readouterr().err


def test_the_tool_takes_recorded_days_to_another_disk_only(home, monkeypatch, capsys, tmp_path):
    """Beside themselves they would fill the disk that they are to be saved from."""
    monkeypatch.setenv("DATA_DIR", str(home))
    recorded(home, "2026-02-03")
    assert main(["backup", "--recordings"]) == 2
    assert "--to" in capsys.readouterr().err
    assert main(["backup", "--recordings", "--to", str(tmp_path / "disk"), "--json"]) == 0
    assert "recorded/2026-02-03/091500.spool" in json.loads(capsys.readouterr().out)["files"]
