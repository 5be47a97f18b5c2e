"""Who may do what: each command and each button, for each role, in private and in a group."""

from __future__ import annotations

import logging
from itertools import product
from pathlib import Path

import pytest

from bot.menu import COMMANDS, nearest, panel
from bot.roles import NEEDS, Role, Roles, answer_needs
from engine.accounts import People
from engine.effects import Ask
from engine.messages import Actor, Command, Tap, Wish
from engine.model import Urgency
from sandbox.telegram_server import TelegramServer
from tests.bot.house import (
    OWNER,
    Core,
    QuickClock,
    alert,
    answered,
    house,
    make_chat,
    message_with,
    position,
    running,
    telegram,
)

GROUP = -1_001
FRIEND = 43
PEOPLE = {
    "stranger": People(owners=frozenset({FRIEND})),
    "viewer": People(viewers=frozenset({OWNER}), owners=frozenset({FRIEND})),
    "operator": People(operators=frozenset({OWNER}), owners=frozenset({FRIEND})),
    "owner": People(owners=frozenset({OWNER})),
}
#: Each command as it is written, what it posts (None = it only looks), and the least role that may.
MATRIX = (
    ("/status", None, "viewer"),
    ("/rules", None, "viewer"),
    ("/why", None, "viewer"),
    ("/positions", None, "viewer"),
    ("/p", None, "viewer"),
    ("/pnl", None, "viewer"),
    ("/report", None, "viewer"),
    ("/payoff", None, "viewer"),
    ("/accounts", None, "viewer"),
    ("/orders", None, "viewer"),
    ("/trades 20", None, "viewer"),
    ("/health", None, "viewer"),
    ("/feed", None, "viewer"),
    ("/drill", None, "viewer"),
    ("/audit", None, "viewer"),
    ("/log 20", None, "viewer"),
    ("/version", None, "viewer"),
    ("/help", None, "viewer"),
    ("/start", None, "viewer"),
    ("/exit", None, "operator"),
    ("/exit 3359", Wish.EXIT, "operator"),
    ("/exit all", Wish.EXIT, "operator"),
    ("/stop", Wish.STOP, "operator"),
    ("/set 3359 stop_loss -1%", Wish.SET, "operator"),
    ("/exit half 3359", Wish.EXIT, "operator"),
    ("/exit NIFTY", Wish.EXIT, "operator"),
    ("/mode", Wish.MODE, "viewer"),
    ("/mode alert-only", Wish.MODE, "operator"),
    ("/code 4821", Wish.CODE, "owner"),
    ("/snooze", None, "operator"),
    ("/snooze 3359", None, "operator"),
    ("/snooze 3359 30", Wish.SNOOZE, "operator"),
    ("/resume", Wish.RESUME, "owner"),
    ("/resume 3359", Wish.RESUME, "owner"),
    ("/group", Wish.GROUP, "owner"),
    ("/flatten everything", Wish.FLATTEN, "owner"),
)
#: Each button, and the least role that may press it.
BUTTONS = (
    ("r:3359", None, "viewer"),
    ("w:3359", None, "viewer"),
    ("i:3359", None, "viewer"),
    ("t:3359", None, "viewer"),
    ("g:3359", None, "viewer"),
    ("l:3359", None, "viewer"),
    ("z:3359", None, "viewer"),
    ("p:3359", Wish.EXIT, "operator"),
    ("p:all", Wish.EXIT, "operator"),
    ("h:3359", Wish.EXIT, "operator"),
    ("d:adopt:3359", Wish.ADOPT, "owner"),
    ("d:shrink:3359", Wish.SHRINK, "owner"),
    ("d:unwatch:3359", Wish.UNWATCH, "owner"),
    ("d:resume:3359", Wish.RESUME, "owner"),
    # a command as a button takes what the command takes
    *((f"x:{text}", wish, least) for text, wish, least in MATRIX if " " in text),
)
_RANK = list(PEOPLE)


