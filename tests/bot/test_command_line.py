"""``python -m bot``: what the command line takes, and how it says that it cannot start."""

from __future__ import annotations

import csv
import io
import logging

import pytest

from bot.__main__ import _move_in, _start_log, main
from engine.effects import Record
from engine.errors import BadInput
from engine.expected import DEFAULT_URLS
from engine.io.clock import SystemClock
from engine.io.env import load_settings
from engine.io.journal import Journal
from engine.io.locks import HostLock
from engine.io.log import _process
from engine.io.stores.sqlite import SqliteStore
from engine.sessions import ist
from engine.settings import Settings
from sandbox.house import Outside
from tests.engine.test_settings import COMPLETE
from tests.engine.test_trades import ASTRAL, AT_S, COLUMNS


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A directory without a .env and an environment with all credentials, at no real address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    for name, word in COMPLETE.items():
        monkeypatch.setenv(name, word)
    for name, url in DEFAULT_URLS.items():
        monkeypatch.setenv(name, f"{'ws' if url.startswith('ws') else 'http'}://127.0.0.1:9")
    return tmp_path


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "soon"])
@pytest.mark.parametrize("flag", ["--interval", "--duration"])
def test_a_time_that_is_none_is_refused(flag, word, capsys):
    """An interval of nothing would print for ever without a pause."""
    with pytest.raises(SystemExit, match="2"):
        main([f"{flag}={word}"])
    assert f"read '{word}', expected seconds" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["--execute", "--semi-auto"])
def test_a_single_look_must_not_start_an_exit(mode, capsys):
    """--once leaves after some seconds: an exit that it began would stand half done."""
    with pytest.raises(SystemExit, match="2"):
        main(["--once", mode])
    assert "must not start an exit" in capsys.readouterr().err


def test_missing_credentials_are_all_named_with_where_to_get_them(house, monkeypatch, capsys):
    """Two are missing and one is malformed: three sentences, exit status 2."""
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN")
    monkeypatch.delenv("DHAN_ACCESS_TOKEN")
    monkeypatch.setenv("TELEGRAM_CHAT_ID", "here")
    assert main([]) == 2
    said = capsys.readouterr().err
    assert "TELEGRAM_BOT_TOKEN is missing" in said
    assert "@BotFather" in said
    assert "DHAN_ACCESS_TOKEN is missing" in said
    assert "web.dhan.co" in said
    assert "TELEGRAM_CHAT_ID: read 'here'" in said


@pytest.mark.parametrize(("source", "rows"), [("sqlite", 2), ("broker", 0)])
async def test_the_sandbox_is_entered_with_the_demos_trades_or_with_none(house, source, rows):
    """Where the broker is asked for positions, no row may say them before."""
    legs = f"{COLUMNS}\n{ASTRAL}\n{ASTRAL.replace('1001', '1002')}\n"
    outside = Outside({}, "", "", list(csv.DictReader(io.StringIO(legs))))
    settings = Settings.parse({"DATA_DIR": str(house), "TRADES_SOURCE": source})
    moved = await _move_in(settings, outside, ist(AT_S), SystemClock())
    assert moved.trades_source == source
    assert len(await SqliteStore(moved.data_dir / "trades.sqlite3").open_rows()) == rows


def test_a_trade_store_that_is_none_is_a_sentence(house, capsys):
    """The file is no database: its path and the trouble, exit status 1, no traceback."""
    (house / "data").mkdir()
    (house / "data" / "trades.sqlite3").write_text("this is a text, and a long enough one to be read as such")
    assert main(["--duration", "5"]) == 1
    said = capsys.readouterr().err
    assert "Prahari cannot run" in said
    assert "trades.sqlite3" in said


def test_a_journal_that_is_damaged_is_a_sentence(house, capsys):
    """The journal is no database: nothing is sent, exit status 1."""
    (house / "data").mkdir()
    (house / "data" / "journal-paper.sqlite3").write_text("this is a text, and a long enough one to be read")
    assert main(["--duration", "5"]) == 1
    assert "journal-paper.sqlite3" in capsys.readouterr().err


def test_a_journal_with_a_record_that_makes_no_sense_is_a_sentence(house, capsys):
    """Somebody edited the journal: nothing is guessed, exit status 1."""
    journal = Journal(house / "data" / "journal-paper.sqlite3")
    journal.commit([Record("intent", "260203001", {"begun_s": 1e12})], 0.0)
    journal.close()
    assert main(["--duration", "5"]) == 1
    assert "cannot be understood" in capsys.readouterr().err


def test_what_ends_the_house_in_the_midst_is_no_fault_of_the_settings(house, monkeypatch, capsys):
    """A service manager that takes status 2 for the owner's mistake must not leave positions unwatched."""

    async def falls(*_):
        raise BadInput("a row nobody foresaw")

    monkeypatch.setattr("bot.__main__.run_house", falls)
    assert main(["--duration", "5"]) == 1
    assert "Prahari cannot run: a row nobody foresaw" in capsys.readouterr().err


def test_a_data_directory_that_is_a_file_is_a_sentence(house, capsys):
    """DATA_DIR names a file: the setting is named, exit status 2."""
    (house / "data").write_text("")
    assert main(["--duration", "5"]) == 2
    assert "DATA_DIR" in capsys.readouterr().err


def test_a_second_sandbox_does_not_wipe_the_first_ones_journal(house, capsys):
    """Two sandboxes on one DATA_DIR: the second is refused and the first keeps its files."""
    home = house / "data" / "sandbox"
    with HostLock(home):
        (home / "journal.sqlite3").write_text("mine")
        assert main(["--sandbox", "--duration", "1"]) == 1
    assert (home / "journal.sqlite3").read_text() == "mine"
    assert "held by another monitor" in capsys.readouterr().err


def test_a_secret_that_comes_later_is_kept_out_of_the_log(house):
    """A token taken over while we run goes through the same sieve as the first."""
    try:
        _start_log(load_settings()).redactor.add("canary-of-a-new-token")
        logging.getLogger("any").warning("token canary-of-a-new-token, twice: canary-of-a-new-token")
    finally:
        _process.close()
    assert '"token ***, twice: ***"' in (house / "data" / "logs" / "monitor.log").read_text()
