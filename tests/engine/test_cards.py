"""The lines of a question."""

from __future__ import annotations

from engine.cards import preview_lines


def test_a_question_says_what_closing_now_would_leave_beside_the_mark():
    """The two amounts stand under each other; what is not known of the second is left out."""
    assert preview_lines([], 154_000, 122_760) == (
        "P&L now +₹1,540.00",
        "Closed now, net +₹1,227.60",
    )
    assert preview_lines([], 154_000, None) == ("P&L now +₹1,540.00",)
    assert preview_lines([], None, None) == ("P&L now unknown",)
