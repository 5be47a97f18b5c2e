"""Houses beside each other: how one that falls is built again, and what they do not share."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest

from bot.__main__ import _start_words
from engine.accounts import People
from engine.errors import ConfigError
from engine.io.app import REBUILD, Options, _Street, run_house
from engine.io.clock import SystemClock
from engine.io.dhan.limits import Rank
from engine.io.house import House
from engine.io.locks import HostLock
from engine.io.opening import open_house
from engine.io.plot import Plot
from engine.io.storage import roll_of
from engine.io.supervise import Restart, Supervisor
from engine.messages import Actor, Command, Wish
from engine.model import Mode
from engine.settings import Settings
from tests.engine.test_accounts import ENV, TWO
from tests.support.clock import VirtualClock, settle
from tests.support.ear import Ear

if TYPE_CHECKING:
    from engine.io.runner import Runner


@pytest.fixture
def settings(tmp_path):
    """Two accounts in a directory of this test, without rules of their own and without a proxy."""
    toml = "".join(line for line in TWO.splitlines(keepends=True) if not line.startswith(("proxy", "rules")))
    urls = dict.fromkeys(("DHAN_API_URL", "DHAN_INSTRUMENTS_URL"), "http://127.0.0.1:9")
    urls |= dict.fromkeys(("DHAN_FEED_URL", "DHAN_ORDER_UPDATE_URL"), "ws://127.0.0.1:9")
    return Settings.parse(ENV | urls | {"DATA_DIR": str(tmp_path)}, (), toml)


def plots(settings):
    roll = roll_of(settings)
    return [
        Plot(settings.of_account(account), Mode.EXECUTE, True, 1.0, roll, lambda _secret: None)
        for account in settings.accounts
    ]


async def test_a_house_that_cannot_be_built_is_tried_again_after_growing_pauses(settings):
    """Five seconds at first, five minutes at most, each told with its cause; never given up."""
    clock, said = VirtualClock(0.0), []
    huf = plots(settings)[1]
    street = _Street(huf, People(), clock)
    street.plug(Ear(lambda alert: said.append((clock.now_s(), alert))))
    supervisor = Supervisor(clock)
    supervisor.supervise("huf", street.live, restart=Restart.ALWAYS, pauses=REBUILD, told=street.tell_failure)
    with HostLock(huf.settings.data_dir):
        run = asyncio.create_task(supervisor.run())
        await settle()
        await clock.advance(1_500)
        supervisor.stop()
        await run
    moments = [at_s for at_s, _ in said]
    assert [b - a for a, b in pairwise(moments)] == [
        5,
        10,
        20,
        40,
        80,
        160,
        300,
        300,
        300,
    ]
    assert all("held by another monitor" in alert.text for _, alert in said)
    assert "again in 5 s. The other accounts go on" in said[0][1].text
    assert "again in 300 s" in said[-1][1].text


async def test_what_others_raise_is_not_quoted_on_the_phone(settings):
    """The text of a foreign exception may hold an address with a token in it: only its kind is told."""
    said = []
    street = _Street(plots(settings)[0], People(), VirtualClock())
    street.plug(Ear(said.append))
    street.tell_failure(RuntimeError("wss://host?token=canary"), 5.0)
    assert "RuntimeError" in said[0].text
    assert "canary" not in said[0].text + street.line.nothing().degraded


async def test_a_full_order_lane_of_one_account_holds_up_no_other(settings):
    """Dhan counts by user: one account's ten orders a second are nothing to the next one's."""
    async with AsyncExitStack() as held:
        clock = SystemClock(None)
        first, huf = [await held.enter_async_context(open_house(plot, clock)) for plot in plots(settings)]
        turns = [await first.dhan.rest._order_lane.turn(Rank.PLACE, 0.0) for _ in range(60)]
        assert not turns[-1]
        assert await huf.dhan.rest._order_lane.turn(Rank.PLACE, 0.0)
        assert first.journal is not huf.journal
        assert first.inbox is not huf.inbox


async def test_each_house_has_its_own_places_and_the_store_is_shared(settings, tmp_path):
    """The first account keeps the directory it had when it was alone; the messages say where a token goes."""
    async with AsyncExitStack() as held:
        clock = SystemClock(None)
        first, huf = [await held.enter_async_context(open_house(plot, clock)) for plot in plots(settings)]
        assert (tmp_path / "journal.sqlite3").exists()
        assert (tmp_path / "accounts" / "huf" / "journal.sqlite3").exists()
        assert first.monitor.helm.config.token_place == "token in DATA_DIR"
        assert huf.monitor.helm.config.token_place == "token in DATA_DIR/accounts/huf"
        assert first.monitor.helm.config.store == huf.monitor.helm.config.store


@pytest.mark.parametrize(("mode", "word", "direct"), [
    (Mode.EXECUTE, "", True), (Mode.SEMI_AUTO, "direct", True), (Mode.EXECUTE, "dhanhq", False),
    (Mode.ALERT_ONLY, "direct", False), (Mode.SIMULATE, "direct", False),
])  # fmt: skip
async def test_only_who_sends_orders_holds_connections_ready_for_them(tmp_path, mode, word, direct):
    """Alert-only and simulate have no business at the order desk, and ORDERS_BY=dhanhq is the way of old."""
    # a broker of one's own: the lock of a real one's account is this host's, and other workers try it too
    broker = {"DHAN_API_URL": "http://127.0.0.1:9"}
    settings = Settings.parse({"DATA_DIR": str(tmp_path), "ORDERS_BY": word} | broker)
    async with open_house(
        Plot(settings, mode, True, 1.0, None, lambda _secret: None), SystemClock()
    ) as house:
        assert house.dhan.rest.direct is direct


async def test_a_house_that_closes_does_not_hold_the_loop_for_its_threads(settings):
    """A call to Dhan that hangs is waited for elsewhere: the other accounts go on meanwhile."""
    neighbour = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hangs():
        asyncio.run_coroutine_threadsafe(neighbour.wait(), loop).result(5)

    async with open_house(plots(settings)[1], SystemClock(None)) as house:
        call = house.dhan.rest._threads._executor.submit(hangs)
        loop.call_soon(neighbour.set)
    assert call.exception() is None


@pytest.mark.parametrize("name", ["RULES_FILE", "SESSIONS_FILE"])
async def test_a_fault_in_a_file_of_all_is_told_at_once(settings, tmp_path, name):
    """Nothing is started: every house would fall over it, one after the other."""
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("x = [")
    settings = replace(settings, **{name.lower(): wrong})
    with pytest.raises(ConfigError, match="not readable as TOML"):
        await run_house(
            settings, Options(Mode.EXECUTE), lambda _: pytest.fail("built"), lambda _: None, lambda _: None
        )
    with HostLock(tmp_path):
        pass  # and the directory is let go of


def test_the_start_says_which_account_runs_in_which_mode(settings):
    """The lower of the command line's mode and its own ceiling; one that is turned off is said to be."""
    first, huf = settings.accounts
    several = replace(settings, accounts=(first, huf, replace(huf, name="parents", enabled=False)))
    assert _start_words(several, Mode.EXECUTE).splitlines() == [
        "Prahari, mode execute, 3 accounts. Ctrl-C stops it.",
        "  default          1000000001: mode execute",
        "  huf              1000000002: mode semi-auto",
        "  parents          1000000002: turned off",
    ]


def test_a_house_has_taken_a_stop_once_it_is_handled_and_in_the_journal():
    """One that only waits in its inbox, or for a full disk, dies with it."""

    class Desk:
        saved = False

    house, somebody = House.__new__(House), Actor(1, 2, "Asha")
    stop, runner = Command(Wish.STOP, somebody), Desk()
    house._runner = cast("Runner", runner)
    house._hear(Command(Wish.RESUME, somebody))
    assert not house.took(stop)
    house._hear(stop)
    assert not house.took(stop)
    runner.saved = True
    assert house.took(stop)
    assert not house.took(Command(Wish.STOP, somebody))