def test_the_matrix_is_whole():
    """No command of the table, and no wish, is left out."""
    assert {text.split()[0] for text, _, _ in MATRIX} == {f"/{entry.word}" for entry in COMMANDS} | {"/start"}
    assert set(NEEDS) == set(Wish)


@pytest.mark.parametrize("role", ["viewer", "operator", "owner"])
async def test_every_command_and_button_for_every_role(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, role: str
):
    """Who may, does; who may not, learns which role it takes, the log too, and nothing is posted."""
    clock = QuickClock(speed=10)
    core = Core(people=PEOPLE[role], picture=house(position(), position(3360)))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/help")
        page = await message_with(server, "Commands")
        for what, wish, least in (*MATRIX, *BUTTONS):
            core.posted.clear()
            core.turned_away.clear()
            caplog.clear()
            refused = _RANK.index(role) < _RANK.index(least)
            told = await result(server, core, what, page.id)
            assert ("That needs" in told, f"needs an {least}" in told) == (refused, refused), (what, told)
            assert [c.wish for c in core.of(Command)] == ([wish] if wish and not refused else []), what
            assert ("which needs" in caplog.text) is refused
            assert [(t.by.user_id, t.why) for t in core.turned_away] == [(OWNER, f"needs {least}")] * refused


async def result(server: TelegramServer, core: Core, what: str, page: int) -> str:
    """Give a command or forge a press; what the phone shows of it, empty when it was posted."""
    before = len(server.sent())
    if not what.startswith("/"):
        press = server.phone.forge(page, what)
        await answered(server, press)
        if press.toast or what[0] in "phd":
            return press.toast or ""
    else:
        server.phone.send(what)
    await server.wait_for(lambda s: core.posted or len(s.sent()) > before, 60.0)
    return "" if core.posted else server.sent()[-1].text


@pytest.mark.parametrize("role", ["viewer", "operator", "owner"])
async def test_who_may_answer_what(tmp_path: Path, role: str):
    """Yes takes what the wish takes; no leaves things alone and is an operator's, but for an offer's."""
    clock = QuickClock(speed=10)
    core = Core(people=PEOPLE[role])
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        for wish, yes in product(Wish, (False, True)):
            core.posted.clear()
            title = f"{wish} {yes}?"
            ask = Ask(f"n{wish:s}{yes:d}", wish, title, (), clock.now_s() + 600, Urgency.NORMAL, "Y", "N")
            core.give(ask)
            asked = await message_with(server, title, timeout_s=30.0)
            press = server.phone.tap(asked.id, "Y" if yes else "N")
            allowed = Role[role.upper()] >= (NEEDS[wish] if yes or wish is Wish.GROUP else Role.OPERATOR)
            await answered(server, press)
            assert (bool(core.of(Tap)), "That needs" in (press.toast or "")) == (allowed, not allowed), title


@pytest.mark.parametrize(("role", "ends"), [("viewer", False), ("operator", True), ("owner", True)])
async def test_who_may_end_what_rings(tmp_path: Path, role: str, *, ends: bool):
    """Seen is an operator's, one alarm's button and that of all of them."""
    clock, core = QuickClock(), Core(people=PEOPLE[role])
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        for topic, data in (("one", None), ("all", f"t{10**15 - 1}")):
            core.give(alert(Urgency.HIGH, topic))
            told = await message_with(server, f"High {topic}")
            press = server.phone.forge(told.id, f"s:{data}") if data else server.phone.tap(told.id, "Seen")
            await answered(server, press)
            assert press.toast == (
                "Seen. It rings no more." if ends else "Not ended: that needs an operator of its account."
            )
            assert press.alert is not ends


def test_an_answer_to_nobody_knows_what_is_the_owner_s():
    """A question of an older version is remembered without what yes would do."""
    assert {answer_needs(None, yes=yes) for yes in (True, False)} == {Role.OWNER}


