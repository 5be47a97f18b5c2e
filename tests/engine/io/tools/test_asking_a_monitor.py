"""``health``, ``stop`` and ``exit``: the tools that ask a running monitor, behind its hatch."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from io import StringIO

import pytest

from engine.__main__ import main
from engine.errors import Unreachable
from engine.exit_page import ExitNow, ExitsNow
from engine.io.answers import answers
from engine.io.hatch import open_hatch
from engine.io.plant import Plant
from engine.io.tools import resume, stop
from engine.io.wiring import quiet_view
from engine.messages import Wish
from engine.model import Action, Mode, Urgency
from engine.picture import held_now, outline
from engine.view import LegView, Outline, PositionState, PositionView
from tests.engine.io.test_plant import LIVES, Chat
from tests.engine.io.test_plant import Line as Counted

CONDOR = PositionView(
    id="default/3359", account="default", strategy_id=3359, symbol="NIFTY", strategy="Iron Condor",
    state=PositionState.WATCHING, legs=(LegView("NIFTY 24 FEB 25300 CE", -65, 4000, 3900, 0.2),),
    pnl_paise=65_00, pnl_pct=2.1, value_paise=None, action=Action.MONITOR, urgency=Urgency.NORMAL, reason="",
    thresholds=(), closing_pnl_paise=12_00,
)  # fmt: skip
FLAT = ExitNow("260203001", "default/3359", "flat", live=False, flat=True,
               title="Verified flat: 3359 NIFTY Iron Condor", lines=("BUY 65/65 @ 39.50",))  # fmt: skip


class House(Counted):
    """A house that hears, halts and exits when it is told to."""

    halted, obeys, working, why_down, journal_works = False, True, 0, "it is being started", True

    def __init__(self, account, positions=(CONDOR,)):
        super().__init__(account)
        self.positions, self.impossible, self.heard = positions, "", []
        self.exits: tuple[ExitNow, ...] = ()

    @property
    def saved(self):
        return self.up and self.journal_works

    def health(self):
        return replace(LIVES, live_orders=self.working, exits=self.working) if self.up else None

    def post(self, command):
        self.heard.append(command)
        if command.wish is Wish.STOP:
            self.halted = self.obeys
        if command.wish is Wish.RESUME:
            self.halted = not self.obeys
        if command.wish is Wish.EXIT and self.obeys:
            self.exits = (FLAT,)

    def see(self, draw):
        if not self.up:
            return None
        if draw is outline:  # a whole view, five times a second, would hold up the exits that it waits for
            return Outline(Mode.EXECUTE, self.halted, session_open=True, held=())
        if draw is held_now:
            return tuple(
                (each.id, each.reason) for each in self.positions if each.state is PositionState.HELD
            )
        assert draw.keywords == {"strategy_id": 3359}
        return ExitsNow(self.impossible, self.positions, self.exits)

    def nothing(self):
        return quiet_view(0.0, Mode.EXECUTE, "", sandbox=True, halted=self.halted)


class Terminal(StringIO):
    """Somebody who types this."""

    def isatty(self):
        return True


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A DATA_DIR, no .env, and nobody at the keyboard."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr("sys.stdin", StringIO())
    return tmp_path


@pytest.fixture
async def houses(place, ends):
    """Two of them behind a hatch; the second holds nothing."""
    lines = [House("default"), House("huf", ())]
    asked = answers(lines, Plant(lines, Chat(), lambda: True), lambda: ends.append("asked"))
    async with open_hatch(place, asked):
        yield lines


@pytest.fixture
def ends():
    """How often the process was asked to end."""
    return []


async def run(*words):
    """A tool, on a thread; its exit status."""
    return await asyncio.to_thread(main, list(words))


def said(capsys):
    """What the tool printed for machines."""
    return json.loads(capsys.readouterr().out)


# ------------------------------------------------------------------------------------------ health


async def test_health_prints_a_line_for_each_figure_and_red_is_status_one(houses, capsys):
    """The store was never read here: that line is red, and so is the answer."""
    assert await run("health") == 1
    printed = capsys.readouterr().out
    assert "account huf" in printed
    assert "  red    sync          the trade store was never read" in printed
    for house in houses:
        house.measures.synced_s = asyncio.get_running_loop().time()
    assert await run("health", "--json") == 0
    told = said(capsys)
    assert told["light"] == "green"
    assert {"name": "order", "light": "green", "limit": 2.0}.items() <= told["accounts"]["default"][5].items()


# -------------------------------------------------------------------------------------------- stop


async def test_a_halt_stops_every_accounts_rules_and_leaves_the_process(houses, capsys):
    """By the command line of the host, which has no chat id."""
    assert await run("stop", "--halt", "--json") == 0
    told = said(capsys)
    assert (told["halted"], told["quiet"], told["ended"]) == (True, True, False)
    assert all(house.heard[0].by.chat_id == 0 for house in houses)


async def test_a_house_that_does_not_halt_is_told(houses, capsys, monkeypatch):
    """It waits, says that not all are halted, and ends nothing."""
    monkeypatch.setattr(stop, "HALT_S", 0.1)
    houses[1].obeys = False
    assert await run("stop") == 1
    assert "Not all are halted for good yet. Nothing was ended." in capsys.readouterr().out


async def test_a_process_whose_orders_are_not_taken_back_goes_on_looking_for_them(houses, capsys):
    """An order that may still trade keeps the graceful stop from ending its watchman."""
    houses[0].working = 1
    assert await run("stop", "--wait", "0.1") == 1
    printed = capsys.readouterr()
    assert "Waiting until our orders are taken back" in printed.err
    assert "The monitor goes on looking for it" in printed.out


async def test_the_orders_of_an_account_that_is_down_are_known_to_nobody(houses, capsys):
    """So a graceful stop does not end the process over them."""
    houses[1].up = False
    houses[1].halted = True
    assert await run("stop", "--wait", "0.1", "--json") == 1
    assert said(capsys)["accounts"][1]["down"] is True


@pytest.mark.parametrize("how", ["--now", "--halt"])
async def test_the_halt_of_an_account_that_is_down_is_kept_and_the_process_stays(
    houses, ends, capsys, monkeypatch, how
):
    """No journal has it: the next process would let that account act, so this one is not ended."""
    monkeypatch.setattr(stop, "HALT_S", 0.1)
    houses[1].up = False
    assert await run("stop", how, "--wait", "0") == 1
    printed = capsys.readouterr().out
    assert "huf is down (it is being started): its halt is kept by this process alone" in printed
    assert "Nothing was ended." in printed
    assert ends == []
    assert await run("stop", how, "--wait", "0", "--json") == 1
    assert said(capsys)["halted"] is False


async def test_a_halt_that_no_journal_has_taken_ends_nothing(houses, ends, capsys, monkeypatch):
    """Its rules act no more, but the next start would not know."""
    monkeypatch.setattr(stop, "HALT_S", 0.1)
    houses[0].journal_works = False
    assert await run("stop", "--now") == 1
    printed = capsys.readouterr().out
    assert "default: halted, not yet in the journal, mode execute" in printed
    assert "default acts no more, but its journal takes no record" in printed
    assert ends == []
    houses[0].journal_works = True
    monkeypatch.setattr(stop, "ended_within", lambda _process, _s: True)
    assert await run("stop", "--now") == 0
    assert ends == ["asked"]


# ------------------------------------------------------------------------------------------ resume

HELD = replace(CONDOR, state=PositionState.HELD, reason="the broker holds 65 less")


async def test_a_halt_is_ended_from_the_host_after_a_typed_word(houses, capsys, monkeypatch):
    """It shows what would be taken over; another word is a no."""
    for house in houses:
        house.halted = True
    houses[0].positions = (HELD,)
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert await run("resume") == 1
    printed = capsys.readouterr()
    assert "default: halted, mode execute\n  held: default/3359, the broker holds 65 less" in printed.err
    assert "Nothing was changed." in printed.out
    assert all(house.heard == [] for house in houses)
    monkeypatch.setattr("sys.stdin", Terminal("resume\n"))
    assert await run("resume") == 0
    assert [house.heard[0].wish for house in houses] == [Wish.RESUME] * 2
    assert not any(house.halted for house in houses)


async def test_what_is_taken_over_is_what_was_shown(houses, capsys, monkeypatch):
    """A second difference shows up while the person reads."""

    class Slow(Terminal):
        def readline(self, *_size):
            houses[0].positions = (HELD,)
            return "resume\n"

    houses[0].halted = True
    monkeypatch.setattr("sys.stdin", Slow())
    assert await run("resume") == 2
    assert "not as it was shown any more" in capsys.readouterr().err
    assert houses[0].heard == []


async def test_a_halt_that_does_not_end_is_status_one(houses, capsys, monkeypatch):
    """It is told as it stands."""
    monkeypatch.setattr(resume, "RESUME_S", 0.1)
    houses[0].halted, houses[0].obeys = True, False
    assert await run("resume", "--yes", "--json") == 1
    assert said(capsys)["accounts"][0]["halted"] is True


async def test_where_nothing_is_halted_nothing_is_done(houses, capsys):
    """And that is well."""
    assert await run("resume") == 0
    assert "Nothing to resume." in capsys.readouterr().out
    assert houses[0].heard == []


# -------------------------------------------------------------------------------------------- exit


async def test_an_exit_is_posted_once_and_followed_to_its_end(houses, capsys):
    """As a confirmed wish of the host's, to the account that holds the position alone."""
    assert await run("exit", "--strategy-id", "3359", "--yes", "--json") == 0
    assert said(capsys)["state"] == "flat"
    (command,) = houses[0].heard
    assert (command.wish, command.strategy_id, command.confirmed) == (Wish.EXIT, 3359, True)
    assert houses[1].heard == []


