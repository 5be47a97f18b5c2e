"""The outbox over real HTTP: who goes first, and what becomes of a message when Telegram is difficult."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.application import build
from bot.faults import Fault, FaultBook
from bot.layout import Button, Page
from bot.outbox import Outbox
from bot.queue import Outgoing, Rank
from bot.sender import Delivered, Outcome, Sender
from bot.store import ChatStore
from engine.chat_tuning import ChatTuning
from engine.effects import Alert
from sandbox.telegram_server import Flood, TelegramServer
from tests.bot.house import OWNER, TOKEN, QuickClock, message_with, telegram


class Post:
    """An outbox at work, and what it alarmed."""

    def __init__(self, server: TelegramServer, clock: QuickClock, store: ChatStore) -> None:
        self.server = server
        self.clock = clock
        self.store = store
        self.alarms: asyncio.Queue[Alert] = asyncio.Queue()
        self.faults = FaultBook("send", self.alarms.put_nowait)
        self.box = Outbox(store=store, faults=self.faults, clock=clock, wall_s=clock.now_s)

    def put(self, rank: Rank, text: str, **how: object) -> None:
        """Queue a message that is worth delivering for an hour."""
        now_s = self.clock.now_s()
        page = how.pop("page", Page(text))
        item = Outgoing(rank, page, now_s, now_s + 3600.0, **how)
        self.box.add(item)

    async def settle(self, *ranks: Rank) -> None:
        """Wait until the lanes of these ranks have gone on to another message."""
        for rank in ranks:
            self.put(rank, f"after {rank}")
            await message_with(self.server, f"after {rank}")

    def texts(self) -> list[str]:
        """What stands in the chat, oldest first."""
        return [message.text for message in self.server.sent()]


@asynccontextmanager
async def posting(tmp_path: Path, clock: QuickClock) -> AsyncIterator[Post]:
    """Run an outbox against a Telegram of its own."""
    async with telegram(clock) as server:
        app = build(TOKEN, server.api_url, ChatTuning())
        post = Post(server, clock, ChatStore(tmp_path / "chat.sqlite3"))
        async with app.bot:
            work = asyncio.create_task(post.box.run(Sender(app.bot, OWNER)))
            try:
                yield post
            finally:
                work.cancel()
                await asyncio.wait({work})
                post.store.close()


async def test_high_overtakes_thirty_normal_and_edits_under_the_flood_limits(tmp_path: Path):
    """In a storm a HIGH alert waits for nobody, everything arrives, and Telegram never says 429."""
    clock = QuickClock(speed=25)
    async with posting(tmp_path, clock) as post:
        post.server.flood = Flood()
        post.put(Rank.REPLY, "card", thread="x")
        await message_with(post.server, "card")
        for n in range(30):
            post.put(Rank.NORMAL, f"normal {n:02d}")
            post.put(Rank.EDIT, f"card, version {n}", thread="x")
        await message_with(post.server, "normal 01")
        post.put(Rank.HIGH, "the house burns")
        await message_with(post.server, "the house burns")
        before = post.texts().index("the house burns")
        assert before <= 5
        await message_with(post.server, "normal 29", timeout_s=30)
        await post.server.wait_for(lambda _: "card, version 29" in post.texts()[0], 30)
        assert [call.status for call in post.server.calls if call.status == 429] == []
        edits = post.server.calls_of("editMessageText")
        assert len(edits) < 10, "edits are coalesced to the latest"
        assert [t for t in post.texts() if "normal" in t] == [f"normal {n:02d}" for n in range(30)]


async def test_a_reply_is_instant_although_chatter_waits(tmp_path: Path):
    """The answer to a command is in the chat before the second of twenty quiet messages."""
    clock = QuickClock()
    async with posting(tmp_path, clock) as post:
        for n in range(20):
            post.put(Rank.NORMAL, f"normal {n}")
        await message_with(post.server, "normal 1")
        began_s = clock.now_s()
        post.put(Rank.REPLY, "here is your status")
        await message_with(post.server, "here is your status")
        assert clock.now_s() - began_s < 1.0


async def test_a_hanging_message_does_not_hold_up_a_high_one(tmp_path: Path):
    """HIGH has a lane of its own: an unanswered chatter message is not waited for."""
    clock = QuickClock()
    async with posting(tmp_path, clock) as post:
        post.server.faults.hang(method="sendMessage")
        post.put(Rank.NORMAL, "chatter")
        await post.server.wait_for(lambda s: s.faults.armed == 0)
        post.put(Rank.HIGH, "the house burns")
        await message_with(post.server, "the house burns")
        assert "chatter" not in post.texts()
        post.server.faults.clear()


async def test_a_flood_wait_is_obeyed_and_nothing_is_lost(tmp_path: Path):
    """Refused with 429, the chat is left alone for as long as asked; HIGH goes first after that."""
    clock = QuickClock(speed=10)
    async with posting(tmp_path, clock) as post:
        post.server.faults.fail(429, method="sendMessage", retry_after_s=20)
        post.put(Rank.MEDIUM, "medium")
        await post.server.wait_for(lambda s: s.calls_of("sendMessage"))
        refused_s = clock.now_s()
        post.put(Rank.HIGH, "high")
        await message_with(post.server, "medium")
        assert post.texts() == ["high", "medium"]
        assert clock.now_s() - refused_s > 19
        assert len(post.server.calls_of("sendMessage")) == 3


async def test_half_a_character_is_a_question_mark_and_holds_nothing_up(tmp_path: Path):
    """A broker's JSON may name one half of a pair; no encoding has it, and HIGH alerts come behind."""
    clock = QuickClock()
    async with posting(tmp_path, clock) as post:
        post.put(Rank.HIGH, "Dhan says \ud83d so")
        post.put(Rank.HIGH, "stop met")
        await post.server.wait_for(lambda s: len(s.sent()) == 2)
        assert post.texts() == ["Dhan says ? so", "stop met"]


