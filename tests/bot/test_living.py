"""Messages that stay true, over real HTTP: cards, the pinned summary, and what becomes of their edits."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.accounts import Accounts
from bot.layout import COLUMNS
from bot.living import Living
from bot.store import LIVING, ChatStore
from engine.accounts import People
from engine.chat_tuning import ChatTuning
from engine.messages import Command, Wish
from engine.model import Mode, Urgency, position_id
from engine.view import PositionState
from tests.bot.house import (
    OWNER,
    Core,
    QuickClock,
    alert,
    house,
    in_brief,
    make_chat,
    message_with,
    position,
    running,
    telegram,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bot.queue import Outgoing
    from engine.model import PositionId
    from engine.view import MonitorView
    from sandbox.telegram_server import Message, TelegramServer

LOADED = {"store": "rows of 09:21:30"}
#: Ten seconds between two edits take a test half a second.
SPEED = 20.0


def holding(**changes: object):
    """A house whose rows are read, with one position."""
    return house(position(**changes), **LOADED)


@asynccontextmanager
async def living(tmp_path: Path, *cores: Core, summary: bool = False, server=None, clock=None):
    """A chat that listens, with these accounts; yields its Telegram and its clock."""
    clock = clock or QuickClock(SPEED)
    async with AsyncExitStack() as stack:
        here = server or await stack.enter_async_context(telegram(clock))
        polls = len(here.calls_of("getUpdates"))
        chat = make_chat(here, cores, clock, tmp_path, tuning=ChatTuning(summary=summary))
        await stack.enter_async_context(running(chat))
        # the clock is so fast that a command which waits for the first poll would be too old
        await here.wait_for(lambda _: len(here.calls_of("getUpdates")) > polls)
        yield here, clock


async def card_of(server: TelegramServer, words: str = "3359 NIFTY Iron Condor") -> Message:
    """Ask for the card of 3359 and wait for it."""
    before = {message.id for message in server.sent()}
    server.phone.send("/p 3359")

    def new(here: TelegramServer) -> Message | None:
        return next((m for m in here.sent() if m.id not in before and words in m.text), None)

    message = await server.wait_for(new)
    assert message is not None
    return message


async def says(message: Message, server: TelegramServer, words: str) -> None:
    """Wait until this very message says that."""
    await server.wait_for(lambda _: words in message.text)


async def pinned(server: TelegramServer, *but: int) -> Message:
    """Wait for a pinned message other than these."""

    def found(here: TelegramServer) -> Message | None:
        ids = [each for each in here.state.chats[OWNER].pinned if each not in but]
        return here.messages[ids[-1]] if ids else None

    message = await server.wait_for(found)
    assert message is not None
    return message


async def test_a_card_is_edited_in_place_when_something_matters_and_only_then(tmp_path: Path):
    """A small move leaves it alone, a large one changes the same message without a sound."""
    core = Core(picture=holding())
    async with living(tmp_path, core) as (server, _):
        card = await card_of(server)
        core.picture = holding(pnl_paise=152_750 + 99_00)
        server.phone.send("/help")
        await message_with(server, "Commands")
        core.picture = holding(pnl_paise=300_000, urgency=Urgency.MEDIUM)
        await says(card, server, "+₹3,000.00")
        assert len(card.edits) == 2
        assert card.buttons == ["Exit…", "Exit half…", "Tighten…", "Snooze…", "Chart", "Why?", "Rules"]
        assert len([m for m in server.sent() if "3359 NIFTY" in m.text]) == 1


async def test_living_messages_keep_their_distance_however_much_happens(tmp_path: Path):
    """A storm of changes in three cards: never two edits within ten seconds, Telegram never says 429."""
    clock = QuickClock(SPEED)
    core = Core(picture=house(*(position(n) for n in (1, 2, 3)), **LOADED))
    async with living(tmp_path, core, clock=clock) as (server, _):
        for number in (1, 2, 3):
            server.phone.send(f"/p {number}")
            await message_with(server, f"{number} NIFTY")
        for round_ in range(12):
            pnl = 10_000_00 * (round_ + 1)
            core.picture = house(*(position(n, pnl_paise=pnl) for n in (1, 2, 3)), **LOADED)
            calls = len(server.calls_of("editMessageText"))
            if round_ % 3 == 0:
                await server.wait_for(lambda _, calls=calls: len(server.calls_of("editMessageText")) > calls)
        moments = [call.at_s for call in server.calls_of("editMessageText")]
        assert len(moments) >= 4
        assert all(b - a > 9.5 for a, b in pairwise(moments))


async def test_what_turned_goes_before_what_drifted(tmp_path: Path):
    """Two cards have moved amounts when a third becomes HIGH: that one is told first."""
    core = Core(picture=house(*(position(n) for n in (1, 2, 3)), **LOADED))
    # a machine that stalls as long as two edits are apart would have the second go before the next look
    async with living(tmp_path, core, clock=QuickClock(5.0)) as (server, _):
        cards = []
        for number in (1, 2, 3):
            server.phone.send(f"/p {number}")
            cards.append(await message_with(server, f"{number} NIFTY"))
        moved = [position(n, pnl_paise=900_000) for n in (1, 2, 3)]

        def turned(here: TelegramServer) -> Message | None:
            """The last of the other two becomes HIGH with the first edit, before there can be another."""
            if not (edits := here.calls_of("editMessageText")):
                return None
            told = int(edits[0].fields["message_id"])
            last = [card for card in cards if card.id != told][1]
            number = cards.index(last) + 1
            others = (p for p in moved if p.strategy_id != number)
            high = position(number, pnl_paise=900_000, urgency=Urgency.HIGH)
            core.picture = house(*others, high, **LOADED)
            return last

        core.picture = house(*moved, **LOADED)
        last = await server.wait_for(turned)
        assert last is not None
        await says(last, server, "HIGH")
        assert int(server.calls_of("editMessageText")[1].fields["message_id"]) == last.id


async def test_asked_again_the_card_is_new_and_the_old_one_gives_way(tmp_path: Path):
    """The one that moved has no buttons and is never changed again."""
    core = Core(picture=holding())
    async with living(tmp_path, core) as (server, _):
        old = await card_of(server)
        new = await card_of(server)
        await says(old, server, "Its card has moved below")
        assert (old.buttons, new.id > old.id) == ([], True)
        core.picture = holding(pnl_paise=900_000)
        await says(new, server, "+₹9,000.00")
        assert len(old.edits) == 2


async def test_cards_that_gave_way_are_forgotten(tmp_path: Path):
    """However often a card is asked for, the chat remembers what the newest one shows."""
    core = Core(picture=holding())
    async with living(tmp_path, core) as (server, _):
        for _ in range(3):
            old = await card_of(server)
        new = await card_of(server)
        await says(old, server, "Its card has moved below")
        core.picture = holding(pnl_paise=900_000)
        await says(new, server, "+₹9,000.00")
        assert core.chat is not None
        assert len(core.chat.rooms.living._shown) == 1


async def test_a_summary_that_cannot_be_made_takes_nothing_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """While a mistake keeps the living messages away all else goes on; they are back when it is over."""
    core = Core(picture=holding(thresholds=None, legs=None))
    async with living(tmp_path, core, summary=True) as (server, clock):
        while "chat living messages failed" not in caplog.text:
            clock.rested.clear()
            await clock.rested.wait()
        core.give(alert(Urgency.HIGH, "stop"))
        await message_with(server, "High stop")
        core.picture = holding()
        await pinned(server)


async def test_a_card_that_cannot_be_made_takes_no_other_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """A mistake in the last card is logged; the summary and the cards before it are told as ever."""
    core = Core(picture=house(position(), position(strategy_id=4000, thresholds=None, legs=None), **LOADED))
    store, added, clock = ChatStore(tmp_path / "chat.sqlite3"), [], QuickClock(SPEED)
    for number, strategy_id in enumerate((3359, 4000), start=1):
        thread = f"{LIVING}card|default|{position_id('default', strategy_id)}|{number}"
        store.expect_card(thread, "")
        store.place_card(thread, number)
    wiring = core.wiring(clock)
    look = Living(Accounts([wiring]), [], store=store, add=added.append, clock=clock, wall_s=clock.now_s)
    with pytest.raises(TypeError):
        await look.look()
    assert [message.thread for message in added] == [f"{LIVING}card|default|default/3359|1"]


async def test_a_card_ends_in_place_when_its_position_is_closed(tmp_path: Path):
    """Flat is its last word, and nothing is kept of it."""
    core = Core(picture=holding())
    async with living(tmp_path, core) as (server, _):
        card = await card_of(server)
        core.picture = holding(state=PositionState.EXITING, reason="the stop is met")
        await says(card, server, "EXITING")
        assert "Exit…" not in card.buttons
        core.picture = holding(state=PositionState.FLAT, reason="verified flat", thresholds=())
        await says(card, server, "verified flat")
        assert card.buttons == ["Why?", "Rules"]
        assert core.chat is not None
        await server.wait_for(lambda _: _kept(core) == ())


async def test_a_position_that_is_no_more_is_said_to_be_no_more(tmp_path: Path):
    """Its row went away; the card says so and has no buttons."""
    core = Core(picture=holding())
    async with living(tmp_path, core) as (server, _):
        card = await card_of(server)
        core.picture = house(**LOADED)
        await says(card, server, "Not among the positions any more")
        assert card.buttons == []


async def test_exit_pressed_on_a_card_asks_in_a_message_of_its_own(tmp_path: Path):
    """The card goes on living; the core is told which message it was pressed on."""
    core = Core(picture=holding())
    async with living(tmp_path, core) as (server, _):
        card = await card_of(server)
        server.phone.tap(card.id, "Exit…")
        await core.wait_for(lambda here: here.of(Command))
        assert [c.wish for c in core.of(Command)] == [Wish.EXIT]
        core.picture = holding(pnl_paise=400_000)
        await says(card, server, "+₹4,000.00")


async def test_tighten_offers_nearer_stops_each_of_which_is_a_question(tmp_path: Path):
    """A press is the /set that a person would have written."""
    core = Core(picture=holding(pnl_paise=-100_000))
    async with living(tmp_path, core) as (server, _):
        card = await card_of(server)
        server.phone.tap(card.id, "Tighten…")
        page = await message_with(server, "Tighten the stop of 3359")
        assert page.buttons == ["Stop at −₹3,970", "Stop at −₹2,980", "Stop at −₹1,990"]
        server.phone.tap(page.id, "Stop at −₹2,980")
        await core.wait_for(lambda here: here.of(Command))
        [command] = core.of(Command)
        assert (command.wish, command.strategy_id, command.rule, command.value) == (
            Wish.SET, 3359, "stop_loss_rupees", "2980",
        )  # fmt: skip


async def test_an_edit_whose_reply_is_lost_leaves_one_card_that_is_true(tmp_path: Path):
    """Telegram did it and hung up: it is tried again on the same message, nothing is sent twice."""
    core = Core(picture=holding())
    async with living(tmp_path, core) as (server, _):
        card = await card_of(server)
        server.faults.lose_reply(method="editMessageText")
        core.picture = holding(pnl_paise=400_000)
        await server.wait_for(lambda _: len(server.calls_of("editMessageText")) >= 2)
        await says(card, server, "+₹4,000.00")
        core.picture = holding(pnl_paise=500_000)
        await says(card, server, "+₹5,000.00")
        assert len([m for m in server.sent() if "3359 NIFTY" in m.text]) == 1


async def test_a_card_that_was_deleted_stays_away(tmp_path: Path):
    """Whoever deletes it does not want it; asked for, it comes anew."""
    core = Core(picture=holding())
    async with living(tmp_path, core) as (server, _):
        card = await card_of(server)
        server.phone.delete(card.id)
        core.picture = holding(pnl_paise=400_000)
        await server.wait_for(lambda _: _kept(core) == ())
        assert not [m for m in server.sent() if "3359 NIFTY" in m.text]
        assert "+₹4,000.00" in (await card_of(server)).text


async def test_a_flood_wait_for_an_edit_delays_no_alert(tmp_path: Path):
    """Telegram wants silence after an edit: a HIGH alert is there at once, the card later."""
    clock = QuickClock(SPEED)
    core = Core(picture=holding())
    async with living(tmp_path, core, clock=clock) as (server, _):
        card = await card_of(server)
        server.faults.fail(429, method="editMessageText", retry_after_s=90)
        core.picture = holding(pnl_paise=400_000)
        await server.wait_for(lambda _: server.faults.armed == 0 and server.calls_of("editMessageText"))
        refused_s = clock.now_s()
        server.phone.send("/help")  # by the time it is answered the chat has understood the refusal
        await message_with(server, "Commands")
        core.give(alert(Urgency.HIGH, "stop"))
        core.give(alert(Urgency.MEDIUM, "near"))
        await message_with(server, "High stop")
        await message_with(server, "Medium near")
        assert clock.now_s() - refused_s < 45.0
        assert len(server.calls_of("editMessageText")) == 1
        await server.wait_for(lambda _: "+₹4,000.00" in card.text, 15.0)
        assert server.calls_of("editMessageText")[1].at_s - server.calls_of("editMessageText")[0].at_s >= 90


async def test_a_hanging_edit_holds_nobody_up(tmp_path: Path):
    """Living messages have a lane of their own: a reply comes while an edit gets no answer."""
    clock = QuickClock(SPEED)
    core = Core(picture=holding())
    async with living(tmp_path, core, clock=clock) as (server, _):
        await card_of(server)
        server.faults.hang(method="editMessageText")
        core.picture = holding(pnl_paise=400_000)
        await server.wait_for(lambda _: server.calls_of("editMessageText"))
        server.phone.send("/help")
        await message_with(server, "Commands", timeout_s=3.0)
        assert server.calls_of("editMessageText")[0].status == 0
        server.faults.clear()


async def test_a_restart_goes_on_in_the_messages_that_were_there(tmp_path: Path):
    """Card and summary are edited by the next life; nothing new is sent, nothing is pinned twice."""
    clock = QuickClock(SPEED)
    core = Core(picture=holding())
    async with telegram(clock) as server:
        async with living(tmp_path, core, summary=True, server=server, clock=clock):
            summary = await pinned(server)
            card = await card_of(server)
        assert "Stopped at 09:21:33 IST" in summary.text
        assert "Stopped at" in card.text
        assert (card.buttons, summary.silent) == ([], True)
        sent = len(server.calls_of("sendMessage"))
        core.picture = house(store="")  # the next life has read nothing yet
        async with living(tmp_path, core, summary=True, server=server, clock=clock):
            server.phone.send("/help")
            await message_with(server, "Commands")
            assert "Stopped at" in summary.text
            core.picture = holding(pnl_paise=700_000)
            await says(summary, server, "+7,000.00")
            await says(card, server, "+₹7,000.00")
            assert "Stopped" not in summary.text + card.text
            assert card.buttons == ["Exit…", "Exit half…", "Tighten…", "Snooze…", "Chart", "Why?", "Rules"]
        assert len(server.calls_of("sendMessage")) == sent + 1
        assert [call.ok for call in server.calls_of("pinChatMessage")] == [True]


@pytest.mark.parametrize("how", ["deleted", "too old"])
async def test_a_summary_that_cannot_be_edited_is_made_anew_and_pinned(tmp_path: Path, how: str):
    """Somebody deleted it, or Telegram edits it no more: one new message, the old one is unpinned."""
    core = Core(picture=holding())
    async with living(tmp_path, core, summary=True) as (server, _):
        first = await pinned(server)
        if how == "deleted":
            server.phone.delete(first.id)
        else:
            server.state.edit_limit_s = -1.0
        core.picture = holding(pnl_paise=400_000)
        second = await pinned(server, first.id)
        server.state.edit_limit_s = float("inf")
        assert "+4,000.00" in second.text
        await server.wait_for(lambda _: server.state.chats[OWNER].pinned == [second.id])
        core.picture = holding(pnl_paise=900_000)
        await says(second, server, "+9,000.00")


class Restless(Core):
    """A core whose P&L has moved whenever somebody looks."""

    looks = 0

    async def view(self, _strategy_id=None, /):
        """Show the next picture."""
        self.looks += 1
        return holding(pnl_paise=self.looks * 1_000_000)


async def test_a_summary_that_was_deleted_is_made_anew_though_everything_moves(tmp_path: Path):
    """What is said next need not be what found it gone."""
    async with living(tmp_path, Restless(), summary=True) as (server, _):
        first = await pinned(server)
        server.phone.delete(first.id)
        second = await pinned(server, first.id)
        await server.wait_for(lambda _: len(second.edits) > 1)


async def test_a_chat_that_runs_again_takes_its_stop_back(tmp_path: Path):
    """The same object in another life: nothing has changed but that it lives."""
    clock = QuickClock(SPEED)
    async with telegram(clock) as server:
        chat = make_chat(server, Core(picture=holding()), clock, tmp_path, tuning=ChatTuning(summary=True))
        async with running(chat):
            summary = await pinned(server)
        assert "Stopped" in summary.text
        async with running(chat):
            await server.wait_for(lambda _: "Stopped" not in summary.text)


async def test_the_summary_is_renewed_before_it_is_called_dead(tmp_path: Path):
    """Nothing changes for a quarter of an hour: it is written again, in place."""
    clock = QuickClock(100.0)  # between renewed and called dead a machine may stall for three seconds
    core = Core(picture=holding())
    async with living(tmp_path, core, summary=True, clock=clock) as (server, _):
        summary = await pinned(server)
        await server.wait_for(lambda _: summary.entities and len(summary.edits) >= 2, 30.0)
        [first, second, *_] = [*summary.history, summary.body]
        written = [
            next(e["unix_time"] for e in body.formatted.entities if e["type"] == "date_time")
            for body in (first, second)
        ]
        assert 590 <= written[1] - written[0] <= 900


async def test_a_pin_that_is_not_allowed_is_not_asked_for_again(tmp_path: Path):
    """The summary lives on unpinned."""
    core = Core(picture=holding())
    clock = QuickClock(SPEED)
    async with telegram(clock) as server:
        server.faults.fail(400, method="pinChatMessage", description="Bad Request: not enough rights to pin")
        async with living(tmp_path, core, summary=True, server=server, clock=clock):
            summary = await message_with(server, "As of")
            core.picture = holding(pnl_paise=400_000)
            await says(summary, server, "+4,000.00")
        assert len(server.calls_of("pinChatMessage")) == 1


async def test_switched_off_the_summary_of_before_is_ended_and_unpinned(tmp_path: Path):
    """Nothing old stays pinned."""
    clock = QuickClock(SPEED)
    core = Core(picture=holding())
    async with telegram(clock) as server:
        async with living(tmp_path, core, summary=True, server=server, clock=clock):
            summary = await pinned(server)
        async with living(tmp_path, core, server=server, clock=clock):
            await says(summary, server, "Switched off")
            await server.wait_for(lambda _: server.state.chats[OWNER].pinned == [])


async def test_several_accounts_are_in_one_summary_but_only_those_the_chat_may_see(tmp_path: Path):
    """HUF and SELF stand in it by name, the one that the chat's person has no role in does not."""
    huf = Core(account="HUF", picture=house(position(1, urgency=Urgency.HIGH), mode=Mode.EXECUTE, **LOADED))
    own = Core(account="SELF", picture=house(position(2, pnl_paise=-10_000), **LOADED))
    other = Core(account="OTHER", people=People(owners=frozenset({7})), picture=house(position(3), **LOADED))
    async with living(tmp_path, huf, own, other, summary=True) as (server, _):
        summary = await pinned(server)
        assert "2 accounts" in summary.text
        assert "HUF · EXECUTE" in summary.text
        assert "H 1 NIFTY" in summary.text
        assert "OTHER" not in summary.text
        own.picture = house(down=True, degraded="Account SELF is down: no journal", **LOADED)
        await says(summary, server, "SELF · ⚠️ Account SELF is down")
        server.phone.send("/p HUF 1")
        card = await message_with(server, "1 NIFTY Iron Condor")
        huf.picture = house(position(1, pnl_paise=900_000), mode=Mode.EXECUTE, **LOADED)
        await says(card, server, "+₹9,000.00")
        assert card.text.startswith("HUF\n")


