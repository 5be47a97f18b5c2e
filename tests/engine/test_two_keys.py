"""Two keys: a code on the card alone, typed once by who asked, and a minute in which it can be stopped."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.effects import Answer, Ask, Audit, Card, Record, Say
from engine.errors import BadInput
from engine.messages import Actor, Command, Tap, Wish
from engine.two_keys import CODE_S, HOLD_S, Change, TwoKeys

SEED = b"0123456789abcdef"
WORDS = st.sampled_from(["wrong", "right", "no", "stop", "ravi"])
ASHA, RAVI = Actor(42, 42, "Asha"), Actor(7, 42, "Ravi")


class Door:
    """What is to be opened."""

    def __init__(self, why=""):
        self.opened, self.why = 0, why

    def apply(self, _now_s):
        if self.why:
            raise BadInput(self.why)
        self.opened += 1
        return ("It is open.",), []

    @property
    def change(self):
        return Change(Wish.MODE, "Open the door", ("Now: shut",), self.apply)


def of(effects, kind):
    return [effect for effect in effects if isinstance(effect, kind)]


def code_in(effects):
    """The code on the newest card that shows one."""
    lines = [line for ask in of(effects, Ask) for line in ask.lines if line.startswith("  /code ")]
    return lines[-1].split()[1]


def typed(keys, code, now_s, by=ASHA):
    return keys.code(Command(Wish.CODE, by, value=code, owner=True), now_s)


def asked(door, seed=SEED):
    keys = TwoKeys(seed)
    return keys, code_in(keys.ask(door.change, ASHA, 0.0))


def test_a_right_code_and_a_minute_open_it_once():
    """Not before, not twice; the card tells when, and that it came about."""
    door = Door()
    keys, code = asked(door)
    assert keys.awaited == ASHA.user_id
    (held,) = of(typed(keys, code, 30.0), Ask)
    assert (held.until, held.expires_s, held.yes, held.no) == ("Takes effect", 90.0, "", "Cancel")
    assert keys.awaited is None
    assert of(typed(keys, code, 31.0), Say)[0].text == "Nothing waits for a code."
    assert keys.look(89.9) == []
    assert of(keys.look(90.0), Card)[0].title == "Done: Open the door"
    assert keys.look(91.0) == []
    assert of(typed(keys, code, 92.0), Say)[0].text == "Nothing waits for a code."
    assert door.opened == 1


def test_a_code_that_nobody_types_dies_after_two_minutes():
    """And the change with it."""
    door = Door()
    keys, code = asked(door)
    assert of(typed(keys, code, CODE_S), Say)[0].text == "Nothing waits for a code."
    (card,) = of(keys.look(CODE_S), Card)
    assert (card.title, card.final) == ("Not done: Open the door", True)
    keys.look(CODE_S + HOLD_S + 1)
    assert not door.opened


def test_three_wrong_codes_end_it():
    """The right one is too late then."""
    door = Door()
    keys, code = asked(door)
    wrong = "0000" if code != "0000" else "1111"
    assert "2 more" in of(typed(keys, wrong, 1.0), Say)[0].text
    assert "1 more" in of(typed(keys, "", 2.0), Say)[0].text
    assert of(typed(keys, wrong, 3.0), Card)[0].lines == ("Three wrong codes. Nothing was changed.",)
    assert of(typed(keys, code, 4.0), Say)[0].text == "Nothing waits for a code."
    keys.look(200.0)
    assert not door.opened


def test_only_who_asked_may_type_it_and_others_cost_no_try():
    """Another owner's word counts for nothing, right or wrong."""
    door = Door()
    keys, code = asked(door)
    for _ in range(4):
        assert of(typed(keys, code, 1.0, RAVI), Say)[0].text == "The code is Asha's to type."
    assert of(typed(keys, code, 2.0), Ask)


