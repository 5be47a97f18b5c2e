"""The queue and its budget, on virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.layout import Page
from bot.queue import (
    BURST,
    EDIT_EVERY_S,
    FLOODED_REST_S,
    LIVE_EVERY_S,
    RESERVE,
    WAITING_LIMIT,
    Budget,
    Outgoing,
    Rank,
    Waiting,
)

ALL = frozenset(Rank)
FOREVER_S = 1e12


def letter(rank: Rank, text: str = "", **how: object) -> Outgoing:
    """A message of a rank."""
    return Outgoing(rank, Page(text), 0.0, FOREVER_S, **how)


def drain(waiting: Waiting) -> list[str]:
    """Take everything out in its order."""
    texts = []
    while (item := waiting.head(ALL, 0.0, ())) is not None:
        waiting.remove(item)
        texts.append(item.page.html)
    return texts


def test_rank_then_age():
    """HIGH before questions before replies before the quiet ones, each in the order of its coming."""
    waiting = Waiting()
    for text, rank in (
        ("n1", Rank.NORMAL), ("e", Rank.EDIT), ("h1", Rank.HIGH), ("r", Rank.REPLY), ("m", Rank.MEDIUM),
        ("h2", Rank.HIGH), ("q", Rank.QUESTION), ("n2", Rank.NORMAL),
    ):  # fmt: skip
        waiting.add(letter(rank, text))
    assert drain(waiting) == ["h1", "h2", "q", "r", "m", "n1", "n2", "e"]


def test_a_thread_waits_once_with_its_latest_words():
    """A card that changes ten times while it waits is sent once; what it replaced is handed back."""
    waiting = Waiting()
    waiting.add(letter(Rank.QUESTION, "question", thread="x", row=5))
    gone = waiting.add(letter(Rank.EDIT, "card", thread="x"))
    assert [item.row for item in gone] == [5]
    waiting.add(letter(Rank.NORMAL, "other"))
    assert drain(waiting) == ["card", "other"]


def test_given_back_it_stands_where_it_stood():
    """A message that failed does not lose its place to a later one."""
    waiting = Waiting()
    waiting.add(letter(Rank.NORMAL, "first"))
    waiting.add(letter(Rank.NORMAL, "second"))
    first = waiting.head(ALL, 0.0, ())
    assert first is not None
    waiting.remove(first)
    assert waiting.give_back(first) is None
    assert drain(waiting) == ["first", "second"]


def test_given_back_after_a_newer_one_it_is_superfluous():
    """The newer words of the thread stay, at the more urgent rank of the two."""
    waiting = Waiting()
    waiting.add(letter(Rank.QUESTION, "question", thread="x", row=5))
    question = waiting.head(ALL, 0.0, ())
    assert question is not None
    waiting.remove(question)
    waiting.add(letter(Rank.EDIT, "card", thread="x"))
    assert waiting.give_back(question) == question
    head = waiting.head(ALL, 0.0, ())
    assert head is not None
    assert (head.page.html, head.rank) == ("card", Rank.QUESTION)


def test_a_thread_in_flight_is_passed_over():
    """Its card waits until it is known which message it became."""
    waiting = Waiting()
    waiting.add(letter(Rank.REPLY, "card", thread="x"))
    waiting.add(letter(Rank.NORMAL, "other"))
    head = waiting.head(ALL, 0.0, {"x"})
    assert head is not None
    assert head.page.html == "other"


def test_what_rests_after_a_failure_is_passed_over():
    """Until its time has come; the queue tells when that is."""
    waiting = Waiting()
    waiting.add(letter(Rank.HIGH, "resting", not_before_s=5.0))
    assert waiting.head(ALL, 4.9, ()) is None
    assert waiting.next_due_s(ALL, 4.9) == 5.0
    assert waiting.head(ALL, 5.0, ()) is not None
    assert waiting.next_due_s(ALL, 5.0) is None


def test_too_late_is_taken_out():
    """An expired question is not asked."""
    waiting = Waiting()
    waiting.add(Outgoing(Rank.QUESTION, Page("old"), 0.0, 60.0))
    assert waiting.expired(59.9) == []
    assert [item.page.html for item in waiting.expired(60.0)] == ["old"]
    assert len(waiting) == 0


def test_a_full_queue_lets_go_of_the_quietest_and_oldest():
    """A HIGH alert is never what is dropped while anything quieter waits."""
    waiting = Waiting()
    for n in range(WAITING_LIMIT):
        waiting.add(letter(Rank.NORMAL, f"n{n}"))
    gone = waiting.add(letter(Rank.HIGH, "high"))
    assert [item.page.html for item in gone] == ["n0"]
    assert waiting.count(Rank.HIGH) == 1
    assert len(waiting) == WAITING_LIMIT


def test_the_last_of_the_burst_belong_to_high():
    """After chatter has had its share, three more HIGH alerts go out at once."""
    budget = Budget()
    chatter = sum(budget.take(Rank.NORMAL, 0.0) for _ in range(10))
    assert chatter == 2
    assert [budget.take(Rank.HIGH, 0.0) for _ in range(4)] == [True, True, True, False]


def test_a_person_is_answered_at_once_although_chatter_goes_on():
    """Two replies fit into what chatter must leave."""
    budget = Budget()
    while budget.take(Rank.NORMAL, 0.0):
        pass
    assert [budget.take(Rank.REPLY, 0.0) for _ in range(3)] == [True, True, False]
    assert budget.take(Rank.HIGH, 0.0)


def test_edits_come_slowly_even_with_budget_to_spare():
    """One in five seconds."""
    budget = Budget()
    assert budget.take(Rank.EDIT, 0.0)
    assert budget.wait_s(Rank.EDIT, 3.0) == pytest.approx(EDIT_EVERY_S - 3.0)
    assert budget.take(Rank.EDIT, EDIT_EVERY_S)


def test_a_flood_wait_is_obeyed_by_all_and_leaves_one():
    """For as long as Telegram says nothing is sent; then the most urgent goes first, alone."""
    budget = Budget()
    budget.block(30.0, 0.0)
    assert not budget.take(Rank.HIGH, 29.9)
    assert budget.wait_s(Rank.HIGH, 10.0) == pytest.approx(20.0)
    assert budget.take(Rank.HIGH, 30.0)
    assert not budget.take(Rank.HIGH, 30.0)


def test_the_greediest_sends_ten_in_ten_seconds():
    """A HIGH alert tried ten times a second gets the burst, then one every two seconds."""
    budget = Budget()
    sent = [tenth / 10 for tenth in range(600) if budget.take(Rank.HIGH, tenth / 10)]
    assert max(sum(start_s <= at_s < start_s + 10.0 for at_s in sent) for start_s in sent) == 9
    assert len(sent) == BURST + 29


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(Rank)), max_size=300))
def test_never_more_than_ten_in_ten_seconds(tries: list[tuple[float, Rank]]):
    """Whatever is tried when, any ten seconds see at most ten messages."""
    budget = Budget()
    now_s, sent = 0.0, []
    for wait_s, rank in tries:
        now_s += wait_s
        if budget.take(rank, now_s):
            sent.append(now_s)
    for start_s in sent:
        assert sum(start_s <= at_s < start_s + 10.0 - 1e-4 for at_s in sent) <= 10


@given(st.lists(st.tuples(st.floats(0, 4), st.sampled_from(Rank)), max_size=60), st.sampled_from(Rank))
def test_who_waits_as_long_as_told_may_send(tries: list[tuple[float, Rank]], rank: Rank):
    """The wait that the budget names is enough when nobody else spends meanwhile."""
    budget = Budget()
    now_s = 0.0
    for wait_s, other in tries:
        now_s += wait_s
        budget.take(other, now_s)
    assert budget.take(rank, now_s + budget.wait_s(rank, now_s) + 1e-5)


def test_a_whole_burst_lets_every_rank_send():
    """No reserve is larger than the burst leaves."""
    assert all(1 + reserve <= BURST for reserve in RESERVE.values())


def test_living_messages_share_one_slow_budget_of_their_own():
    """Six a minute, and only while the burst is whole: nobody else waits for them."""
    budget = Budget()
    assert budget.take(Rank.DRIFT, 0.0)
    assert not budget.take(Rank.TURN, LIVE_EVERY_S - 0.1)
    assert budget.take(Rank.TURN, LIVE_EVERY_S)
    assert budget.take(Rank.NORMAL, 2 * LIVE_EVERY_S)
    assert not budget.take(Rank.DRIFT, 2 * LIVE_EVERY_S + 1.0)


def test_a_flood_wait_for_an_edit_rests_what_changes_by_itself_alone():
    """Alerts, questions and replies are tried; a short wait still gives living messages a minute's rest."""
    budget = Budget()
    budget.block_edits(20.0, 0.0)
    assert budget.wait_s(Rank.EDIT, 0.0) == 20.0
    assert budget.wait_s(Rank.TURN, 0.0) == FLOODED_REST_S
    assert all(budget.take(rank, 0.0) for rank in (Rank.HIGH, Rank.QUESTION, Rank.REPLY))