async def test_a_long_book_fits_one_message_and_the_columns(tmp_path: Path):
    """Sixty positions: the loudest are listed, the others counted, no line is wider than the phone."""
    many = [position(n, id=position_id("default", n), pnl_paise=-(10**9) * n) for n in range(1, 60)]
    loud = position(99, urgency=Urgency.HIGH, state=PositionState.STUCK, pnl_paise=None)
    core = Core(picture=house(*many, loud, **LOADED))
    async with living(tmp_path, core, summary=True) as (server, _):
        summary = await pinned(server)
        lines = [line for line in summary.text.split("\n") if line.startswith(("H ", "M ", "  "))]
        assert lines[0] == "H 99 STUCK NIFTY         unknown"
        assert lines[-1] == "  and 36 more"
        assert all(len(line) <= COLUMNS for line in lines)


def _kept(core: Core) -> tuple[str, ...]:
    """The threads of living messages that the chat still keeps."""
    assert core.chat is not None
    return core.chat.rooms.store.living()


@dataclass
class Glimpsed(Core):
    """Shows in full only what is wanted; ``meanwhile`` happens while it is drawn."""

    meanwhile: Callable[[], None] = lambda: None

    async def glance(self, wanted: Collection[PositionId] = (), /) -> MonitorView:
        """What is not wanted is there in brief."""
        self.meanwhile()
        view = await self.view()
        return replace(view, positions=tuple(p if p.id in wanted else in_brief(p) for p in view.full))


