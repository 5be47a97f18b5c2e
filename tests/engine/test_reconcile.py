"""The broker's truth against ours."""

from __future__ import annotations

from engine.broker_nouns import BrokerPosition, Product
from engine.messages import BrokerReport
from engine.reconcile import differences
from tests.engine.makers import leg, position

SHORT = position(leg(-65, 25300, "CE", 40))
KEY = SHORT.legs[0].key


def report(*nets):
    return BrokerReport(1, 0.0, positions=tuple(BrokerPosition(KEY, Product.MARGIN, n) for n in nets))


def test_agreement_is_no_difference():
    """The sum over products and over strategies counts, not the single row."""
    assert differences([SHORT], report(-65)) == []
    assert differences([SHORT, SHORT], report(-65, -65)) == []


def test_less_the_other_way_or_not_listed_is_dangerous():
    """Acting on our number could cross zero."""
    for held in (report(0), report(65), BrokerReport(1, 0.0)):
        (found,) = differences([SHORT], held)
        assert found.danger
        assert "the trade store says -65" in found.text


def test_more_than_we_know_of_is_a_difference_but_no_danger():
    """The owner holds more of the contract by hand: told, not feared."""
    (found,) = differences([SHORT], report(-130))
    assert not found.danger


def test_what_only_the_broker_holds_is_nobodys_business():
    """Other positions of the account are not ours to compare."""
    assert differences([], report(-65)) == []
