"""Messages and keyboards through JSON and back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.kept import (
    alarms_kept,
    alert_to_body,
    alerts_kept,
    from_body,
    keyboard_from_text,
    keyboard_to_text,
    to_body,
)
from bot.layout import Button, Page
from bot.queue import Outgoing, Rank
from engine.effects import Alert
from engine.messages import Wish
from engine.model import Urgency

words = st.text(max_size=20)
keyboards = st.lists(st.lists(st.builds(Button, words, words, words), max_size=3).map(tuple), max_size=3).map(
    tuple
)
letters = st.builds(
    Outgoing,
    rank=st.sampled_from(Rank),
    page=st.builds(Page, words, keyboards),
    created_s=st.floats(0, 2e9),
    until_s=st.floats(0, 2e9),
    thread=words,
    edit_only=st.booleans(),
    fresh=st.booleans(),
    keeps_buttons=st.booleans(),
    silent=st.booleans(),
    delayed_after_s=st.none() | st.floats(0, 1e6),
    durable=st.booleans(),
    row=st.just(5),
)


@given(letters)
def test_a_message_comes_back_as_it_was(letter: Outgoing):
    """Everything that matters in the next life survives the file."""
    assert from_body(5, json.loads(json.dumps(to_body(letter)))) == letter


@given(keyboards)
def test_a_keyboard_comes_back_as_it_was(keyboard: tuple[tuple[Button, ...], ...]):
    """Row for row, button for button."""
    assert keyboard_from_text(keyboard_to_text(keyboard)) == keyboard


def test_no_keyboard_is_an_empty_one():
    """A card that never had buttons has none."""
    assert keyboard_from_text("") == ()


@given(st.builds(
    Alert, st.sampled_from(Urgency), words, words, words, st.none() | words,
    st.lists(st.sampled_from(Wish), max_size=3).map(tuple),
), words)  # fmt: skip
def test_an_alert_comes_back_as_it_was(alert: Alert, of: str):
    """What a storm has held back is told by the next life in the same words."""
    assert alerts_kept([json.loads(json.dumps(alert_to_body(alert, of)))]) == [(alert, of)]


def test_what_another_version_wrote_is_left_out_and_the_rest_is_kept():
    """An older or newer file may be strange; it must not keep the chat from starting."""
    good = alert_to_body(Alert(Urgency.NORMAL, "t", "title", "text"))
    strange = [{}, {**good, "urgency": 99}, {**good, "choices": ["dance"]}, {**good, "choices": 1}]
    assert len(alerts_kept([*strange, good])) == 1
    assert alarms_kept([{"id": "x"}, {"unknown": 1}]) == []