async def test_a_card_that_comes_while_the_house_is_drawn_waits_for_the_next_look(tmp_path: Path):
    """Its position was not asked for, so that its figures are not known; that it is gone is never said."""
    store = ChatStore(tmp_path / "chat.sqlite3")
    added: list[Outgoing] = []
    core, clock = Glimpsed(picture=house(position(1), position(2), **LOADED)), QuickClock(1000.0)

    def card(number: int) -> None:
        thread = f"{LIVING}card|default|{position_id('default', number)}|{number}"
        store.expect_card(thread, "")
        store.place_card(thread, number)

    card(1)
    core.meanwhile = partial(card, 2)
    cards = Living(
        Accounts([core.wiring(clock)]), (), store=store, add=added.append, clock=clock, wall_s=clock.now_s
    )
    await cards.look()
    assert [(item.last, item.thread) for item in added] == [(False, store.living()[0])]
    core.meanwhile = lambda: None
    await clock.sleep(60.0)
    await cards.look()
    assert {item.thread for item in added} == set(store.living())
    assert not any(item.last for item in added)


async def test_a_card_that_came_after_the_last_look_is_told_of_the_end_too(tmp_path: Path):
    """What it shows is known, though the picture of that look has its position in brief."""
    store, clock = ChatStore(tmp_path / "chat.sqlite3"), QuickClock(1000.0)
    core = Glimpsed(picture=house(position(1), position(2), **LOADED))
    wiring = core.wiring(clock)
    cards = Living(
        Accounts([wiring]), (wiring,), store=store, add=lambda _item: None, clock=clock, wall_s=clock.now_s
    )
    await cards.look()
    view = house(position(1), position(2), **LOADED)
    cards.show(wiring, view, view.full[1])
    [thread] = store.living()
    store.place_card(thread, 7)
    assert thread in [item.thread for item in cards.last_words()]


async def test_between_two_cards_others_have_the_loop(tmp_path: Path):
    """Each of thirty that are out of date is looked at in a turn of its own, then all are queued together."""
    core = Core(picture=house(*(position(n) for n in range(1, 31)), **LOADED))
    store, turns = ChatStore(tmp_path / "chat.sqlite3"), 0
    added: list[Outgoing] = []
    for number in range(1, 31):
        thread = f"{LIVING}card|default|{position_id('default', number)}|{number}"
        store.expect_card(thread, "")
        store.place_card(thread, number)
    clock = QuickClock()
    cards = Living(
        Accounts([core.wiring(clock)]), (), store=store, add=added.append, clock=clock, wall_s=clock.now_s
    )
    look = asyncio.create_task(cards.look())
    while not look.done():
        assert not added
        turns += 1
        await asyncio.sleep(0)
    assert turns > 30
    assert len(added) == 30
