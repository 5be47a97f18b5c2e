"""What is read from a button, and what from the words after a command."""

from __future__ import annotations

from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bubbles import alert_page, question_page
from bot.buttons import Choice, Look, Pick, Press, parse
from bot.views import look_page, picker_page
from bot.wishes import ExitWish, exit_wish, set_wish
from engine.effects import Alert
from engine.errors import BadInput
from engine.messages import Wish
from engine.model import PositionId, Urgency
from tests.bot.house import QuickClock, house, position, question


def test_our_own_buttons_are_read_back():
    """What the pages write is what the handler reads."""
    [[yes, no]] = question_page(question(QuickClock(), "ab12"), 0.0, 0.0).keyboard
    assert (parse(yes.data), parse(no.data)) == (Press("ab12", yes=True), Press("ab12", yes=False))
    rows = picker_page({"default": house(position(), position(3360))}).keyboard
    assert [parse(row[0].data) for row in rows] == [Pick(3359), Pick(3360), Pick(None)]
    for command in ("rules", "why"):
        [[look]] = look_page({"default": house(position())}, command).keyboard
        assert parse(look.data) == Look(command[0], 3359)


def test_each_choice_on_an_alert_is_a_button_that_is_read_back():
    """What may be made of a difference, one below the other; another account's id is the same number."""
    choices = (Wish.ADOPT, Wish.SHRINK, Wish.UNWATCH, Wish.RESUME)
    alert = Alert(Urgency.HIGH, "t", "They disagree", "So.", PositionId("wife/3359"), choices)
    rows = alert_page(alert, 0.0).keyboard
    assert [parse(button.data) for (button,) in rows] == [Choice(wish, 3359) for wish in choices]
    assert [button.text for (button,) in rows] == [
        "Correct the rows",
        "Count what is held",
        "Stop watching",
        "Take over as it is",
    ]
    assert parse("d:exit:3359") is None


@pytest.mark.parametrize(
    "data",
    [None, "", "p:", "p:-1", "p:1 ", "p:٣", "c:n:x", "c::y", "c:n:y:z", "x:n:y", "p:1\n", "confirm_closeall"],
)
def test_other_data_are_nobodys(data: str | None):
    """Anything else, however near, presses nothing."""
    assert parse(data) is None


#: What data may begin with: every letter that the reader knows.
READ = ("p:", "h:", "r:", "w:", "i:", "t:", "z:", "g:", "l:", "d:", "c:", "s:", "x:")
#: What stands behind one or another of them.
TAILS = ("3359", "HUF/3359", "all", "adopt:3359", "ab12:y", "abcde", "/pnl week")


@given(st.text(max_size=64) | st.builds("{}{}".format, st.sampled_from(READ), st.text(max_size=62)))
def test_no_data_break_the_reader(data: str):
    """A doctored client can send any text; it is read or it is not."""
    assert parse(data) is None or data.startswith(READ)


def test_no_other_letter_is_read():
    """The letters above are all that the reader knows, and it knows each."""
    data = (f"{letter}:{tail}" for letter in ascii_letters for tail in TAILS)
    assert {each[:2] for each in data if parse(each)} == set(READ)


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        (["3359"], ExitWish(3359)),
        (["all"], ExitWish()),
        (["ALL"], ExitWish()),
        (["half", "3359"], ExitWish(3359, "half")),
        (["3359", "Half"], ExitWish(3359, "half")),
        (["nifty"], ExitWish(value="NIFTY")),
        (["M&M"], ExitWish(value="M&M")),
    ],
)
def test_exit_wishes(words: list[str], wish: ExitWish):
    """An id, half of one, a symbol, or all."""
    assert exit_wish(words) == wish


@pytest.mark.parametrize("words", [["3359", "3360"], ["-1"], ["3359x"], ["٣٣٥٩"], ["1" * 30], ["a b"]])
def test_anything_else_after_exit_does_nothing_and_says_why(words: list[str]):
    """The reply quotes what was read and says what was expected."""
    expected = r"Read “.+” after /exit; expected a strategy id like 3359, a symbol, or all\."
    with pytest.raises(BadInput, match=expected):
        exit_wish(words)


@pytest.mark.parametrize("words", [["half"], ["half", "all"], ["half", "NIFTY"], ["half", "half"]])
def test_half_is_of_one_position(words: list[str]):
    """Half of everything is nothing that could be shown and confirmed as one."""
    with pytest.raises(BadInput, match=r"after /exit half; expected a strategy id like 3359\."):
        exit_wish(words)


def test_set_wishes():
    """Id, rule, and all the rest as one value."""
    assert set_wish(["3359", "stop_loss", "-30%"]) == (3359, "stop_loss", "-30%")
    table = set_wish(["3359", "trailing_stop", "{give_back", "=", "0.2}"])
    assert table == (3359, "trailing_stop", "{give_back = 0.2}")


@pytest.mark.parametrize("words", [[], ["3359"], ["3359", "stop_loss"]])
def test_half_a_set_is_no_wish(words: list[str]):
    """The reply shows how it is written, and nothing reaches the core."""
    assert set_wish(words) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stop_loss", "-0.3"], "Read “stop_loss” after /set; expected a strategy id like 3359. Nothing"),
        (["3359", "stop_loss", "9" * 201], "longer than 200 characters"),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused(words: list[str], said: str):
    """The id comes first, and no value is endless."""
    with pytest.raises(BadInput, match=said):
        set_wish(words)