async def test_markup_that_telegram_cannot_read_goes_out_plain(tmp_path: Path):
    """An alert does not die of its formatting."""
    async with posting(tmp_path, QuickClock()) as post:
        post.put(Rank.HIGH, "<b>NIFTY</i> lost ₹5,000 &amp; more")
        await message_with(post.server, "NIFTY lost ₹5,000 & more")
        assert post.box.waiting == 0


BAD = "Bad Request: ordered by the test"


@pytest.mark.parametrize("rank", [Rank.HIGH, Rank.QUESTION, Rank.NORMAL])
async def test_buttons_that_telegram_does_not_take_are_left_out(tmp_path: Path, rank: Rank):
    """An alert does not die of its buttons either: its words come alone."""
    async with posting(tmp_path, QuickClock()) as post:
        keyboard = ((Button("x", "d" * 65),),)
        post.put(rank, "bad", page=Page("<b>Stop</b> &amp; more", keyboard), durable=True)
        message = await message_with(post.server, "Stop & more")
        assert message.buttons == []
        await post.settle(rank)
        assert list(post.store.kept()) == []


async def test_a_card_whose_buttons_are_not_taken_still_says_its_words(tmp_path: Path):
    """An edit falls back like a message."""
    async with posting(tmp_path, QuickClock(speed=10)) as post:
        post.put(Rank.REPLY, "card", thread="x")
        await message_with(post.server, "card")
        keyboard = ((Button("x", "d" * 65),),)
        post.put(Rank.REPLY, "", page=Page("<b>final</b>", keyboard), thread="x")
        await message_with(post.server, "final")
        assert post.texts() == ["final"]


async def test_a_message_that_telegram_refuses_in_every_form_is_let_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """A refusal is logged with Telegram's words, and the next message is sent."""
    async with posting(tmp_path, QuickClock()) as post:
        post.server.faults.fail(400, times=2, method="sendMessage", description=BAD)
        post.put(Rank.MEDIUM, "bad", durable=True)
        post.put(Rank.MEDIUM, "good")
        await message_with(post.server, "good")
        assert post.texts() == ["good"]
        assert "Telegram refused a message: Ordered by the test: bad" in caplog.text
        assert list(post.store.kept()) == []


