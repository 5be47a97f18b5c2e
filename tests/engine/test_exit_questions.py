"""Questions about exits: what they show, how they follow prices, and which yes counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.effects import Alert, Answer, Ask, Card
from engine.messages import Tap
from engine.model import Mode
from engine.shown import Tolerance
from engine.tuning import AskTuning
from tests.engine.makers import condors, strangle
from tests.support.rig import OWNER, Rig, frozen

ENTRY = (20, 45, 40, 18)
#: A cost of 91 × 65 rupees in place of 47: 2,860 rupees more.
FAR = (20, 67, 62, 18)
#: Beyond the default stop at −₹4,972.50, and farther.
LOSS = (20, 85, 85, 18)
WORSE = (20, 115, 105, 18)


class Asking(Rig):
    """A rig whose questions are asked as told."""

    def __init__(self, mode=Mode.SEMI_AUTO, *positions, asking=None, **more):
        self.asking = asking or AskTuning()
        super().__init__(mode, *positions, **more)


def asked(*positions, mode=Mode.SEMI_AUTO, mids=ENTRY):
    """A rig on which somebody wrote /exit."""
    rig = Asking(mode, *positions)
    rig.wait(1, *mids)
    rig.command(strategy_id=3359)
    return rig


def stopped(**more):
    """A rig whose stop is asked about."""
    rig = Asking(Mode.SEMI_AUTO, **more)
    rig.wait(1, *ENTRY)
    while not rig.of(Ask):
        rig.wait(0.5, *LOSS)
    return rig


def press(rig, edition, ask=None):
    """Press the yes of an edition, whatever the newest is."""
    nonce = (ask or rig.of(Ask)[-1]).nonce
    rig.tell(Tap(nonce, yes=True, by=OWNER, callback_id="c", edition=edition))
    return rig.of(Answer)[-1].text


def fresh(rig):
    """Questions, each counted once."""
    return [ask for ask in rig.of(Ask) if not ask.again]


def reminders(rig):
    """Alerts about a stop that waits."""
    return [alert for alert in rig.of(Alert) if "Yes or no?" in alert.text]


def test_the_card_says_what_goes_when_at_which_price_and_at_what_cost():
    """Shorts before longs, fills through the book, charges and slippage, what is left, the hedge."""
    assert asked().of(Ask)[0].lines == (
        "Shorts first, then longs",
        "1 NIFTY 24 FEB 24700 PE",
        "  BUY 65 at about 45.05",
        "2 NIFTY 24 FEB 25300 CE",
        "  BUY 65 at about 40.05",
        "3 NIFTY 24 FEB 24500 PE",
        "  SELL 65 at about 19.95",
        "4 NIFTY 24 FEB 25500 CE",
        "  SELL 65 at about 17.95",
        "P&L now ₹0.00",
        "Charges ₹99.76",
        "Slippage ₹13.00",
        "Closed now, net −₹112.76",
        "Unhedged: about 0 s, limit 20 s",
        "No answer: nothing is sent",
    )


def test_slices_thin_books_and_a_naked_position_are_said():
    """More than one order may take, more than the depth shows; the naked one is no less naked for waiting."""
    rig = Asking(Mode.SEMI_AUTO, frozen(strangle(), 65 * 2))
    rig.wait(1, 45, 55)
    rig.command()
    assert "Naked already; less by each fill" in rig.of(Ask)[0].lines
    rig = asked(frozen(condors(400), 1_300))
    lines = rig.of(Ask)[0].lines
    assert lines.count("  in 20 orders") == 4
    assert lines.count("  depth shows 10000 of 26000") == 4


def test_prices_that_move_draw_the_card_anew_within_the_budget():
    """Half the tolerance is news, every five seconds at most; the same message, another edition."""
    rig = asked()
    rig.wait(12, *ENTRY)
    assert len(rig.of(Ask)) == 1
    rig.wait(2, *FAR)
    rig.wait(20, *FAR)
    (first, second) = rig.of(Ask)
    assert (second.nonce, second.again, second.edition) == (first.nonce, True, 1)
    assert "  BUY 65 at about 67.05" in second.lines
    for wave in range(16):
        rig.wait(1, *(ENTRY if wave % 2 else FAR))
    assert len(rig.of(Ask)) <= 2 + 4


def test_a_yes_to_what_still_holds_counts():
    """Nothing has moved: one press."""
    rig = asked()
    assert press(rig, 0) == "Exiting."
    rig.wait(5, *ENTRY)
    assert rig.flat


def test_a_yes_to_old_figures_is_asked_about_once_more_and_then_counts():
    """The first yes sends nothing and says so; the buttons are offered again, with the new figures."""
    rig = asked()
    rig.quotes(*FAR)
    assert press(rig, 0) == "Not sent: prices have moved. Look again."
    again = rig.of(Ask)[-1]
    assert (again.anew, again.edition, again.lines[0]) == (True, 1, "Prices have moved: look again.")
    assert not rig.placed
    assert press(rig, 1) == "Exiting."
    rig.wait(5, *FAR)
    assert rig.flat


def test_a_second_yes_that_is_far_off_too_ends_the_question():
    """No loop: a person's own wish is void, and can be asked anew."""
    rig = asked()
    rig.quotes(*FAR)
    press(rig, 0)
    rig.quotes(*LOSS)
    assert press(rig, 1) == "Prices have moved again; nothing was sent. /exit asks anew."
    assert rig.of(Card)[-1].final
    assert press(rig, 1) == "Already decided or too old."
    assert not rig.placed


