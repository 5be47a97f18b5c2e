"""Two accounts on one phone, over real HTTP: what is said names its account, no press reaches the other."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.layout import plain
from engine.accounts import People
from engine.effects import Alert, Say
from engine.io.whys import Found
from engine.messages import Actor, Command, Tap, Wish
from engine.model import PositionId, Urgency
from engine.picture import RulesNow
from engine.view import PositionState
from engine.why import Sighting
from sandbox.telegram_server import TelegramServer
from tests.bot.house import (
    AT_S,
    OWNER,
    Core,
    QuickClock,
    answered,
    card,
    house,
    make_chat,
    message_with,
    position,
    question,
    running,
    telegram,
)

ASHA = Actor(OWNER, OWNER, "Asha")


def pair() -> tuple[Core, Core]:
    """Two accounts: both hold 3359, HUF alone 3360, SELF alone 3361."""
    huf = Core(account="HUF", picture=house(position(), position(3360)))
    own = Core(account="SELF", picture=house(position(), position(3361)))
    return huf, own


@asynccontextmanager
async def two(tmp_path: Path, *cores: Core):
    """One phone for these accounts."""
    clock = QuickClock()
    async with telegram(clock) as server, running(make_chat(server, cores, clock, tmp_path)):
        yield server


async def heard(server: TelegramServer, *cores: Core) -> list[tuple[str, Command]]:
    """Everything that the accounts were asked before the bot has answered a last word."""
    server.phone.send("/nonsense")
    await message_with(server, "I do not know “/nonsense”")
    return [(core.account, command) for core in cores for command in core.of(Command)]


@pytest.mark.parametrize(
    ("text", "account", "command"),
    [
        ("/exit HUF 3359", "HUF", Command(Wish.EXIT, ASHA, 3359)),
        ("/exit self/3359", "SELF", Command(Wish.EXIT, ASHA, 3359)),
        ("/exit 3360", "HUF", Command(Wish.EXIT, ASHA, 3360)),
        ("/exit HUF all", "HUF", Command(Wish.EXIT, ASHA)),
        ("/exit SELF 3360", "SELF", Command(Wish.EXIT, ASHA, 3360)),
        ("/stop SELF", "SELF", Command(Wish.STOP, ASHA)),
        ("/resume HUF", "HUF", Command(Wish.RESUME, ASHA)),
        ("/resume 3361", "SELF", Command(Wish.RESUME, ASHA, 3361)),
        ("/flatten HUF everything", "HUF", Command(Wish.FLATTEN, ASHA, value="everything")),
        ("/group SELF merge 1 2", "SELF", Command(Wish.GROUP, ASHA, value="merge 1 2")),
        (
            "/set HUF 3359 stop_loss -30%",
            "HUF",
            Command(Wish.SET, ASHA, 3359, rule="stop_loss", value="-30%", owner=True),
        ),
        (
            "/set 3361 stop_loss -30%",
            "SELF",
            Command(Wish.SET, ASHA, 3361, rule="stop_loss", value="-30%", owner=True),
        ),
    ],
)
async def test_a_command_reaches_the_account_that_is_meant(
    tmp_path: Path, text: str, account: str, command: Command
):
    """By name, or because one account alone has the position; the other account hears nothing of it."""
    cores = pair()
    async with two(tmp_path, *cores) as server:
        server.phone.send(text)
        assert await heard(server, *cores) == [(account, command)]


@pytest.mark.parametrize(
    ("text", "words", "button", "command"),
    [
        ("/exit", "Exit which position?", "p:SELF/3361", Command(Wish.EXIT, ASHA, 3361)),
        ("/exit HUF", "Exit which position?", "p:HUF/all", Command(Wish.EXIT, ASHA)),
        ("/exit all", "Exit which position?", "p:SELF/all", Command(Wish.EXIT, ASHA)),
        ("/exit 3359", "Which account?", "/exit HUF 3359", Command(Wish.EXIT, ASHA, 3359)),
        ("/resume", "Which account?", "/resume SELF", Command(Wish.RESUME, ASHA)),
        ("/resume 3359", "Which account?", "/resume HUF 3359", Command(Wish.RESUME, ASHA, 3359)),
        ("/group", "Which account?", "/group HUF", Command(Wish.GROUP, ASHA)),
        (
            "/flatten everything",
            "Which account?",
            "/flatten SELF everything",
            Command(Wish.FLATTEN, ASHA, value="everything"),
        ),
        (
            "/set 3359 stop_loss -30%",
            "Which account?",
            "/set HUF 3359 stop_loss -30%",
            Command(Wish.SET, ASHA, 3359, rule="stop_loss", value="-30%", owner=True),
        ),
    ],
)
async def test_what_could_be_meant_for_either_is_a_picker(
    tmp_path: Path, text: str, words: str, button: str, command: Command
):
    """Nothing reaches either account before one of them is chosen; the choice reaches that one alone."""
    cores = pair()
    async with two(tmp_path, *cores) as server:
        server.phone.send(text)
        picker = await message_with(server, words)
        assert await heard(server, *cores) == []
        await answered(server, server.phone.tap(picker.id, button))
        account = "SELF" if "SELF" in button else "HUF"
        [core] = [each for each in cores if each.account == account]
        [posted] = await core.wait_for(lambda c: c.of(Command))
        at = picker.id if button.startswith("p:") else 0
        assert posted == Command(
            command.wish,
            ASHA,
            command.strategy_id,
            message_id=at,
            rule=command.rule,
            value=command.value,
            owner=command.owner,
        )
        assert [each.posted for each in cores if each is not core] == [[]]


@pytest.mark.parametrize("text", ["/stop", "/stop HFU"])
async def test_stop_stops_them_all(tmp_path: Path, text: str):
    """The safe direction asks nothing, and a misspelt account does not keep the others running."""
    cores = pair()
    async with two(tmp_path, *cores) as server:
        server.phone.send(text)
        stop = Command(Wish.STOP, ASHA)
        assert await heard(server, *cores) == [("HUF", stop), ("SELF", stop)]
        assert any("“HFU” is no account" in m.text for m in server.sent()) is text.endswith("HFU")


async def test_resume_goes_to_the_only_one_that_is_halted(tmp_path: Path):
    """With one account halted there is nothing to choose."""
    huf, own = pair()
    own.picture = house(halted=True)
    async with two(tmp_path, huf, own) as server:
        server.phone.send("/resume")
        assert await heard(server, huf, own) == [("SELF", Command(Wish.RESUME, ASHA))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/exit 7", "No account has an open position 7"),
        ("/exit WIFE 3359", "Nothing was done. Write /exit alone to pick from a list. Accounts: HUF, SELF."),
        ("/rules 7", "HUF · No open position 7"),
    ],
)
async def test_what_nobody_has_is_said(tmp_path: Path, text: str, words: str):
    """An id that is nowhere, an account that is none."""
    cores = pair()
    async with two(tmp_path, *cores) as server:
        server.phone.send(text)
        await message_with(server, words)
        assert await heard(server, *cores) == []


async def test_an_order_too_long_for_a_button_is_written_out(tmp_path: Path):
    """Telegram takes 64 bytes with a button; a longer command is there to be copied."""
    cores = pair()
    async with two(tmp_path, *cores) as server:
        value = "{activate = 0.25, give_back = 0.20, floor = 0.1}"
        server.phone.send(f"/set 3359 trailing_stop {value}")
        picker = await message_with(server, "Which account?")
        assert f"/set SELF 3359 trailing_stop {value}" in picker.text
        assert picker.buttons == []


async def test_looks_go_by_account_too(tmp_path: Path):
    """/rules of an id that both have asks which; its page and its button stay with that account."""
    huf, own = pair()
    for core in (huf, own):
        reason = f"flat at {core.account}"
        core.rules_now = [RulesNow(position(state=PositionState.FLAT, reason=reason), None)]
        core.seen = [Found("default/3359", "", (), Sighting(AT_S, 0, 0, 0, (), ()))]
    async with two(tmp_path, huf, own) as server:
        server.phone.send("/rules 3359")
        picker = await message_with(server, "Rules of which position?")
        assert [text.partition(" ")[0] for text in picker.buttons] == ["HUF/3359", "SELF/3359"]
        server.phone.tap(picker.id, "r:SELF/3359")
        page = await message_with(server, "flat at SELF")
        assert page.text.startswith("SELF\n")
        server.phone.tap(page.id, "w:SELF/3359")
        why = await message_with(server, "Nothing came near a threshold.")
        assert why.text.startswith("SELF\n")
        assert why.body.markup is not None
        [[back]] = why.body.markup["inline_keyboard"]
        assert back["callback_data"] == "r:SELF/3359"


@pytest.mark.parametrize(
    ("text", "words", "looks"),
    [
        ("/p 3360", "3360", ([3360], [])),
        ("/p SELF 3361", "3361", ([], [3361])),
        ("/p 3359", "Which position?", ([3359], [3359])),
        ("/snooze 3361", "Snooze 3361", ([], [3361])),
        ("/exit 3360", "", ([], [])),
        ("/p", "Which position?", ([None], [None])),
    ],
)
async def test_a_command_draws_what_it_shows_and_that_once(
    tmp_path: Path, text: str, words: str, looks: tuple[list[int | None], list[int | None]]
):
    """A position's figures cost the loop 0.3 ms: those of the others are not asked for."""
    cores = pair()
    async with two(tmp_path, *cores) as server:
        server.phone.send(text)
        await heard(server, *cores)
        await message_with(server, words)
        assert tuple(core.looked_at for core in cores) == looks


