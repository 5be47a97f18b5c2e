"""The hatch: the host's tools ask a running monitor, and nobody else does."""

from __future__ import annotations

import asyncio
import json
import socket
import stat

import pytest

from engine.errors import BadInput, Unreachable
from engine.io.hatch import NAME, ask, open_hatch


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
