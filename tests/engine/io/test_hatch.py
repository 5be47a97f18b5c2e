"""The hatch: the host's tools ask a running monitor, and nobody else does."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from io import StringIO

import pytest

from engine.__main__ import main
from engine.errors import BadInput, Unreachable
from engine.io.answers import answers
from engine.io.hatch import NAME, ask, open_hatch
from engine.io.live_tools import HALT_S
from engine.io.plant import Plant
from engine.messages import Wish
from engine.model import Mode
from engine.picture import outline
from engine.view import Outline
from tests.engine.io.test_plant import Chat
from tests.engine.io.test_plant import Line as Counted


def refuses(_question):
    raise BadInput("not today")


ANSWERS = {"echo": lambda question: {"heard": question["word"]}, "refuses": refuses}


async def asked(directory, **question):
    """Ask from a thread, as another process would."""
    return await asyncio.to_thread(ask, directory, question)


async def test_a_question_is_answered_and_the_socket_is_its_owners(tmp_path):
    """Nobody else on the host may open it; at the end it is gone."""
    async with open_hatch(tmp_path, ANSWERS):
        assert await asked(tmp_path, ask="echo", word="शब्द") == {"heard": "शब्द"}
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert not (tmp_path / NAME).exists()


async def test_what_is_no_question_gets_a_sentence(tmp_path):
    """An unknown one, one that lacks a word, one that is refused."""
    async with open_hatch(tmp_path, ANSWERS):
        for question in ({"ask": "sing"}, {"ask": "echo"}, {}):
            with pytest.raises(BadInput, match="expected one of echo, refuses"):
                await asked(tmp_path, **question)
        with pytest.raises(BadInput, match="not today"):
            await asked(tmp_path, ask="refuses")


async def test_bytes_that_are_no_line_harm_nobody(tmp_path):
    """Half a line, noise, somebody who goes away: the next one is answered."""
    async with open_hatch(tmp_path, ANSWERS):
        for noise in (b"half a line", b"\xff\x00\n", b"[]\n"):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
            writer.write(noise)
            if noise.endswith(b"\n"):
                assert "fault" in json.loads(await reader.readline())
            writer.close()
            await writer.wait_closed()
        assert await asked(tmp_path, ask="echo", word="on") == {"heard": "on"}


async def test_a_directory_with_a_long_name_has_a_hatch_too(tmp_path):
    """The kernel takes 107 bytes of a socket's path."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    async with open_hatch(deep, ANSWERS):
        assert await asked(deep, ask="echo", word="on") == {"heard": "on"}
    assert list(deep.iterdir()) == []


def test_where_no_monitor_runs_that_is_said(tmp_path):
    """Nothing there, and what a killed process has left behind."""
    with pytest.raises(Unreachable, match="no monitor runs in"):
        ask(tmp_path, {"ask": "echo"})
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / NAME))
    with pytest.raises(Unreachable, match="no monitor runs in"):
        ask(tmp_path, {"ask": "echo"})


async def test_a_killed_monitors_socket_does_not_hinder_the_next(tmp_path):
    """Its file is in the way, and the lock says that nobody lives there."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / NAME))
    async with open_hatch(tmp_path, ANSWERS):
        assert await asked(tmp_path, ask="echo", word="on") == {"heard": "on"}


# ---------------------------------------------------------------------------------- the tools


class House(Counted):
    """A house that hears, and halts when it is told to."""

    halted, obeys = False, True

    def post(self, command):
        self.heard = command
        self.halted = self.obeys and command.wish is Wish.STOP

    def see(self, draw):
        assert draw is outline  # a whole view, five times a second, would hold up the exits that it waits for
        return Outline(Mode.EXECUTE, self.halted, session_open=True, held=())


@pytest.fixture
async def houses(tmp_path, monkeypatch):
    """Two of them behind a hatch in DATA_DIR."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    lines = [House("default"), House("huf")]
    async with open_hatch(tmp_path, answers(lines, Plant(lines, Chat(), lambda: True))):
        yield lines


async def run(*words):
    """A tool, on a thread; its exit status."""
    return await asyncio.to_thread(main, list(words))


async def test_health_prints_a_line_for_each_figure_and_red_is_status_one(houses, capsys):
    """The store was never read here: that line is red, and so is the answer."""
    assert await run("health") == 1
    printed = capsys.readouterr().out
    assert "account huf" in printed
    assert "  red    sync          the trade store was never read" in printed
    for house in houses:
        house.measures.synced_s = asyncio.get_running_loop().time()
    assert await run("health", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["light"] == "green"
    assert {"name": "order", "light": "green", "limit": 2.0}.items() <= told["accounts"]["default"][5].items()


async def test_stop_changes_nothing_unless_it_is_meant(houses, capsys, monkeypatch):
    """Nobody to ask: it shows what runs, says how, and its status is 1."""
    monkeypatch.setattr("sys.stdin", StringIO())
    assert await run("stop") == 1
    assert "default: rules act, mode execute, 0 exits run" in capsys.readouterr().out
    assert not any(house.halted for house in houses)


async def test_stop_now_halts_every_account(houses, capsys):
    """By the command line of the host, which has no chat id."""
    assert await run("stop", "--now", "--json") == 0
    assert json.loads(capsys.readouterr().out)["halted"] is True
    assert all(house.heard.by.chat_id == 0 for house in houses)


async def test_a_house_that_does_not_halt_is_told(houses, capsys, monkeypatch):
    """It waits, and then says that not all are halted."""
    monkeypatch.setattr("engine.io.live_tools.HALT_S", 0.1)
    assert HALT_S > 1
    houses[1].obeys = False
    assert await run("stop", "--now") == 1
    assert "Not all are halted yet" in capsys.readouterr().out


def test_without_a_monitor_both_say_so(tmp_path, monkeypatch, capsys):
    """Status 2, which is neither well nor red."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main(["health"]) == 2
    assert main(["stop", "--now"]) == 2
    assert "no monitor runs in" in capsys.readouterr().err
