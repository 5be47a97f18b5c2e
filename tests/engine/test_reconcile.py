"""The broker's truth against ours."""

from __future__ import annotations

from engine.broker_nouns import BrokerPosition, Product
from engine.messages import BrokerReport
from engine.reconcile import differences, recorded
from tests.engine.makers import leg, position

SHORT = position(leg(-65, 25300, "CE", 40))
KEY = SHORT.legs[0].key


def report(*nets):
    return BrokerReport(1, 0.0, positions=tuple(BrokerPosition(KEY, Product.MARGIN, n) for n in nets))


def test_agreement_is_no_difference():
    """The sum over products and over strategies counts, not the single row."""
    assert differences(recorded([SHORT]), report(-65), {}) == []
    assert differences(recorded([SHORT, SHORT]), report(-65, -65), {}) == []


def test_less_more_the_other_way_or_not_listed_is_a_difference():
    """Whatever the broker shows that is not what the rows say."""
    for held in (report(0), report(65), report(-130), BrokerReport(1, 0.0)):
        (found,) = differences(recorded([SHORT]), held, {})
        assert "the trade store says -65" in found.text


def test_what_our_own_fills_explain_is_no_difference():
    """An unfinished exit has bought the short back: the rows say -65 still, the broker 0, or nothing."""
    assert differences(recorded([SHORT]), report(0), {KEY: 65}) == []
    assert differences(recorded([SHORT]), BrokerReport(1, 0.0), {KEY: 65}) == []
    assert len(differences(recorded([SHORT]), report(-65), {KEY: 65})) == 1


def test_what_only_the_broker_holds_is_nobodys_business():
    """Other positions of the account are not ours to compare."""
    assert differences(recorded([]), report(-65), {}) == []