async def test_an_exit_shows_what_it_would_close_and_asks(houses, capsys, monkeypatch):
    """Another word than the position's number is a no."""
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert await run("exit", "--strategy-id", "3359") == 1
    printed = capsys.readouterr()
    assert "3359 NIFTY Iron Condor, account default, mode execute: with real orders" in printed.err
    assert "−65 NIFTY 24 FEB 25300 CE" in printed.err
    assert "P&L +₹65.00, closed now +₹12.00" in printed.err
    assert "Nothing was sent." in printed.out
    assert houses[0].heard == []
    monkeypatch.setattr("sys.stdin", Terminal("3359\n"))
    assert await run("exit", "--strategy-id", "3359") == 0
    assert "Verified flat: 3359 NIFTY Iron Condor" in capsys.readouterr().out


async def test_where_nobody_can_be_asked_nothing_is_sent(houses, capsys):
    """A script has to say --yes."""
    assert await run("exit", "--strategy-id", "3359") == 2
    assert "add --yes" in capsys.readouterr().err
    assert houses[0].heard == []


async def test_legs_that_are_not_as_they_were_shown_are_not_exited(houses, capsys, monkeypatch):
    """The position changes while the person reads."""

    class Slow(Terminal):
        def readline(self, *_size):
            houses[0].positions = (replace(CONDOR, legs=(LegView("NIFTY", -130, 1, 1, 0.1),)),)
            return "3359\n"

    monkeypatch.setattr("sys.stdin", Slow())
    assert await run("exit", "--strategy-id", "3359") == 2
    assert "not as it was shown any more" in capsys.readouterr().err
    assert houses[0].heard == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"impossible": "Alert-only mode places no orders."}, "Alert-only mode places no orders."),
        ({"positions": ()}, "no open position 3359"),
        ({"positions": (replace(CONDOR, state=PositionState.INVALID, reason="lot"),)}, "invalid, lot"),
        ({"up": False}, "account default is down: it is being started"),
    ],
)
async def test_an_exit_that_cannot_be_is_refused_with_its_reason(houses, capsys, change, why):
    """Status 2, nothing posted."""
    for name, value in change.items():
        setattr(houses[0], name, value)
    assert await run("exit", "--strategy-id", "3359", "--yes") == 2
    assert why in capsys.readouterr().err
    assert houses[0].heard == []