def test_a_second_yes_to_a_stop_counts_at_any_price():
    """Who has said yes to a stop twice wants out."""
    rig = stopped()
    rig.quotes(*WORSE)
    assert press(rig, 0).startswith("Not sent")
    rig.quotes(20, 150, 150, 18)
    assert press(rig, 1) == "Exiting."
    rig.wait(20, 20, 150, 150, 18)
    assert rig.flat


OLD = "Not sent: these figures are old. Look at the new ones."


@pytest.mark.parametrize(("rig", "mids"), [(asked, FAR), (stopped, WORSE)])
def test_a_double_tap_has_not_seen_the_new_figures(rig, mids):
    """The second press carries the old edition too: it counts for nothing, and the question stays."""
    rig = rig()
    rig.quotes(*mids)
    assert press(rig, 0).startswith("Not sent: prices have moved")
    drawn = len(rig.of(Ask))
    for _ in range(3):
        assert press(rig, 0) == OLD
    rig.wait(2, *mids)
    assert not rig.placed
    assert len(rig.of(Ask)) == drawn
    assert press(rig, rig.of(Ask)[-1].edition) == "Exiting."


def test_an_old_button_counts_for_nothing_also_where_its_figures_hold_again():
    """After a second look was asked for it takes one."""
    rig = asked()
    rig.quotes(*FAR)
    press(rig, 0)
    rig.quotes(*ENTRY)
    assert press(rig, 0) == OLD
    assert not rig.placed


def test_whoever_presses_an_old_button_later_is_shown_the_figures_once_more():
    """The new card may be lost on the way; but not drawn more often than the budget allows."""
    rig = stopped()
    rig.quotes(*WORSE)
    press(rig, 0)
    rig.wait(6, *WORSE)
    drawn = len(rig.of(Ask))
    assert [press(rig, 0), press(rig, 0)] == [OLD, OLD]
    (again,) = rig.of(Ask)[drawn:]
    assert (again.anew, again.edition) == (True, 2)
    assert press(rig, 1) == "Exiting."


def test_a_restart_remembers_which_editions_were_drawn_after_the_first_yes():
    """A double tap with a restart between is one too."""
    rig = stopped()
    rig.quotes(*WORSE)
    press(rig, 0)
    rig.start()
    rig.wait(1, *WORSE)
    assert press(rig, 0) == OLD
    assert press(rig, 1) == "Exiting."


def test_an_edition_that_nobody_drew_has_shown_nothing():
    """A made-up number is asked about like an old one, and never counts as a new one."""
    rig = stopped()
    assert press(rig, 77).startswith("Not sent: prices")
    assert press(rig, 77) == OLD
    assert not rig.placed


def test_what_was_asked_once_more_can_be_answered_for_a_while():
    """A yes in the last second does not leave one second for the next."""
    rig = asked()
    rig.wait(59, *ENTRY)
    rig.quotes(*FAR)
    press(rig, max(ask.edition for ask in rig.of(Ask)))
    rig.wait(25, *FAR)
    assert press(rig, max(ask.edition for ask in rig.of(Ask))) == "Exiting."


def test_a_restart_forgets_neither_what_was_shown_nor_that_it_was_asked_again():
    """The editions come back from the journal, and so does the one more chance that is used up."""
    rig = asked()
    rig.quotes(*FAR)
    press(rig, 0)
    rig.start()
    rig.quotes(*LOSS)
    assert press(rig, 1).startswith("Prices have moved again")