async def test_stop_stops_where_one_may_and_names_where_not(tmp_path: Path):
    """An operator of one account and viewer of the other halts the one, and is told about the other."""
    clock = QuickClock()
    mine = Core(account="HUF", people=PEOPLE["operator"])
    theirs = Core(account="WIFE", people=PEOPLE["viewer"])
    secret = Core(account="DESK", people=PEOPLE["stranger"], picture=house(position(9999)))
    cores = [mine, theirs, secret]
    async with telegram(clock) as server, running(make_chat(server, cores, clock, tmp_path)):
        server.phone.send("/stop")
        await message_with(server, "Not stopped: WIFE, DESK. That needs an operator")
        assert (len(mine.posted), theirs.posted, secret.posted) == (1, [], [])
        server.phone.send("/stop WIFE")
        await message_with(server, "That needs an operator of WIFE. Nothing was done.")
        server.phone.send("/status")
        assert "DESK" not in (await message_with(server, "2 accounts")).text
        assert [(t.what, t.why) for t in theirs.turned_away] == [("/stop", "needs operator")]
        assert (mine.turned_away, secret.turned_away) == ([], [])


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_group_only_looks_unless_allowed(tmp_path: Path, *, allowed: bool):
    """In a group even the owner only looks, by word and by button, until the setting says otherwise."""
    clock = QuickClock()
    core = Core(picture=house(position()), people=People(owners=frozenset({OWNER, FRIEND})))
    async with telegram(clock) as server:
        server.state.add_group(GROUP, "Desk", {OWNER, FRIEND, 666})
        chat = make_chat(server, core, clock, tmp_path, chat_id=GROUP, group_commands=allowed)
        async with running(chat):
            server.phone.send("/status", chat=GROUP)
            page = await message_with(server, "3359 NIFTY", chat_id=GROUP)
            server.phone.send("/stop", chat=GROUP, user=666)
            server.phone.send("/stop", chat=GROUP)
            press = server.phone.forge(page.id, "p:3359", user=FRIEND)
            await answered(server, press)
            if allowed:
                commands = await core.wait_for(lambda c: len(c.of(Command)) == 2 and c.of(Command))
                assert {(c.wish, c.by.user_id) for c in commands} == {
                    (Wish.STOP, OWNER),
                    (Wish.EXIT, FRIEND),
                }
            else:
                told = await message_with(server, "This group may only look.", chat_id=GROUP)
                assert "TELEGRAM_GROUP_COMMANDS=on" in told.text
                assert press.toast.startswith("This group may only look.")
                assert core.posted == []
            await server.wait_for(lambda s: s.calls_of("deleteMyCommands"))
            names = {each["command"] for each in server.state.commands_for(GROUP, OWNER)}
            assert ("stop" in names, "status" in names) == (allowed, True)


async def test_in_a_group_each_person_has_the_list_of_their_own_role(tmp_path: Path):
    """A viewer is not shown what they may not, another member nothing, and an old list of the chat goes."""
    clock = QuickClock()
    core = Core(people=People(owners=frozenset({OWNER}), viewers=frozenset({FRIEND})))
    async with telegram(clock) as server:
        server.state.add_group(GROUP, "Desk", {OWNER, FRIEND, 666})
        server.state.commands[f"chat:{GROUP}"] = [{"command": "exit", "description": "x"}]
        chat = make_chat(server, core, clock, tmp_path, chat_id=GROUP, group_commands=True)
        async with running(chat):
            await server.wait_for(lambda s: len(s.calls_of("deleteMyCommands")) == 4)
        shown = {
            user: {each["command"] for each in server.state.commands_for(GROUP, user)}
            for user in (OWNER, FRIEND, 666)
        }
        assert {entry.word for entry in COMMANDS} == shown[OWNER]
        assert {entry.word for entry in COMMANDS if entry.needs is Role.VIEWER} == shown[FRIEND]
        assert shown[666] == set()


async def test_a_viewer_s_private_chat_lists_what_a_viewer_may(tmp_path: Path):
    """Whatever others may elsewhere."""
    clock, core = QuickClock(), Core(people=PEOPLE["viewer"])
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        await server.wait_for(lambda s: s.calls_of("setMyCommands"))
        shown = {each["command"] for each in server.state.commands_for(OWNER, OWNER)}
        assert shown == {entry.word for entry in COMMANDS if entry.needs is Role.VIEWER}