async def test_everything_said_names_its_account(tmp_path: Path):
    """Alert, question, card and reply; the same alert of the other account is no repetition."""
    cores = pair()
    async with two(tmp_path, *cores) as server:
        for core in cores:
            choice = (Wish.ADOPT,)
            core.give(Alert(Urgency.MEDIUM, "feed", "Feed is down", "So.", PositionId("x/3359"), choice))
            core.give(question(QuickClock()))
            core.give(card("260203001", "Exiting NIFTY", final=False))
            core.give(Say(ASHA, "Already running."))
        for account in ("HUF", "SELF"):
            alert = await message_with(server, f"{account} · Feed is down")
            await message_with(server, f"{account} · Exit NIFTY Iron Condor?", timeout_s=30.0)
            await message_with(server, f"{account} · Exiting NIFTY", timeout_s=30.0)
            await message_with(server, f"{account} · Already running.", timeout_s=30.0)
            await answered(server, server.phone.tap(alert.id, f"d:adopt:{account}/3359"))
        assert await heard(server, *cores) == [
            (core.account, Command(Wish.ADOPT, ASHA, 3359)) for core in cores
        ]


async def test_a_tap_on_one_account_s_question_never_answers_the_other_s(tmp_path: Path):
    """Even with the same nonce in both: the press reaches its own account, and the other's stays open."""
    huf, own = pair()
    clock = QuickClock()
    async with two(tmp_path, huf, own) as server:
        for core in (huf, own):
            core.give(question(clock, "same"))
        first = await message_with(server, "HUF · Exit")
        second = await message_with(server, "SELF · Exit")
        press = server.phone.tap(second.id, "Exit now")
        [tap] = await own.wait_for(lambda c: c.of(Tap))
        assert (tap.nonce, tap.yes, huf.of(Tap)) == ("same", True, [])
        wrong = server.phone.forge(first.id, "c:SELF/same:y")
        await answered(server, wrong)
        assert wrong.toast == "This question is closed."
        server.phone.tap(first.id, "Cancel")
        [other] = await huf.wait_for(lambda c: c.of(Tap))
        assert (other.nonce, other.yes, own.of(Tap)) == ("same", False, [tap])
        await answered(server, press)


