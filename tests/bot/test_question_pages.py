"""The questions of the chat as a phone shows them, held against `tests/bot/snapshots`.

After a wanted change: ``PRAHARI_SNAPSHOTS=write make test ARGS=tests/bot/test_question_pages.py``; then read
what has changed in the files.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bot.bubbles import question_page
from bot.layout import COLUMNS, MESSAGE_LIMIT, plain
from engine.effects import Ask
from engine.messages import Command, MarginKnown, Wish
from engine.model import Mode
from engine.tuning import AskTuning
from tests.engine.makers import condor, condors, strangle
from tests.engine.test_exit_questions import ENTRY, FAR, Asking, asked, press, stopped
from tests.engine.test_margin import ENOUGH
from tests.engine.test_modes import code, mode
from tests.support.rig import OWNER, frozen

SNAPSHOTS = Path(__file__).parent / "snapshots"


def by_hand():
    """/exit of the condor."""
    return asked()


def moved():
    """A yes that did not count."""
    rig = asked()
    rig.quotes(*FAR)
    press(rig, 0)
    return rig


def margin_known():
    """The broker has answered."""
    rig = asked()
    nonce = rig.of(Ask)[0].nonce
    rig.tell(MarginKnown(nonce, ENOUGH.free_paise, (12_345_600, 0, 0, 0)))
    return rig


def in_slices():
    """Four hundred lots, of which the depth shows a part."""
    return asked(frozen(condors(400), 1_300))


def naked():
    """A strangle."""
    rig = Asking(Mode.SEMI_AUTO, strangle())
    rig.wait(1, 45, 55)
    rig.command()
    return rig


def everything():
    """/exit all of two."""
    rig = Asking(Mode.SEMI_AUTO, condor(), condor_of(3360))
    rig.wait(1, *ENTRY * 2)
    rig.command()
    return rig


def condor_of(strategy_id):
    """The condor under another number."""
    return replace(condor(), strategy_id=strategy_id)


def profit():
    """The target is asked about."""
    rig = Asking(Mode.SEMI_AUTO)
    rig.wait(1, *ENTRY)
    rig.wait(3, 8, 20, 14, 6)
    return rig


def stop_moved():
    """A yes to a stop that did not count."""
    rig = stopped(asking=AskTuning(stop_exits=True))
    rig.quotes(20, 115, 105, 18)
    press(rig, 0)
    return rig


def half():
    """/exit half of four lots."""
    rig = Asking(Mode.SEMI_AUTO, condors(4))
    rig.wait(1, *ENTRY)
    rig.tell(Command(Wish.EXIT, OWNER, 3359, value="half"))
    return rig


def raising(*, held=False):
    """/mode execute after it was lowered."""
    rig = Asking(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    mode(rig, "semi-auto")
    mode(rig, "execute")
    if held:
        code(rig)
    return rig


def loosening():
    """/set of a looser stop."""
    rig = Asking(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.tell(Command(Wish.SET, OWNER, 3359, rule="stop_loss", value="-60%", owner=True))
    return rig


PAGES = {
    "q_by_hand": by_hand,
    "q_stop": stopped,
    "q_moved": moved,
    "q_margin": margin_known,
    "q_slices": in_slices,
    "q_naked": naked,
    "q_all": everything,
    "q_profit": profit,
    "q_stop_moved": stop_moved,
    "q_half": half,
    "q_raise": raising,
    "q_raise_held": partial(raising, held=True),
    "q_loosen": loosening,
}


def written(name):
    """The newest question as it is sent: its text and its buttons; the minute of its end left out."""
    rig = PAGES[name]()
    ask = rig.of(Ask)[-1]
    page = question_page(ask, 1_770_090_753.0, ask.expires_s - rig.now_s)
    buttons = "  ".join(f"[{b.text}|{b.style}]" for row in page.keyboard for b in row)
    return f"{page.html}\n{buttons}\n"


@pytest.mark.parametrize("name", PAGES)
def test_each_question_is_as_it_was_read_and_found_good(name):
    """A question changes on the phone only where its snapshot changes too."""
    kept = SNAPSHOTS / f"{name}.txt"
    page = written(name)
    if os.environ.get("PRAHARI_SNAPSHOTS") == "write":
        kept.write_text(page, encoding="utf-8")
    assert page == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_columns_fit_the_phone(name):
    """No line of a block is wider than 32, and none holds what is drawn wider than a letter."""
    lines = [
        line
        for block in re.findall(r"<pre>(.*?)</pre>", written(name), re.DOTALL)
        for line in plain(block).split("\n")
    ]
    assert lines or name == "q_raise_held"
    assert all(len(line) <= COLUMNS for line in lines)
    assert "".join(lines).isascii()


def test_a_question_about_very_many_positions_keeps_its_end():
    """What happens without an answer, and the sum, are never what is left out."""
    many = [replace(condor(), strategy_id=n) for n in range(1, 61)]
    rig = Asking(Mode.SEMI_AUTO, *many)
    rig.wait(0.5, *ENTRY * len(many))
    rig.command()
    page = question_page(rig.of(Ask)[-1], 0.0, 60.0)
    assert len(plain(page.html)) <= MESSAGE_LIMIT
    assert re.search(r"… and \d+ more lines", page.html)
    assert "P&amp;L together" in page.html
    assert "No answer: nothing is sent" in page.html
