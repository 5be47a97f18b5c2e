"""The journal: what it says is kept is kept, whole, whatever happens to the process or the disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from engine.effects import Audit, Record, Settle
from engine.errors import JournalError, Settled
from engine.io.journal import Journal
from engine.io.locks import HostLock
from engine.model import Side

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path):
    """Where the journal of this test lives."""
    return tmp_path / "data" / "journal.sqlite3"


@pytest.fixture
def journal(path):
    """An empty journal, closed at the end."""
    with closing(Journal(path)) as opened:
        yield opened


def asked(nonce: str = "n1", status: str = "open") -> Record:
    """A confirmation as the core records it."""
    return Record("confirmation", nonce, {"status": status, "wish": "exit"})


def writer(path: Path) -> subprocess.Popen[str]:
    """A process that commits pairs to this journal until it is killed."""
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.engine.io.journal_writer", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_records_come_back_after_a_restart_the_latest_value_of_each(path, journal):
    """What was committed last under a kind and a key is what the next start loads."""
    journal.commit(
        [Record("order", "a", {"side": Side.BUY, "n": 1}), Record("peak", "a", {"₹": [1, None]})], 1.0
    )
    journal.commit([Record("order", "a", {"side": Side.SELL, "n": 2})], 2.0)
    journal.close()
    with closing(Journal(path)) as again:
        assert again.load() == {"order": {"a": {"side": "SELL", "n": 2}}, "peak": {"a": {"₹": [1, None]}}}


def test_every_commit_reaches_the_disk_before_it_returns(journal):
    """Durability is set to FULL with a write-ahead log."""
    pragma = journal._database.execute
    assert pragma("PRAGMA synchronous").fetchone() == (2,)
    assert pragma("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_log_has_its_length_before_anything_is_written_and_the_file_nothing_of_it(path, journal):
    """A sync of a log that grows waits for the file system's own journal; of one written over it does not."""
    log = path.with_name(path.name + "-wal")
    length = log.stat().st_size
    for number in range(40):
        journal.commit([Record("order", str(number), {"text": "x" * 2_000})], float(number))
    assert log.stat().st_size == length > 40 * 2_000
    assert path.stat().st_size < length / 10
    with closing(Journal(path)) as second:
        assert (len(second.load()["order"]), second.verify_audit()) == (40, 0)
    assert len(journal.load()["order"]) == 40


def test_a_settle_is_won_once_and_the_loser_writes_nothing(journal):
    """Two answers to one question: the second finds it decided, and its whole handling is dropped."""
    journal.commit([asked()], 1.0)
    journal.commit([Settle("n1", "open", "confirmed"), Record("intent", "i1", {"by": "first"})], 2.0)
    with pytest.raises(Settled):
        journal.commit([Record("intent", "i2", {"by": "second"}), Settle("n1", "open", "declined")], 3.0)
    assert journal.load() == {
        "confirmation": {"n1": {"status": "confirmed", "wish": "exit"}},
        "intent": {"i1": {"by": "first"}},
    }


def test_a_settle_of_an_unknown_question_is_lost(journal):
    """A nonce nobody recorded cannot be confirmed."""
    with pytest.raises(Settled):
        journal.commit([Settle("made-up", "open", "confirmed")], 1.0)


def test_a_value_that_is_no_json_costs_the_transaction_and_not_the_journal(journal):
    """NaN and objects are refused with everything beside them; the next commit works."""
    for bad in (float("nan"), object()):
        with pytest.raises(JournalError):
            journal.commit([Record("order", "a", {"n": 1}), Record("order", "b", {"n": bad})], 1.0)
    assert journal.load() == {}
    journal.commit([Record("order", "a", {"n": 1})], 1.0)
    assert journal.load() == {"order": {"a": {"n": 1}}}


def test_the_audit_takes_odd_values_rather_than_stop_an_exit(journal):
    """The story is written with whatever can be said of a value that is no JSON."""
    journal.commit([Audit("verdict", {"path": Path("x"), "nan": float("nan"), "text": "\ud800"})], 1)
    assert journal.verify_audit() == 1