async def test_a_list_that_somebody_left_for_everybody_is_emptied(tmp_path: Path):
    """Strangers see no command, even if an older program has shown them some."""
    clock = QuickClock()
    async with telegram(clock) as server:
        old = [{"command": "exit", "description": "x"}]
        server.state.commands |= {"default": old, "all_private_chats": old, "all_group_chats": old}
        async with running(make_chat(server, Core(), clock, tmp_path)):
            await server.wait_for(lambda s: len(s.calls_of("deleteMyCommands")) == 3)
            assert server.state.commands_for(666, 666) == []
            assert server.state.commands_for(-5, 666) == []
            assert server.state.commands_for(OWNER, OWNER) != []


async def test_a_misspelt_command_is_guessed_and_never_run(tmp_path: Path):
    """The nearest word is named, as something to copy, not to touch."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/stpo now")
        told = await message_with(server, "I do not know “/stpo now”. Nothing was done. Did you mean /stop?")
        assert "<code>/stop</code>" in told.body.source
        assert core.posted == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("/exitt 3359", "exit"),
        ("staus", "status"),
        ("/rule@bot", "rules"),
        ("sell everything", None),
        ("", None),
    ],
)
def test_the_nearest_command(text: str, word: str | None):
    """Like enough, or none."""
    near = nearest(text)
    assert (near.word if near else None) == word


async def test_the_buttons_below_the_keyboard_do_nothing(tmp_path: Path):
    """They come with the greeting and only look."""
    clock = QuickClock()
    async with telegram(clock) as server, running(make_chat(server, Core(), clock, tmp_path)):
        server.phone.send("/start")
        greeting = await message_with(server, "watches your option positions")
        assert greeting.body.markup is not None
        rows = greeting.body.markup["keyboard"]
        words = [key["text"] for row in rows for key in row]
        looks = ["status", "positions", "pnl", "rules", "why", "orders", "trades", "health", "accounts"]
        assert words == [f"/{word}" for word in looks]
        assert {f"/{entry.word}" for entry in COMMANDS if entry.needs is Role.VIEWER} >= set(words)
    assert [word for row in panel() for word in row] == words


def test_who_is_nobody_may_nothing():
    """A role is held by number; a group caps it at looking."""
    people = People(frozenset({1}), frozenset({2}), frozenset({3, 1}))
    free, capped = Roles(read_only=False), Roles(read_only=True)
    persons = [Actor(user, 7, "") for user in (1, 2, 3, 4)]
    assert [free.of(people, who) for who in persons] == [Role.OWNER, Role.OPERATOR, Role.OWNER, Role.STRANGER]
    assert {capped.of(people, who) for who in persons} == {Role.VIEWER, Role.STRANGER}


async def test_an_alert_s_choice_is_an_owner_s(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """A viewer who presses it is told, the log keeps who it was."""
    caplog.set_level(logging.WARNING)
    clock, core = QuickClock(), Core(people=PEOPLE["viewer"])
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(alert(Urgency.HIGH, "t"))
        told = await message_with(server, "High t")
        press = server.phone.forge(told.id, "x:/flatten default everything")
        await message_with(server, "That needs an owner. Nothing was done.")
        await answered(server, press)
        assert core.posted == []
        assert f"user {OWNER} asked for /flatten, which needs owner" in caplog.text


async def test_a_question_that_is_over_is_closed_for_everybody(tmp_path: Path):
    """Nobody is told that another role could still answer it."""
    clock, core = QuickClock(), Core(people=PEOPLE["operator"])
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(alert(Urgency.HIGH, "t"))
        told = await message_with(server, "High t")
        press = server.phone.forge(told.id, "c:forgotten:y")
        await answered(server, press)
        assert press.toast == "This question is closed."
        assert core.posted == []
