"""``run``: the page in the terminal, lines for machines, and what it refuses."""

from __future__ import annotations

import json
from threading import Condition
from types import SimpleNamespace

import pytest

from engine.__main__ import main
from engine.io.tools.run import _data, _page
from engine.io.wiring import quiet_view
from engine.model import Mode
from tests.engine.io.test_terminal import Screen

VIEW = quiet_view(1_770_090_000.0, Mode.SIMULATE, "", sandbox=False, halted=True)


class Watched(Screen):
    """A screen that somebody waits at: the page is drawn by a thread."""

    def __init__(self):
        super().__init__()
        self.change = Condition()

    def write(self, text):
        with self.change:
            written = super().write(text)
            self.change.notify_all()
            return written

    def shows(self, word):
        """Wait until it does."""
        with self.change:
            assert self.change.wait_for(lambda: word in self.getvalue(), timeout=30)


@pytest.fixture
def screen(monkeypatch):
    """A terminal of an ordinary kind."""
    made = Watched()
    monkeypatch.setattr("engine.io.tools.run.sys", SimpleNamespace(stdout=made, stderr=made))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return made


def test_the_table_is_drawn_over_itself_and_what_is_told_stands_above_it(screen):
    """The second table takes the first one's place; a block is printed, and the table drawn below it anew."""
    with _page(alive=True, json_lines=False) as (show, tell):
        show({"default": VIEW})
        screen.shows("HALTED")
        first = len(screen.getvalue())
        tell("10:15:00 HIGH   The feed is silent")
        show({"default": VIEW})
    later = screen.getvalue()[first:]
    assert "\x1b[1A" in later  # up again, to write over what stands there
    assert later.index("The feed is silent") < later.rindex("HALTED")
    assert screen.getvalue().endswith("\x1b[?25h")  # the cursor is back


def test_a_pipe_gets_each_table_plain(capsys):
    """One below the other."""
    for _ in range(2):
        with _page(alive=False, json_lines=False) as (show, tell):
            tell("told")
            show({"default": VIEW})
    out = capsys.readouterr().out
    assert out.count("Prahari · simulate") == 2
    assert "\x1b" not in out


def test_machines_get_a_line_of_json_for_each_table_and_words_apart(capsys):
    """What is told goes to stderr, so that each line of stdout can be read."""
    with _page(alive=False, json_lines=True) as (show, tell):
        tell("told")
        show({"default": VIEW})
    printed = capsys.readouterr()
    assert json.loads(printed.out) == json.loads(json.dumps(_data({"default": VIEW})))
    assert json.loads(printed.out)["default"]["mode"] == "simulate"
    assert printed.err == "told\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["run"], "python -m bot brings a sandbox"), (["run", "--once", "--execute"], "must not start an exit")],
)
def test_what_it_cannot_do_it_says(tmp_path, monkeypatch, capsys, words, said):
    """Without credentials there is no market; a single look sends nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main(words) == 2
    assert said in capsys.readouterr().err