def test_a_question_of_an_older_version_is_drawn_anew_and_asked_about_once_more():
    """Its journal does not say what was shown: a yes to that counts for nothing yet."""
    rig = asked()
    (row,) = rig.journal["confirmation"].values()
    del row["shown"], row["again"]
    rig.start()
    rig.wait(1, *ENTRY)
    assert press(rig, 0).startswith("Not sent")
    assert press(rig, rig.of(Ask)[-1].edition) == "Exiting."


def test_a_price_that_is_gone_is_asked_about_and_does_not_stop_the_second_yes():
    """No price was shown, none is known: nothing has moved, and the orders wait for quotes."""
    rig = Asking(Mode.SEMI_AUTO)
    rig.command(strategy_id=3359)
    ask = rig.of(Ask)[0]
    assert ask.lines.count("  BUY 65 at about price unknown") == 0
    assert "  BUY 65, price unknown" in ask.lines
    assert press(rig, 0) == "Exiting."


@pytest.mark.parametrize(
    ("rig", "lines"),
    [
        (asked, ("No answer: nothing is sent",)),
        (stopped, ("No answer: reminded, asked again",)),
        (
            lambda: stopped(asking=AskTuning(stop_exits=True)),
            ("No answer: reminded, asked again", "Unanswered 3x more: it exits"),
        ),
    ],
)
def test_what_happens_without_an_answer_stands_on_the_card(rig, lines):
    """By whose wish it is, and by what the owner has set."""
    assert rig().of(Ask)[0].lines[-len(lines) :] == lines


def test_a_profit_that_nobody_answers_is_held():
    """And says for how long."""
    rig = Asking(Mode.SEMI_AUTO)
    rig.wait(1, *ENTRY)
    rig.wait(3, 8, 20, 14, 6)
    assert rig.of(Ask)[0].lines[-1] == "No answer: held, 30 min"


def test_a_stop_that_waits_reminds_once_and_is_asked_again():
    """Half a minute before the end, aloud."""
    rig = stopped()
    rig.wait(29, *LOSS)
    assert not reminders(rig)
    rig.wait(25, *LOSS)
    assert len(reminders(rig)) == 1
    rig.wait(20, *LOSS)
    assert len(fresh(rig)) == 2


def test_a_stop_asked_about_in_vain_acts_by_itself_only_where_the_owner_wants_that():
    """Three questions, then the exit if it is still met; else questions without end."""
    rig = stopped(asking=AskTuning(stop_exits=True))
    rig.wait(250, *LOSS)
    assert len(fresh(rig)) == 3
    assert rig.flat
    rig = stopped()
    rig.wait(250, *LOSS)
    assert len(fresh(rig)) >= 4
    assert not rig.placed


def test_an_answer_makes_the_count_of_vain_questions_begin_anew():
    """Not now is an answer."""
    rig = stopped(asking=AskTuning(stop_exits=True))
    rig.wait(125, *LOSS)
    rig.tap(fresh(rig)[-1].nonce, yes=False)
    rig.wait(320, *LOSS)
    assert "Unanswered 3x more: it exits" in fresh(rig)[-1].lines
    assert not rig.placed


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(25, 90), st.booleans(), st.integers(0, 3)), min_size=1, max_size=8))
def test_whatever_is_pressed_when_what_is_sent_was_shown_or_asked_again(steps):
    """The figures pressed are within the tolerance of the moment, or the question was put once more."""
    rig, tolerance = asked(), Tolerance()
    costs, again = {}, False
    for short, taps, back in steps:
        rig.quotes(20, short, short, 18)
        for ask in rig.of(Ask):
            if ask.nonce == rig.of(Ask)[0].nonce:  # a rule may ask too
                costs.setdefault(ask.edition, _cost(ask))
        if not taps:
            rig.wait(1, 20, short, short, 18)
            continue
        edition = max(max(costs) - back, 0)
        now = 65 * (2 * (short + 0.05) - 19.95 - 17.95)
        said = press(rig, edition, rig.of(Ask)[0])
        share = 65 * 2 * (short + 60) * 0.03
        if said == "Exiting.":
            assert abs(costs[edition] - now) <= max(tolerance.paise / 100, share) + 0.01
            break
        if "decided" in said or "again; nothing" in said:
            assert again or not rig.placed
            break
        again = True
        assert not rig.placed


def _cost(ask):
    """What the card says the exit costs, in rupees."""
    total = 0.0
    for line in ask.lines:
        if " at about " in line:
            side, units, *_, price = line.split()
            total += int(units) * float(price) * (1 if side == "BUY" else -1)
    return total
