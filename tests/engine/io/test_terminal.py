"""Colour, bars and pages that are drawn anew: on a terminal, and nowhere else."""

from __future__ import annotations

from contextlib import contextmanager
from io import StringIO
from types import SimpleNamespace

import pytest

from engine.io.backups import back_up, restore
from engine.io.journal import Journal
from engine.io.replays import ReplayRequest, run_replay
from engine.io.terminal import bar, is_coloured, is_terminal, painted, say
from engine.settings import Settings
from tests.engine.replay.days import DAY, TRADE_COLUMNS, Day, _write, trade


class Screen(StringIO):
    """A terminal that remembers what it was sent."""

    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """Both outputs are this screen, and the environment is an ordinary terminal's."""
    made = Screen()
    monkeypatch.setattr("engine.io.terminal.sys", SimpleNamespace(stdout=made, stderr=made))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return made


@pytest.mark.parametrize(
    ("stream", "environ", "terminal", "coloured"),
    [
        (Screen(), {"TERM": "xterm"}, True, True),
        (Screen(), {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        (Screen(), {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        (Screen(), {"TERM": "dumb"}, False, False),
        (StringIO(), {"TERM": "xterm"}, False, False),
    ],
)
def test_who_gets_colours(stream, environ, terminal, coloured):
    """A terminal that can, unless NO_COLOR is set to something (no-color.org)."""
    assert (is_terminal(stream, environ), is_coloured(stream, environ)) == (terminal, coloured)


def test_lights_and_amounts_are_coloured_and_nothing_is_lost(screen):
    """The words are the same with and without."""
    say("green  disk\nred    sync\nP&L −₹1,020.00")
    sent = screen.getvalue()
    assert "\x1b[32mgreen" in sent
    assert "\x1b[1;31mred" in sent
    assert "\x1b[31m−₹1,020.00" in sent
    assert painted("[bold]x[/] :smile: −₹1").plain == "[bold]x[/] :smile: −₹1"


def test_json_is_never_coloured(screen):
    """It is for machines, also on a terminal."""
    say('{"light": "red"}', plain=True)
    assert screen.getvalue() == '{"light": "red"}\n'


def test_a_long_line_is_not_broken(screen):
    """A table's rows stay rows, however narrow the screen says it is."""
    say("green " + "x" * 300)
    assert "x" * 300 in screen.getvalue()


def test_a_bar_is_shown_where_somebody_waits_and_leaves_nothing(screen):
    """It is drawn on stderr, and wiped when it is full."""
    with bar("replaying", 2) as advance:
        advance(1)
        advance(1)
    sent = screen.getvalue()
    assert "replaying" in sent
    assert sent.rstrip().endswith("\x1b[2K")


def test_in_a_pipe_a_bar_is_nothing(monkeypatch):
    """No byte of it."""
    pipe = StringIO()
    monkeypatch.setattr("engine.io.terminal.sys", SimpleNamespace(stdout=pipe, stderr=pipe))
    with bar("replaying", 2) as advance:
        advance(1)
    assert pipe.getvalue() == ""


class Bars:
    """Remembers every bar: what, how much there was to do, and how much was done."""

    def __init__(self):
        self.all = []

    @contextmanager
    def __call__(self, what, total):
        done = []
        self.all.append((what, total, done))
        yield done.append

    def full(self):
        """Each bar's name, if it went to its end."""
        return [what for what, total, done in self.all if total > 0 and sum(done) == total]


def test_a_replay_of_several_days_goes_to_its_end(tmp_path):
    """Days that are read, then moments that are played."""
    bars = Bars()
    days = [Day(date).quote("09:16:00", "25000CE", 100, 101).quote("09:17:00", "25000CE", 99, 100)
            for date in ("2025-08-28", DAY)]  # fmt: skip
    files = [day.write(tmp_path / f"{day.date}.csv") for day in days]
    rows = [trade(1, "SELL", "25000CE", 75, "100", at="2025-08-28T09:15:00+05:30")]
    trades = _write(tmp_path / "trades.csv", TRADE_COLUMNS, rows)
    run_replay(ReplayRequest(tuple(files), trades), bar=bars)
    assert bars.full() == ["reading", "replaying"]


def test_a_backup_and_its_return_go_to_their_end(tmp_path):
    """Byte by byte."""
    bars, settings = Bars(), Settings.parse({"DATA_DIR": str(tmp_path)})
    Journal(tmp_path / "journal.sqlite3").close()
    made = back_up(settings, 1_770_090_600.0, bar=bars)
    restore(settings, made.path, 1_770_090_700.0, bars)
    assert bars.full() == ["copying and checking", "copying"]