@pytest.mark.parametrize("held", [False, True])
def test_no_cancels_whoever_presses_it_and_yes_does_nothing(held):
    """There is no yes on the card; one that is made up opens nothing."""
    door = Door()
    keys = TwoKeys(SEED)
    effects = keys.ask(door.change, ASHA, 0.0)
    (ask,) = of(effects, Ask)
    if held:
        typed(keys, code_in(effects), 1.0)
    assert of(keys.tap(Tap(ask.nonce, yes=True, by=ASHA, callback_id="c")), Answer)[0].alarm
    assert keys.tap(Tap("other", yes=False, by=RAVI, callback_id="c")) is None
    (card,) = of(keys.tap(Tap(ask.nonce, yes=False, by=RAVI, callback_id="c")), Card)
    assert card.lines == ("Cancelled by Ravi. Nothing was changed.",)
    assert keys.tap(Tap(ask.nonce, yes=False, by=RAVI, callback_id="c")) is None
    keys.look(300.0)
    assert not door.opened


def test_another_wish_ends_the_one_before_and_its_code():
    """One is open at a time."""
    first, second = Door(), Door()
    keys, code = asked(first)
    effects = keys.ask(second.change, ASHA, 5.0)
    assert of(effects, Card)[0].lines[0].startswith("Something else was asked for since.")
    assert code_in(effects) != code
    typed(keys, code, 6.0)
    keys.look(70.0)
    typed(keys, code_in(effects), 71.0)
    keys.look(71.0 + HOLD_S)
    assert (first.opened, second.opened) == (0, 1)


def test_what_may_not_be_any_more_is_said_and_not_done():
    """The last look is at the end of the minute."""
    door = Door()
    keys, code = asked(door)
    typed(keys, code, 1.0)
    door.why = "The position has changed"
    assert of(keys.look(61.0), Card)[0].lines == ("The position has changed. Nothing was changed.",)
    assert not door.opened


def test_a_restart_ends_it_and_says_so_once():
    """The journal knows that something was open, never the code."""
    door = Door()
    keys = TwoKeys(SEED)
    effects = keys.ask(door.change, ASHA, 0.0)
    code, (record,) = code_in(effects), of(effects, Record)
    effects += typed(keys, code, 1.0)
    assert code not in json.dumps([r.value for r in of(effects, Record)])
    assert code not in json.dumps([a.data for a in of(effects, Audit)])
    later = TwoKeys(b"another process's")
    later.restore({record.key: json.loads(json.dumps(record.value))})
    assert of(typed(later, code, 2.0), Say)[0].text == "Nothing waits for a code."
    said = later.look(70.0)
    assert of(said, Card)[0].nonce == record.key
    assert of(said, Record)[0].value["open"] is False
    assert later.look(71.0) == []
    assert not door.opened


@given(st.binary(min_size=16, max_size=32), st.binary(min_size=16, max_size=32))
def test_codes_come_from_the_chance_that_is_given(one, other):
    """The same chance, the same code; four digits whatever it is."""
    assert asked(Door(), one)[1] == asked(Door(), one)[1]
    assert re.fullmatch(r"\d{4}", asked(Door(), other)[1])


@given(st.lists(st.tuples(WORDS, st.floats(0, 40)), max_size=8))
def test_it_opens_only_after_the_right_code_and_a_whole_minute_of_nobody_objecting(steps):
    """Whatever is typed and pressed in whatever order."""
    door, now_s, right_s = Door(), 0.0, None
    keys = TwoKeys(SEED)
    effects = keys.ask(door.change, ASHA, 0.0)
    (ask,), code = of(effects, Ask), code_in(effects)
    objected = False
    for what, wait_s in steps:
        now_s += wait_s
        keys.look(now_s)
        if door.opened:
            break
        if what == "right":
            typed(keys, code, now_s)
            right_s = now_s if right_s is None else right_s
        elif what == "wrong":
            typed(keys, "x", now_s)
        elif what == "ravi":
            typed(keys, code, now_s, RAVI)
        elif what == "no":
            objected = keys.tap(Tap(ask.nonce, yes=False, by=RAVI, callback_id="c")) is not None or objected
        else:
            objected = bool(keys.cancel("Stopped.")) or objected
    if door.opened:
        assert not objected
        assert right_s is not None
        assert now_s - right_s >= HOLD_S
    assert door.opened <= 1


def test_a_change_of_a_position_names_it():
    """So that the chat threads it."""
    keys = TwoKeys(SEED)
    (ask,) = of(keys.ask(replace(Door().change, position="default/3359"), ASHA, 0.0), Ask)
    assert ask.position == "default/3359"