async def test_a_high_alert_that_telegram_refuses_is_tried_until_it_is_taken(tmp_path: Path):
    """It holds up no other, health shows it meanwhile, and its title and first words come in the end."""
    async with posting(tmp_path, QuickClock(speed=25)) as post:
        post.server.faults.fail(400, times=6, method="sendMessage", description=BAD)
        post.put(Rank.HIGH, f"<b>Stop hit</b>\n{'word ' * 200}", durable=True)
        await post.server.wait_for(lambda _: post.faults.open == (Fault.UNSENT,))
        assert len(list(post.store.kept())) == 1
        message = await message_with(post.server, "Stop hit")
        assert len(message.text) <= 300
        await post.settle(Rank.HIGH)
        assert (list(post.store.kept()), post.faults.open) == ([], ())


async def test_a_high_alert_that_is_never_taken_lets_the_next_one_pass(tmp_path: Path):
    """What is the matter with one message is not the others' fault."""
    async with posting(tmp_path, QuickClock()) as post:
        post.server.faults.fail(400, times=2, method="sendMessage", description=BAD)
        post.put(Rank.HIGH, "bad", durable=True)
        post.put(Rank.HIGH, "good")
        await message_with(post.server, "good")
        assert post.box.waiting_high == 1
        assert len(list(post.store.kept())) == 1


MOVED = {"description": "Bad Request: group chat was upgraded to a supergroup chat"}
CHAT_REFUSALS = [
    ({"description": "Bad Request: chat not found"}, Fault.NO_CHAT, "TELEGRAM_CHAT_ID"),
    (MOVED, Fault.MOVED, "TELEGRAM_CHAT_ID"),
    (MOVED | {"migrate_to_chat_id": -100_777}, Fault.MOVED, "TELEGRAM_CHAT_ID=-100777"),
    (
        {"description": "Bad Request: not enough rights to send text messages to the chat"},
        Fault.NO_RIGHTS,
        "permissions",
    ),
    ({"description": "Bad Request: CHAT_WRITE_FORBIDDEN"}, Fault.NO_RIGHTS, "permissions"),
    ({"description": "Bad Request: PEER_ID_INVALID"}, Fault.NO_CHAT, "TELEGRAM_CHAT_ID"),
]


@pytest.mark.parametrize(("how", "fault", "help_"), CHAT_REFUSALS)
async def test_a_chat_that_takes_nothing_loses_nothing(
    tmp_path: Path, how: dict[str, object], fault: Fault, help_: str
):
    """A refusal of the chat is alarmed with what helps; everything is kept, and comes once it is over."""
    async with posting(tmp_path, QuickClock(speed=10)) as post:
        post.server.faults.fail(400, times=50, method="sendMessage", **how)
        post.put(Rank.HIGH, "high", durable=True)
        post.put(Rank.NORMAL, "normal", durable=True)
        async with asyncio.timeout(5):
            assert help_ in (await post.alarms.get()).text
        assert post.faults.open == (fault,)
        assert fault in post.faults.words[0]
        await post.server.wait_for(lambda here: len(here.calls_of("sendMessage")) >= 6)
        tries = post.server.calls_of("sendMessage")
        assert tries[5].at_s - tries[0].at_s > 5.0, "at a slow pace"
        assert len(list(post.store.kept())) == 2
        post.server.faults.clear()
        post.box.nudge()
        await post.server.wait_for(lambda _: set(post.texts()) == {"high", "normal"})
        await post.settle(Rank.HIGH, Rank.NORMAL)
        assert list(post.store.kept()) == []


def torn() -> bytes:
    """A picture with a mistake in it that nobody foresaw."""
    raise KeyError("3359")


def spoilt() -> Page:
    """A page with such a mistake."""
    raise KeyError("3359")


