"""The owner's rules file: read at the start, taken over when it changes, refused whole when it is wrong."""

from __future__ import annotations

import asyncio
import os
from fractions import Fraction

import pytest

from engine.errors import ConfigError
from engine.io.rules_file import LOOK_S, RulesFile
from tests.support.clock import VirtualClock

GOOD = "[default]\nprofit_target = 0.4\n"


@pytest.fixture
def path(tmp_path):
    """A good file."""
    file = tmp_path / "rules.toml"
    file.write_text(GOOD)
    return file


async def test_what_is_in_force_is_told_as_it_was_written(path):
    """A refused content is not: a recorded day goes by what rules did."""
    async with Watch(path) as watch:
        assert watch.file.text == GOOD
        path.write_text("[default]\nprofit_target = 9e9x\n")
        await watch.look(2)
        assert watch.news[-1].rulebook is None
        assert watch.file.text == GOOD
        path.write_text(GOOD + "stop_loss = -0.4\n")
        await watch.look(2)
        assert watch.file.text == GOOD + "stop_loss = -0.4\n"


class SleepyClock(VirtualClock):
    """Virtual time that says when somebody goes to sleep: a look in a thread is over then."""

    def __init__(self):
        super().__init__()
        self.asleep = asyncio.Event()

    async def sleep(self, seconds):
        self.asleep.set()
        await super().sleep(seconds)


class Watch:
    """A file under watch on virtual time."""

    def __init__(self, path):
        self.clock, self.news = SleepyClock(), []
        self.file = RulesFile(path)
        self.book = self.file.load()
        self.task = asyncio.create_task(self.file.watch(self.news.append, self.clock))

    async def look(self, times=1):
        """Let the file be looked at, and the look be over."""
        for _ in range(times):
            await self.clock.asleep.wait()
            self.clock.asleep.clear()
            await self.clock.advance(LOOK_S)
        await self.clock.asleep.wait()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.task.cancel()


def target(book):
    """The profit target of any position."""
    return book.rules_for("NIFTY", "Iron Condor").rules["profit_target"]


async def test_a_changed_file_is_taken_over_once_it_stands_still(path):
    """Two looks must see the same content: a file that is being written is not taken half."""
    async with Watch(path) as watch:
        assert target(watch.book) == Fraction(2, 5)
        await watch.look(3)
        path.write_text("[default]\n")
        await watch.look()
        path.write_text("[default]\nprofit_target = 0.3\n")
        await watch.look()
        assert watch.news == []
        await watch.look(5)
        (news,) = watch.news
        assert (news.source, news.faults) == (str(path), ())
        assert target(news.rulebook) == Fraction(3, 10)


async def test_a_faulty_file_is_refused_once_with_all_its_faults(path):
    """Once per content: not at every look, but again when other faults come."""
    async with Watch(path) as watch:
        path.write_text("[default]\nprofit_target = 0\nstop = 1\n")
        await watch.look(5)
        (news,) = watch.news
        assert news.rulebook is None
        assert [fault.partition(": ")[0] for fault in news.faults] == [f"{path} line 2", f"{path} line 3"]
        path.write_text("[default]\nprofit_target = 0\n")
        await watch.look(5)
        path.write_text(GOOD)
        await watch.look(5)
        _, second, third = watch.news
        assert (len(second.faults), third.faults) == (1, ())
        assert len({news.version for news in watch.news}) == 3


async def test_a_file_that_goes_away_or_is_no_text_is_told_and_comes_back(path):
    """What cannot be read changes nothing; the file's return is news again."""
    async with Watch(path) as watch:
        path.unlink()
        await watch.look(4)
        path.write_bytes(b"\xff\xfe")
        await watch.look(4)
        path.write_text(GOOD)
        await watch.look(4)
        gone, garbled, back = watch.news
        assert "cannot be read (No such file" in gone.faults[0]
        assert "not UTF-8 text at byte 0" in garbled.faults[0]
        assert target(back.rulebook) == Fraction(2, 5)


async def test_a_touched_file_is_no_news(path):
    """Another time stamp on the same content arms nothing anew."""
    async with Watch(path) as watch:
        os.utime(path, ns=(1, 1))
        await watch.look(4)
        assert watch.news == []


def test_a_file_with_faults_stops_the_start(tmp_path, path):
    """As does one that is not there: nobody watches by rules that were not meant."""
    path.write_text("[default]\nprofit_target = nan\n")
    with pytest.raises(ConfigError, match="line 2"):
        RulesFile(path).load()
    with pytest.raises(ConfigError, match="cannot be read"):
        RulesFile(tmp_path / "none.toml").load()
