"""What the chat says by itself and answers in words, held against `tests/bot/snapshots`.

After a wanted change: ``PRAHARI_SNAPSHOTS=write make test ARGS=tests/bot/test_message_pages.py``; then read
what has changed in the files.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest

from bot.accounts_view import accounts_pages
from bot.alarms_view import alarms_page, seen_page, storm_page
from bot.bubbles import alert_page, question_page
from bot.bubbles import card_page as exit_page
from bot.captions import digest_page
from bot.delivery import _lateness
from bot.layout import COLUMNS, Page, plain
from bot.letters import alert_letter
from bot.rules_view import rules_pages, usage_page
from bot.snooze_view import snooze_page
from bot.storms import Said, Storms
from bot.tighten_view import tighten_page
from bot.views import account_page, help_page, look_page, picker_page, start_page
from bot.why_view import why_page
from engine.effects import Alert, Ask, Card, Digest, Say
from engine.escalation import Alarm
from engine.messages import Actor, Command, FeedState, Wish
from engine.model import Mode, Urgency, position_id
from engine.paper import PaperExchange
from engine.picture import rules_now
from tests.bot.house import AT_S, OWNER, alert, house, position
from tests.bot.test_position_card import FULL, SNAPSHOTS, SNOOZED, written
from tests.bot.test_why_view import RULES, WORSE, seen_by
from tests.engine.test_exit_questions import ENTRY, LOSS, Asking
from tests.engine.test_flattening import confirm, last_card, say_flatten
from tests.engine.test_flattening import rig as netted
from tests.engine.test_offers import MIDS, Bare
from tests.support import charted
from tests.support.rig import OWNER as ASHA
from tests.support.rig import Rig

CONDOR = position_id("default", 3359)
WHO = Actor(OWNER, OWNER, "Asha <&> Co")
HUF = house(
    replace(position(), account="HUF", id=position_id("HUF", 3359)),
    mode=Mode.EXECUTE,
    feed=FeedState.DOWN,
    data_age_s=95.0,
    halted=True,
    access="token until 04 Feb 07:30",
)
DOWN = house(degraded="its journal cannot be opened", down=True)


def said(urgency: Urgency, title: str, text: str, about: str | None = None, **more: object) -> Alert:
    """An alert as a page is made of it."""
    return Alert(urgency, title, title, text, about, **more)


STOP = said(
    Urgency.HIGH,
    "Stop loss waits: 3359 NIFTY Iron Condor",
    "P&L −₹5,120.00 is at or below −₹4,972.50. Nobody has answered.",
    CONDOR,
)
LOSS_NEARS = said(
    Urgency.MEDIUM,
    "NIFTY Iron Condor",
    "Loss ₹4,120.00: 83 % of the way to the stop loss at −₹4,972.50.",
    CONDOR,
)
READY = said(Urgency.NORMAL, "Ready for the session", "13 things are ready.")
DIFFERS = said(
    Urgency.HIGH,
    "Store and broker differ: 3359 NIFTY Iron Condor",
    "The store has 65 <more> than Dhan holds.",
    CONDOR,
    choices=(Wish.SHRINK, Wish.UNWATCH),
)


def alarm(number: int, about: str | None = CONDOR, told: int = 2) -> Alarm:
    """One that was raised four minutes ago and a little later for each number."""
    raised_s = AT_S - 240 + 30 * number
    return Alarm(
        f"abcd{'abcdefghijkl'[number]}",
        f"t{number}",
        "",
        STOP.title,
        STOP.text,
        about,
        raised_s,
        raised_s,
        told,
    )


def storm() -> Storms:
    """Nine HIGH alerts at once, a position's and the house's."""
    storms = Storms()
    for n in range(9):
        one = alert(Urgency.HIGH, f"t{n}")
        title = STOP.title if n % 2 else "The price feed is down"
        storms.take(replace(one, title=title, position=CONDOR if n % 2 else None), AT_S, 6.0)
    return storms


def others() -> Page:
    """A storm of MEDIUM ones, summed up."""
    storms = Storms()
    held = [storms.take(replace(LOSS_NEARS, topic=f"t{n}"), AT_S) for n in range(20)]
    assert held.count(Said.HELD) == 8
    told = storms.summary(AT_S)
    assert told is not None
    return alert_page(told, AT_S)


def late() -> Page:
    """A HIGH alert that could not be delivered for fourteen minutes."""
    letter = alert_letter(STOP, AT_S, AT_S, seen="abcde")
    return replace(letter.page, html=letter.page.html + _lateness(letter, AT_S + 840))


def cards(ends: Wish = Wish.EXIT) -> tuple[Page, ...]:
    """An exit from its first card to its last, or to /stop."""
    rig = Asking(Mode.SEMI_AUTO)
    rig.wait(1, *ENTRY)
    rig.command(strategy_id=3359)
    rig.tap(rig.of(Ask)[-1].nonce)
    rig.wait(1)
    if ends is Wish.STOP:
        rig.command(Wish.STOP)
    rig.wait(120, *ENTRY)
    shown = dict.fromkeys(rig.of(Card))
    return tuple(exit_page(card) for card in shown)


def stuck() -> tuple[Page, ...]:
    """An exit that needs a person: the broker lists no position at all."""
    rig = Asking(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.exchange = PaperExchange()
    rig.command(strategy_id=3359, confirmed=True)
    rig.wait(400, *ENTRY)
    end = rig.of(Card)[-1]
    assert end.urgency is Urgency.HIGH
    return (exit_page(end),)


def last_said(rig: Rig) -> Page:
    """The newest reply, as plain words are shown."""
    return Page(rig.of(Say)[-1].text)


def question(rig: Rig) -> Page:
    """The newest question; the minute of its end is the clock's."""
    ask = rig.of(Ask)[-1]
    return question_page(replace(ask, nonce="nonce"), 1_770_090_753.0, ask.expires_s - rig.now_s)