async def test_after_a_restart_a_tap_still_finds_its_account(tmp_path: Path):
    """The question was asked in an earlier life; who asked it is remembered, and what yes would do."""
    clock = QuickClock()
    cores = pair()
    async with telegram(clock) as server:
        async with running(make_chat(server, cores, clock, tmp_path)):
            for core in cores:
                core.give(question(clock, "same"))
            await message_with(server, "HUF · Exit")
            asked = await message_with(server, "SELF · Exit")
        operator = People(operators=frozenset({OWNER}))
        after = [Core(account=account, people=operator) for account in ("SELF", "HUF")]
        async with running(make_chat(server, after, clock, tmp_path)):
            server.phone.tap(asked.id, "Exit now")
            [tap] = await after[0].wait_for(lambda c: c.of(Tap))
            assert (tap.nonce, after[1].posted) == ("same", [])


async def test_a_button_of_an_account_that_is_gone_presses_nothing(tmp_path: Path):
    """An account was taken out; its old picker does not reach another one."""
    huf, own = pair()
    async with two(tmp_path, huf, own) as server:
        server.phone.send("/exit")
        picker = await message_with(server, "Exit which position?")
        for data in ("p:WIFE/3359", "p:3359", "c:WIFE/same:y", "x:/sell HUF"):
            press = server.phone.forge(picker.id, data)
            await answered(server, press)
            assert press.toast == "This button is from another version. Nothing was done."
        assert await heard(server, huf, own) == []


async def test_status_and_accounts_of_both_and_of_one(tmp_path: Path):
    """Together, then each; a name after it shows that account alone."""
    cores = pair()
    async with two(tmp_path, *cores) as server:
        server.phone.send("/status")
        whole = await message_with(server, "2 accounts")
        assert "P&L together +₹6,110.00" in plain(whole.text)
        server.phone.send("/status self")
        one = await message_with(server, "SELF · SIMULATE · sandbox · 09:21")
        assert ("3361" in one.text, "3360" in one.text) == (True, False)
        server.phone.send("/accounts")
        await message_with(server, "HUF · SIMULATE · sandbox · feed live\nP&L +₹3,055.00 · 2 positions")
        server.phone.send("/start")
        greeting = await message_with(server, "watches your option positions")
        assert "SELF · SIMULATE" in greeting.text