def test_a_full_disk_is_an_error_and_room_again_is_a_recovery(journal):
    """When the disk is full nothing is half-written, and the journal works again once there is room."""
    journal.commit([Record("order", "a", {"n": 1}), Audit("one")], 1.0)
    execute = journal._database.execute
    (pages,) = execute("PRAGMA page_count").fetchone()
    execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalError, match="full"):
        journal.commit(
            [Record("order", "a", {"n": 2}), Audit("two"), Record("order", "b", {"x": "y" * 9000})], 2.0
        )
    assert journal.load() == {"order": {"a": {"n": 1}}}
    execute("PRAGMA max_page_count=1000000")
    journal.commit([Record("order", "a", {"n": 3}), Audit("three")], 3.0)
    assert journal.verify_audit() == 2


def test_a_file_that_may_not_grow_is_an_error_too(tmp_path):
    """The operating system's refusal to write (a quota, a full disk) ends in JournalError."""
    code = (
        "import sys, resource, signal\n"
        "from pathlib import Path\n"
        "from engine.errors import JournalError\n"
        "from engine.io.journal import Journal\n"
        "from engine.effects import Record\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try:\n"
        "    for n in range(100):\n"
        "        journal.commit([Record('order', str(n), {'x': 'y' * 3000})], 1.0)\n"
        "except JournalError as error:\n"
        "    print(len(journal.load()['order']) == n)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code, str(tmp_path / "j")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "True\n"


def test_killed_in_the_middle_of_commits_only_whole_transactions_are_found(path):
    """However often the process is killed, both halves of each pair agree and no told commit is lost."""
    told = 0
    for lines in (1, 7, 40):
        with writer(path) as process:
            assert process.stdout is not None
            for _ in range(lines):
                told = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split("\n")
            told = max([told, *(int(line) for line in rest[:-1])])
        with closing(Journal(path)) as found:
            pair = found.load()["pair"]
            assert pair["left"]["n"] == pair["right"]["n"] == found.verify_audit()
            assert told <= pair["left"]["n"] <= told + 1


def test_an_altered_or_shortened_audit_is_found_out(path, journal):
    """Editing a line, or cutting the end off, breaks the chain even with the guards removed."""
    journal.commit([Audit("one", {"n": 1}), Audit("two", {"n": 2})], 1.0)
    journal.commit([Audit("three", {"n": 3})], 2.0)
    assert journal.verify_audit() == 3
    with closing(sqlite3.connect(path)) as other:
        for guarded in ("UPDATE audit SET event = 'x'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(guarded)
        other.rollback()
        other.executescript("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_cut;")
        other.execute("DELETE FROM audit WHERE line = 3")
        other.commit()
        with pytest.raises(JournalError, match="ends at line 2, expected 3"):
            journal.verify_audit()
        other.execute("UPDATE audit SET data = '{}' WHERE line = 2")
        other.commit()
        with pytest.raises(JournalError, match="altered at line 2"):
            journal.verify_audit()


def test_another_versions_or_a_strangers_file_is_refused_untouched(path, journal):
    """A journal of another schema, or a file that is no journal, is not opened and not changed."""
    journal.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE meta SET value = '9' WHERE name = 'schema'")
        other.commit()
    with pytest.raises(JournalError, match="read schema 9, expected 2"):
        Journal(path)
    stranger = path.with_name("notes.txt")
    stranger.write_text("not a database, but long enough to be looked at " * 40)
    with pytest.raises(JournalError, match="not a database"):
        Journal(stranger)
    assert stranger.read_text().startswith("not a database, but")
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(path.parent)


def test_others_on_the_host_cannot_read_the_journal(path, journal):
    """The data directory and the journal are the owner's alone."""
    assert journal.load() == {}
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_one_monitor_per_directory_and_the_error_names_who_holds_it(path):
    """A second start is told the first one's pid; when the holder is killed the lock is free."""
    with writer(path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(JournalError, match=f"process {process.pid}\\)"), HostLock(path.parent):
            pytest.fail("two monitors on one directory")
        process.kill()
    with HostLock(path.parent):
        assert int((path.parent / "lock").read_text()) == os.getpid()
    with HostLock(path.parent):
        pass
