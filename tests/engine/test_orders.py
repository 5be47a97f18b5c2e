"""The life of an order is a table, and the table knows the ugly rows of the real world."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker_nouns import BrokerOrder, OrderRequest, OrderStatus, Product
from engine.model import InstrumentKey, Side
from engine.orders import Event, Order, OrderState, Trade, correlation_id, following, read_correlation_id

KEY = InstrumentKey(2 << 32 | 49081)
#: Events that cannot happen in these states: a working order was seen, so it is not absent.
IMPOSSIBLE = {(OrderState.WORKING, Event.PROVED_ABSENT)}


def order(quantity=130):
    request = OrderRequest("P-a-260203001-0-0-0", KEY, Side.BUY, quantity, 1010, Product.MARGIN)
    return Order(request, "260203001", 0, 0, 0, sent_s=1.0)


def row(status, filled, quantity=130):
    return BrokerOrder("1", "P-a-260203001-0-0-0", KEY, Side.BUY, quantity, filled, 1000, 1010, status)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(OrderState, Event)))
def test_every_pair_of_state_and_event_is_in_the_table_or_known_to_be_impossible(state, event):
    """Nothing that a broker can say finds the table without an answer."""
    if (state, event) in IMPOSSIBLE:
        with pytest.raises(KeyError):
            following(state, event)
    else:
        assert isinstance(following(state, event), OrderState)


@pytest.mark.parametrize("state", list(OrderState))
def test_a_fill_counts_in_every_state(state):
    """Before the acknowledgement, after a cancel, after the order was given up: a trade is a trade."""
    assert following(state, Event.SEEN_FILLED) is OrderState.FILLED


@pytest.mark.parametrize("event", list(Event))
def test_a_filled_order_stays_filled(event):
    """Late or reordered news never re-opens a filled order."""
    assert following(OrderState.FILLED, event) is OrderState.FILLED


def test_lost_is_not_dead():
    """An order given up as absent that turns up in the book is live again."""
    assert following(OrderState.ABSENT, Event.SEEN_WORKING) is OrderState.WORKING


def test_traded_for_less_than_ordered_is_still_working():
    """The socket has no partial status: TRADED with half the quantity is a partial fill."""
    half = order()
    half.see(row(OrderStatus.TRADED, 65))
    assert half.state is OrderState.WORKING
    assert half.filled == 65
    assert half.rest == 65


@pytest.mark.parametrize(
    ("quantity", "filled", "pending", "status", "total"),
    [
        (65, 0, False, OrderStatus.PENDING, 65),
        (195, 0, True, OrderStatus.PENDING, 195),
        (65, 0, True, OrderStatus.PENDING, 130),  # a modify of ours for 130 may be on its way
        (65, 65, True, OrderStatus.TRADED, 65),
        (65, 100, False, OrderStatus.PENDING, 130),  # an old row: 100 are traded already
    ],
)
def test_the_total_is_the_broker_s_unless_the_row_is_old_or_a_change_of_ours_under_way(
    quantity, filled, pending, status, total
):
    """Somebody changed the order in the app; what it may still trade is never counted too low."""
    one = order()
    one.filled, one.pending = filled, pending
    one.see(row(status, min(filled, quantity), quantity))
    assert one.request.quantity == total
    assert one.rest == (total - filled if status is not OrderStatus.TRADED else 0)


rows = st.builds(row, st.sampled_from(list(OrderStatus)), st.integers(0, 130))


@given(st.lists(rows, max_size=12))
def test_filled_only_grows_and_never_beyond_the_order_however_news_arrives(news):
    """Duplicated, reordered, contradictory rows: filled is the most that was ever seen."""
    told, seen = order(), 0
    for item in news:
        told.see(item)
        assert told.filled >= seen
        seen = told.filled
    assert seen == max([0, *(item.filled for item in news)])
    assert told.rest == (130 - seen if told.state.live else 0)


@given(st.lists(rows, max_size=6), st.sampled_from(list(OrderState)))
def test_an_order_survives_the_journal(news, state):
    """What is written is what is read, except that what was under way has become unknown."""
    one = order()
    one.state = state
    for item in news:
        one.see(item)
    two = Order.from_json(one.to_json())
    assert (two.filled, two.average_paise, two.request) == (one.filled, one.average_paise, one.request)
    lost = one.state in (OrderState.SENDING, OrderState.UNKNOWN)
    assert two.state is (OrderState.UNKNOWN if lost else one.state)


@given(
    st.text("abcXYZ019", min_size=1, max_size=12),
    st.integers(0, 46655),
    st.tuples(st.integers(0, 9), st.integers(0, 99), st.integers(0, 99)),
)
def test_a_correlation_id_is_short_clean_and_can_be_read_back(account, number, rest):
    """Dhan takes 30 characters of letters, digits, dash and underscore; the id tells its story."""
    intent = f"260203{number % 1000:03d}"
    name = correlation_id(account, intent, *rest)
    assert len(name) <= 30
    assert read_correlation_id(name) == (account[:8], intent, *rest)


def test_an_id_of_somebody_else_is_not_ours():
    """Another program's correlation id, or none, is not taken for one of ours."""
    assert read_correlation_id("NA") is None
    assert read_correlation_id("P-a-260203001-0-0-0-x") is None
    with pytest.raises(ValueError, match="no correlation id"):
        correlation_id("a", "not an intent", 0, 0, 0)


def test_trades_keep_their_moment_and_those_of_an_older_journal_have_none():
    """Units, price and second of each trade go through the journal; older rows have two cells of three."""
    made = order()
    made.filled = 130
    assert made.book({"A": Trade(65, 1000, 7.0), "B": Trade(65, 1005)})
    row = made.to_json()
    assert Order.from_json(row).trades == made.trades
    row["trades"]["A"] = [65, 1000]
    again = Order.from_json(row)
    assert (again.trades["A"], again.told, again.turnover_paise) == (Trade(65, 1000), 130, 65 * 2005)
