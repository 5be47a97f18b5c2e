"""What each reason for a refusal means, in Dhan's, its RMS's and the exchanges' words."""

from __future__ import annotations

import pytest

from engine.intents import LegPlan
from engine.refusals import Remedy, let_in_again, meet, remedy
from tests.engine.makers import condor
from tests.support.broker import World

#: (code, words, remedy); words as recorded from Dhan or its forum, else as other brokers show them.
REASONS = [
    ("DH-904", "Too many requests on server from single user breaching rate limits.", Remedy.WAIT),
    ("805", "Too many requests. Further requests may result in the user being blocked.", Remedy.WAIT),
    ("HTTP-429", "empty body", Remedy.WAIT),
    ("NOT-SENT", "not sent: the order lane is full", Remedy.WAIT),
    ("journal", "not sent: the journal failed", Remedy.WAIT),
    ("DH-906", "Order is already traded", Remedy.WAIT),
    ("DH-906", "order is not open", Remedy.WAIT),
    ("DH-901", "Client ID or user generated access token is invalid or expired.", Remedy.HOLD),
    ("DH-906", "Invalid Token", Remedy.HOLD),
    ("807", "Access token is expired", Remedy.HOLD),
    ("DH-905", "Invalid IP", Remedy.HOLD),
    ("DH-911", "", Remedy.HOLD),
    ("HTTP-401", "empty body", Remedy.HOLD),
    ("DH-906", "Market is Closed! Want to place an offline order?", Remedy.HOLD),
    ("DH-906", "Market is Closed! You cannot modify/cancel an order now.", Remedy.HOLD),
    ("DH-906", "Kill Switch is active. Orders are not allowed for the day.", Remedy.HOLD),
    ("DH-906", "Maximum number of order modifications is exceeded", Remedy.REPLACE),
    ("", "RMS:Order quantity exceeds the freeze quantity", Remedy.RESLICE),
    ("DH-905", "Price is not a multiple of the tick size 0.05", Remedy.RETICK),
    ("", "EXCH:17070:The Price is out of the current execution range", Remedy.REPRICE),
    ("", "Order price is beyond the circuit limit", Remedy.REPRICE),
    ("", "Price outside the limit price protection range", Remedy.REPRICE),
    ("DH-905", "Missing required fields, bad values for parameters etc.", Remedy.STOP_LEG),
    ("DH-902", "User has not subscribed to this", Remedy.STOP_LEG),
    ("", "RMS:Blocked for test", Remedy.STOP_LEG),
    ("", "", Remedy.STOP_LEG),
]


@pytest.mark.parametrize(("code", "words", "what"), REASONS, ids=str)
def test_reasons_and_their_remedies(code: str, words: str, what: Remedy):
    """The code decides where it is a fine one, else the words."""
    assert remedy(code, words) is what


@pytest.mark.parametrize(
    "words",
    [
        "RMS:Margin Exceeds,Required:142900.00, Available:0.00",
        "RMS:Margin Exceeds,Required:90480.50, Available:805.00",
        "RMS: order 901807 of client 1100429805 blocked",
        "stick to the rules",
    ],
)
def test_numbers_and_parts_of_words_are_no_reason(words: str):
    """A code inside an amount, or a word inside another, means nothing."""
    assert remedy("DH-906", words) is Remedy.STOP_LEG


@pytest.mark.parametrize(
    ("code", "words", "ends"),
    [
        ("DH-901", "Client ID or user generated access token is invalid or expired.", True),
        ("DH-905", "Invalid IP", True),
        ("DH-906", "Market is Closed! Want to place an offline order?", False),
        ("DH-904", "Too many requests on server from single user breaching rate limits.", False),
        ("", "Order price is beyond the circuit limit", False),
    ],
)
@pytest.mark.parametrize("restarted", [False, True])
def test_a_token_that_is_taken_again_ends_only_the_pauses_that_waited_for_it(code, words, ends, restarted):
    """A rate limit, a price and a closed market have pauses that no token ends."""
    world = World(condor())
    intent = world.exit()
    leg = intent.legs[0]
    meet(leg, intent.orders[0], 0, (code, words), world.now_s)
    until_s = leg.wait_until_s
    assert until_s > world.now_s
    if restarted:
        intent.legs[0] = leg = LegPlan.from_json(leg.to_json())
    let_in_again([intent], world.now_s)
    assert leg.wait_until_s == (world.now_s if ends else until_s)