async def test_a_number_that_two_accounts_hold_needs_the_accounts_name(houses, capsys):
    """Never both by one word."""
    houses[1].positions = (replace(CONDOR, id="huf/3359", account="huf"),)
    assert await run("exit", "--strategy-id", "3359", "--yes") == 2
    assert "expected --account and one of default, huf" in capsys.readouterr().err
    assert await run("exit", "--strategy-id", "3359", "--yes", "--account", "huf", "--wait", "0") == 0
    assert [bool(house.heard) for house in houses] == [False, True]
    assert await run("exit", "--strategy-id", "3359", "--account", "hfu") == 2
    assert "read account 'hfu', expected one of default, huf" in capsys.readouterr().err


async def test_a_stuck_exit_is_status_one_with_what_is_left(houses, capsys, monkeypatch):
    """The card's words are the answer's."""
    stuck = replace(FLAT, state="stuck", flat=False, title="Stuck: 3359", lines=("65 still held",))
    monkeypatch.setattr("tests.engine.io.tools.test_asking_a_monitor.FLAT", stuck)
    assert await run("exit", "--strategy-id", "3359", "--yes") == 1
    assert "65 still held" in capsys.readouterr().out


async def test_a_monitor_that_dies_meanwhile_has_begun_the_exit(houses, capsys, monkeypatch):
    """Not the status of nothing sent: the orders are at the broker."""

    def gone(*_):
        raise Unreachable("no monitor runs in data (DATA_DIR)")

    monkeypatch.setattr("engine.io.tools.exits._followed", gone)
    assert await run("exit", "--strategy-id", "3359", "--yes") == 1
    assert "The exit was begun: its orders stay at the broker" in capsys.readouterr().out


async def test_an_exit_that_does_not_begin_is_told(houses, capsys, monkeypatch):
    """The monitor has other things to say."""
    monkeypatch.setattr("engine.io.tools.exits.BEGIN_S", 0.0)
    houses[0].obeys = False
    assert await run("exit", "--strategy-id", "3359", "--yes") == 1
    assert "No exit has begun" in capsys.readouterr().out


# ------------------------------------------------------------------------------------ without one


def test_without_a_monitor_each_says_what_to_do(place, capsys):
    """Status 2, which is neither well nor red; no second owner is made."""
    for words in (["health"], ["stop"], ["resume"], ["exit", "--strategy-id", "3359", "--yes"]):
        assert main(words) == 2
        assert "no monitor runs in" in (told := capsys.readouterr().err)
    assert "python -m engine run --semi-auto" in told
    assert list(place.iterdir()) == []
