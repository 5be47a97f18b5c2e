"""Colour, bars and pages that are drawn anew: on a terminal, and nowhere else."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace

import pytest

from engine.io.terminal import bar, is_coloured, is_terminal, painted, say


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