async def test_a_picture_with_a_mistake_in_it_is_answered_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Whatever goes wrong in drawing, the words come, and the lanes run on."""
    async with posting(tmp_path, QuickClock()) as post:
        post.put(Rank.REPLY, "", page=Page("words", draw=torn))
        message = await message_with(post.server, "words")
        assert "The picture could not be drawn." in message.text
        post.put(Rank.HIGH, "high")
        await message_with(post.server, "high")
        assert "KeyError: '3359'" in caplog.text


async def test_a_page_that_cannot_be_made_anew_is_told_as_it_was(tmp_path: Path):
    """The page that was queued is there; its thread is free again for the next."""
    async with posting(tmp_path, QuickClock(speed=10)) as post:
        post.put(Rank.TURN, "as it was", thread="x", write=spoilt)
        await message_with(post.server, "as it was")
        post.put(Rank.REPLY, "the next", thread="x")
        await message_with(post.server, "the next")
        assert post.texts() == ["the next"]


class BrokenSender(Sender):
    """A sender with a mistake in it that meets every message with a word."""

    word = "bad"

    async def send(self, page: Page, *, silent: bool, photo: bytes = b"") -> Outcome:
        """Fail in a way that nobody foresaw."""
        if self.word and self.word in page.html:
            raise KeyError(page.html)
        return await super().send(page, silent=silent, photo=photo)


@pytest.mark.parametrize("rank", [Rank.HIGH, Rank.NORMAL])
async def test_a_message_whose_sending_breaks_takes_nothing_with_it(tmp_path: Path, rank: Rank):
    """The lane runs on and the thread is free; a HIGH alert is kept and comes when it can be sent."""
    async with telegram(clock := QuickClock(speed=10)) as server:
        app = build(TOKEN, server.api_url, ChatTuning())
        post = Post(server, clock, ChatStore(tmp_path / "chat.sqlite3"))
        async with app.bot:
            sender = BrokenSender(app.bot, OWNER)
            work = asyncio.create_task(post.box.run(sender))
            post.put(rank, "bad", thread="x", durable=True)
            await post.settle(rank)
            assert len(list(post.store.kept())) == int(rank is Rank.HIGH)
            sender.word = ""
            if rank is Rank.HIGH:
                await message_with(server, "bad")
            post.put(rank, "the next", thread="x")
            await message_with(server, "the next")
            assert not work.done()
            work.cancel()
            await asyncio.wait({work})
            post.store.close()


async def test_a_group_that_takes_no_pictures_gets_the_words(tmp_path: Path):
    """The right to send pictures is another one."""
    async with posting(tmp_path, QuickClock()) as post:
        post.server.faults.fail(
            400, method="sendPhoto", description="Bad Request: not enough rights to send photos to the chat"
        )
        post.put(Rank.REPLY, "", page=Page("words", draw=lambda: b"png"))
        await message_with(post.server, "words")
        assert post.faults.open == ()


async def test_an_unchanged_edit_is_a_delivered_one(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Telegram's “not modified” is no failure: the phone shows what was meant."""
    async with posting(tmp_path, QuickClock(speed=10)) as post:
        post.put(Rank.REPLY, "card", thread="x")
        await message_with(post.server, "card")
        post.put(Rank.REPLY, "card", thread="x", durable=True)
        post.put(Rank.NORMAL, "after")
        await message_with(post.server, "after")
        assert post.server.calls_of("editMessageText")[-1].status == 400
        assert "refused" not in caplog.text
        assert list(post.store.kept()) == []


async def test_a_lost_receipt_costs_a_duplicate_never_a_loss(tmp_path: Path):
    """Delivered but unanswered, a message is repeated after a while, and once only."""
    async with posting(tmp_path, QuickClock(speed=10)) as post:
        post.server.faults.lose_reply(method="sendMessage")
        post.put(Rank.HIGH, "high id abcde")
        await post.server.wait_for(lambda _: post.texts() == ["high id abcde"] * 2)
        await post.server.wait_for(lambda _: post.box.waiting == 0)
        assert post.faults.open in {(), (Fault.UNREACHABLE,)}


async def test_an_edit_whose_receipt_was_lost_is_repeated_on_the_same_message(tmp_path: Path):
    """Editing twice to the same words shows once."""
    async with posting(tmp_path, QuickClock(speed=10)) as post:
        post.put(Rank.REPLY, "card", thread="x")
        await message_with(post.server, "card")
        post.server.faults.lose_reply(method="editMessageText")
        post.put(Rank.REPLY, "card, final", thread="x")
        await post.server.wait_for(lambda s: len(s.calls_of("editMessageText")) == 2)
        assert post.texts() == ["card, final"]