def alert_only() -> tuple[Page, ...]:
    """A stop in a mode that sends nothing."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(1, *ENTRY)
    rig.wait(10, *LOSS)
    return tuple(
        alert_page(each, AT_S, seen="abcde" * (each.urgency is Urgency.HIGH)) for each in rig.of(Alert)
    )


def resume() -> tuple[Page, ...]:
    """/stop, then /resume."""
    rig = Asking(Mode.SEMI_AUTO)
    rig.wait(1, *ENTRY)
    rig.command(Wish.STOP)
    stopped = last_said(rig)
    rig.command(Wish.RESUME)
    return stopped, question(rig)


def setting() -> tuple[Page, ...]:
    """/set of a tighter stop."""
    rig = Asking(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.tell(Command(Wish.SET, ASHA, 3359, rule="stop_loss", value="-30%"))
    return (question(rig),)


def rules() -> tuple[Page, ...]:
    """/rules near a stop."""
    rig = Rig(Mode.ALERT_ONLY, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(5, *WORSE)
    return rules_pages(rules_now(rig.monitor, 3359, rig.now_s), rig.now_s)


def why() -> tuple[Page, ...]:
    """/why of a stop that was told."""
    rig = Rig(Mode.ALERT_ONLY, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(5, *WORSE)
    return (why_page(seen_by(rig), rig.view),)


def offer() -> tuple[Page, ...]:
    """What Dhan holds and no row names."""
    rig = Bare(Mode.SEMI_AUTO)
    rig.wait(1, *MIDS)
    rig.read()
    return (question(rig),)


def flatten() -> tuple[Page, ...]:
    """/flatten without its word, with it, and its last card."""
    rig = netted()
    say_flatten(rig, "")
    words = last_said(rig)
    say_flatten(rig)
    asked = question(rig)
    confirm(rig)
    rig.wait(150, *ENTRY)
    return words, asked, exit_page(last_card(rig))


def digest() -> tuple[Page, ...]:
    """What a session came to."""
    return (
        digest_page(
            Digest(charted.day(), (charted.week(), charted.month()), "Trade store and broker agree.")
        ),
    )


PAGES = {
    "alert_high": lambda: (alert_page(STOP, AT_S, seen="abcde"),),
    "alert_medium": lambda: (alert_page(LOSS_NEARS, AT_S),),
    "alert_normal": lambda: (alert_page(READY, AT_S),),
    "alert_choices": lambda: (alert_page(DIFFERS, AT_S, "HUF/", seen="abcde"),),
    "alert_late": lambda: (late(),),
    "alert_only": alert_only,
    "storm_high": lambda: (storm_page(storm().count().alert, [alarm(n) for n in range(9)]),),
    "storm_other": lambda: (others(),),
    "alarm_again": lambda: (alarms_page([alarm(0)], [alarm(0)], AT_S),),
    "alarm_many": lambda: (alarms_page([alarm(n, told=5) for n in range(12)], [alarm(0, told=5)], AT_S),),
    "alarm_seen": lambda: (seen_page(*_shown(alert_page(DIFFERS, AT_S, seen="abcde")), "Asha <&>"),),
    "snooze": lambda: (snooze_page(house(), FULL, ""),),
    "snooze_on": lambda: (snooze_page(house(session_open=False), SNOOZED, "HUF · "),),
    "tighten": lambda: (tighten_page(_losing(), "HUF"),),
    "set_usage": lambda: (usage_page(3359),),
    "set_question": setting,
    "exit_cards": cards,
    "exit_stopped": lambda: cards(Wish.STOP),
    "exit_stuck": stuck,
    "rules": rules,
    "why": why,
    "help": lambda: (help_page(several=True),),
    "start": lambda: (start_page({"default": house(position())}, WHO), start_page(_several(), WHO)),
    "accounts": lambda: accounts_pages(_several()),
    "pickers": lambda: (
        picker_page({"default": house(position(), position(3360))}),
        picker_page(_several()),
        look_page({"default": house(position())}, "payoff"),
        account_page("resume", ["OWN", "HUF"], ()),
    ),
    "digest": digest,
    "group_offer": offer,
    "flatten": flatten,
    "resume": resume,
}


def _shown(page: Page) -> tuple[str, tuple]:
    return page.html, page.keyboard


def _losing():
    return position(pnl_paise=-123_400)


def _several():
    return {"OWN": house(position()), "HUF": HUF, "WIFE": DOWN}


def shown(name: str) -> str:
    """The pages of this name as a file; what is drawn by chance is left out."""
    return re.sub(r"\b(c:|exit )[A-Za-z0-9_-]{16,44}", r"\1…", written(PAGES[name]()))


@pytest.mark.parametrize("name", PAGES)
def test_each_message_is_as_it_was_read_and_found_good(name):
    """A message changes on the phone only where its snapshot changes too."""
    kept = SNAPSHOTS / f"m_{name}.txt"
    page = shown(name)
    if os.environ.get("PRAHARI_SNAPSHOTS") == "write":
        kept.write_text(page, encoding="utf-8")
    assert page == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_columns_fit_the_phone_and_are_ascii(name):
    """No line of a block is wider than 32, and nothing in it is drawn wider than a letter."""
    blocks = re.findall(r"<pre>(.*?)</pre>", shown(name), re.DOTALL)
    lines = [line for block in blocks for line in plain(block).split("\n")]
    assert all(len(line) <= COLUMNS for line in lines)
    assert "".join(lines).replace("…", "").isascii()
