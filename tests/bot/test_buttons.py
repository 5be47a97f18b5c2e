"""What is read from a button, and what from the words after a command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bubbles import question_page
from bot.buttons import Pick, Press, parse
from bot.commands import exit_wish
from bot.views import picker_page
from engine.errors import BadInput
from tests.bot.house import QuickClock, house, position, question


def test_our_own_buttons_are_read_back():
    """What the pages write is what the handler reads."""
    [[yes, no]] = question_page(question(QuickClock(), "ab12"), 0.0, 0.0).keyboard
    assert (parse(yes.data), parse(no.data)) == (Press("ab12", yes=True), Press("ab12", yes=False))
    rows = picker_page(house(position(), position(3360))).keyboard
    assert [parse(row[0].data) for row in rows] == [Pick(3359), Pick(3360), Pick(None)]


@pytest.mark.parametrize(
    "data",
    [None, "", "p:", "p:-1", "p:1 ", "p:٣", "c:n:x", "c::y", "c:n:y:z", "x:n:y", "p:1\n", "confirm_closeall"],
)
def test_other_data_are_nobodys(data: str | None):
    """Anything else, however near, presses nothing."""
    assert parse(data) is None


@given(st.text(max_size=64))
def test_no_data_break_the_reader(data: str):
    """A doctored client can send any text; it is read or it is not."""
    assert parse(data) is None or data.startswith(("p:", "c:"))


@pytest.mark.parametrize(("words", "wish"), [(["3359"], 3359), (["all"], None), (["ALL"], None)])
def test_exit_wishes(words: list[str], wish: int | None):
    """An id, or all."""
    assert exit_wish(words) == wish


@pytest.mark.parametrize("words", [["NIFTY"], ["3359", "3360"], ["-1"], ["3359x"], ["٣٣٥٩"], ["1" * 30]])
def test_anything_else_after_exit_does_nothing_and_says_why(words: list[str]):
    """The reply quotes what was read and says what was expected."""
    with pytest.raises(BadInput, match=r"Read “.+” after /exit; expected a strategy id like 3359, or all\."):
        exit_wish(words)