async def test_a_server_error_is_waited_out(tmp_path: Path):
    """502 for a while: the message comes when it is over, exactly once."""
    async with posting(tmp_path, QuickClock(speed=25)) as post:
        post.server.faults.fail(502, times=5, method="sendMessage")
        post.put(Rank.HIGH, "high")
        await message_with(post.server, "high")
        assert len(post.texts()) == 1
        assert len(post.server.calls_of("sendMessage")) == 6


async def test_a_blocked_chat_is_alarmed_and_recovers_at_a_word(tmp_path: Path):
    """While the owner blocks the bot nothing is thrown away; a sign of life sends it at once."""
    clock = QuickClock()
    async with posting(tmp_path, clock) as post:
        post.server.phone.block()
        post.put(Rank.HIGH, "high")
        async with asyncio.timeout(5):
            assert (await post.alarms.get()).title == "The chat refuses messages"
        assert post.faults.open == (Fault.BLOCKED,)
        post.server.phone.unblock()
        assert post.box.waiting_high == 1
        post.box.nudge()
        await message_with(post.server, "high")
        async with asyncio.timeout(5):
            assert (await post.alarms.get()).title == "Chat is back"


async def test_a_card_never_overtakes_the_first_message_of_its_thread(tmp_path: Path):
    """Two lanes, one thread: while its first message is on its way, its card waits."""
    async with posting(tmp_path, QuickClock(speed=10)) as post:
        post.server.faults.hang(method="sendMessage")
        post.put(Rank.HIGH, "exit begins", thread="x")
        await post.server.wait_for(lambda s: s.faults.armed == 0)
        post.put(Rank.REPLY, "exit, one of two", thread="x")
        post.put(Rank.NORMAL, "other")
        await message_with(post.server, "other")
        assert post.texts() == ["other"]
        post.server.faults.clear()
        await message_with(post.server, "exit, one of two")
        assert post.texts() == ["other", "exit, one of two"]


class SlowSender(Sender):
    """A sender whose message has arrived, and whose receipt takes its time."""

    def __init__(self) -> None:
        self.under_way = asyncio.Event()
        self.receipt = asyncio.Event()

    async def send(self, page: Page, *, silent: bool, photo: bytes = b"") -> Outcome:
        """Deliver when the receipt comes."""
        self.under_way.set()
        await self.receipt.wait()
        return Delivered(7)


async def test_what_is_being_sent_at_the_end_is_finished(tmp_path: Path):
    """A restart in the moment between Telegram and its receipt does not say the alert again."""
    clock = QuickClock()
    store = ChatStore(tmp_path / "chat.sqlite3")
    box = Outbox(store=store, faults=FaultBook("send", lambda _alert: None), clock=clock, wall_s=clock.now_s)
    now_s = clock.now_s()
    box.add(Outgoing(Rank.HIGH, Page("high"), now_s, now_s + 60.0, durable=True))
    sender = SlowSender()
    work = asyncio.create_task(box.run(sender))
    async with asyncio.timeout(5):
        await sender.under_way.wait()
        work.cancel()
        asyncio.get_running_loop().call_later(0.05, sender.receipt.set)
        await asyncio.wait({work})
    assert work.cancelled()
    assert list(store.kept()) == []
    store.close()


async def test_a_kept_message_of_another_version_is_dropped(tmp_path: Path):
    """What cannot be read back does not stop the chat."""
    store = ChatStore(tmp_path / "chat.sqlite3")
    store.keep({"rank": 0, "words": "from the future"})
    store.close()
    async with posting(tmp_path, QuickClock()) as post:
        assert post.box.waiting == 0
        assert list(post.store.kept()) == []


async def test_what_has_nowhere_to_go_does_not_end_an_outage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """An edit of a message that was never sent asks Telegram nothing, and so it proves nothing."""
    clock = QuickClock(speed=10)
    async with posting(tmp_path, clock) as post:
        await post.server.stop()
        post.put(Rank.NORMAL, "waits")
        while not post.faults.open:
            clock.rested.clear()
            await clock.rested.wait()
        post.put(Rank.REPLY, "nowhere", thread="x", edit_only=True)
        while post.box.waiting > 1:
            clock.rested.clear()
            await clock.rested.wait()
        assert "is over" not in caplog.text
        await post.server.start()
        await message_with(post.server, "waits")
