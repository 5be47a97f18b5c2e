"""The margin forecast: which steps are asked about, what is said, and that no answer is waited for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.broker_nouns import MarginStep, Product
from engine.effects import Ask, QueryMargin
from engine.margin import MOST_STEPS, baskets_of, forecast, stages_of
from engine.messages import MarginKnown, Wish
from engine.model import Mode, Side
from engine.plan import plan_exit
from engine.pricing import Touch
from tests.engine.makers import condor, leg, position, strangle
from tests.support.rig import Rig

MIDS = (20, 45, 40, 18)
TOUCH = Touch(1_000, 1_010, 1_005)


def stages(held=None):
    """The stages of a position's exit, every contract at the same prices."""
    return stages_of([(plan, TOUCH) for plan in plan_exit(held or condor())])


def test_purchases_are_one_stage_and_each_sale_its_own():
    """Shorts first, as the exit goes; each at the side it will trade at."""
    bought, first, second = stages()
    assert [step.side for step in bought.steps] == [Side.BUY, Side.BUY]
    assert [s.price_paise for s in (*bought.steps, *first.steps)] == [1_010, 1_010, 1_000]
    assert (bought.first, first.first, second.first) == (1, 3, 4)
    assert second.words == "step 4 (SELL NIFTY 24 FEB 25500 CE)"


def test_what_is_asked_grows_step_by_step_from_a_pair_that_changes_nothing():
    """So that only differences count."""
    nothing, *rest = baskets_of(stages())
    assert [(step.side, step.quantity) for step in nothing] == [(Side.BUY, 65), (Side.SELL, 65)]
    assert nothing[0].key == nothing[1].key
    assert [len(basket) for basket in rest] == [2, 3, 4]


def test_a_pair_that_changes_nothing_begins_with_a_sale_where_nothing_is_bought():
    """A long alone may be the hedge of another position."""
    nothing, alone = baskets_of(stages(position(leg(65, 24500, "CE", 20))))
    assert [step.side for step in nothing] == [Side.SELL, Side.BUY]
    assert [step.side for step in alone] == [Side.SELL]


def test_many_sales_are_a_handful_of_questions():
    """The last of them together; what was traded already is not counted again."""
    held = position(*[leg(65, 24000 + 50 * n, "CE", 20) for n in range(9)])
    plans = plan_exit(held)
    plans[0].before = plans[0].quantity
    made = stages_of([(plan, TOUCH) for plan in plans])
    assert [len(stage.steps) for stage in made] == [1, 1, 1, 5]
    assert made[-1].words == "steps 4 to 8"


def test_an_exit_that_only_buys_back_has_nothing_to_ask():
    """Closing a short is taken without asking for money."""
    assert stages(strangle()) == ()


def test_a_contract_without_a_price_is_asked_about_at_its_last_or_its_tick():
    """No price is no reason to ask nothing."""
    plans = plan_exit(position(leg(65, 24500, "CE", 20)))
    prices = [stages_of([(plans[0], Touch(None, None, ltp))])[0].steps[0].price_paise for ltp in (700, 0)]
    assert prices == [700, 5]


@pytest.mark.parametrize(
    ("free_paise", "margins", "line"),
    [
        (200_000, (900_000, 0, 0, 0), "Margin: enough at each step"),
        (0, (900_000, 0, 0, 0), "Margin: enough at each step"),
        (200_000, (900_000, 500_000, 500_000, 500_000), "Margin: enough at each step"),
        # the purchases cost 1,31,300, so 68,700 are left for what the first sale uncovers
        (200_000, (0, 0, 68_700, 0), "Margin: enough at each step"),
        (
            200_000,
            (0, 0, 68_800, 0),
            "Margin: step 3 (SELL NIFTY 24 FEB 24500 PE) would need ₹1.00 more than is free",
        ),
        (
            200_000,
            (0, 0, 68_700, 168_700),
            "Margin: step 4 (SELL NIFTY 24 FEB 25500 CE) would need ₹1,000.00 more than is free",
        ),
        (200_000, (0, 200_100, 0, 0), "Margin: steps 1 to 2 would need ₹1.00 more than is free"),
        # an account that owes has nothing free, and what frees margin is not refused
        (-500_000, (0, 0, 0, 0), "Margin: enough at each step"),
        (
            -500_000,
            (0, 0, 100, 0),
            "Margin: step 3 (SELL NIFTY 24 FEB 24500 PE) would need ₹1.00 more than is free",
        ),
    ],
)
def test_the_first_step_that_lacks_margin_is_named(free_paise, margins, line):
    """What buying back frees counts, its premium too; what a sale brings does not."""
    assert forecast(stages(), free_paise, margins) == line


@pytest.mark.parametrize("extra", [0, 700_000])
def test_margin_of_the_whole_account_and_of_the_orders_alone_say_the_same(extra):
    """Only differences count."""
    margins = tuple(extra + each for each in (0, 0, 68_800, 0))
    assert "step 3" in forecast(stages(), 200_000, margins)


# ------------------------------------------------------------------------------- in the machine


class Desk(Rig):
    """A monitor whose questions on margin are answered as told; ``None`` = never."""

    def __init__(self, mode=Mode.SEMI_AUTO, *positions, answer=None):
        self.answer, self.queries = answer, []
        super().__init__(mode, *positions)

    def ask_the_world(self, effect):
        if isinstance(effect, QueryMargin):
            self.queries.append(effect)
            return [] if self.answer is None else [replace(self.answer, nonce=effect.nonce)]
        return super().ask_the_world(effect)


def asked(answer, mode=Mode.SEMI_AUTO, *positions):
    """A desk with quotes, on which somebody asked to exit."""
    desk = Desk(mode, *positions, answer=answer)
    desk.quotes(*MIDS[: len(desk.legs)])
    desk.command()
    return desk


ENOUGH = MarginKnown("", 10_000_000, (0, 0, 0, 0))


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (ENOUGH, "Margin: enough at each step"),
        (replace(ENOUGH, margins_paise=(9_000_000, 0, 0, 0)), "at each step, ₹90,000.00 freed"),
        (replace(ENOUGH, margins_paise=(0, 0, 0, 90_000_000)), "step 4"),
        (MarginKnown("", failed="no answer"), "Margin could not be asked"),
        (replace(ENOUGH, margins_paise=(0, 0)), "Margin could not be asked"),
    ],
)
def test_the_question_gets_one_line_more(answer, line):
    """The same question: its buttons and its end stay."""
    first, again = asked(answer).of(Ask)
    assert line in again.lines[-2]
    assert again == replace(first, lines=again.lines, again=True, edition=1)
    assert (*again.lines[:-2], again.lines[-1]) == first.lines


@pytest.mark.parametrize("mode", [Mode.SEMI_AUTO, Mode.EXECUTE])
def test_an_answer_that_never_comes_holds_nothing_up(mode):
    """Yes is yes."""
    desk = asked(None, mode)
    (ask,) = desk.of(Ask)
    desk.tap(ask.nonce)
    desk.wait(5, *MIDS)
    assert len(desk.queries) == 1
    assert desk.flat


def test_an_answer_after_the_decision_changes_no_message():
    """The question is gone; its message is the exit's card."""
    desk = asked(None)
    desk.tap(desk.of(Ask)[0].nonce)
    desk.tell(replace(ENOUGH, nonce=desk.queries[0].nonce))
    desk.tell(replace(ENOUGH, nonce="never-asked"))
    assert len(desk.of(Ask)) == 1


def test_a_rule_that_acts_asks_nobody_for_margin():
    """Execute mode's own exits never wait, and do not even ask."""
    desk = Desk(Mode.EXECUTE, answer=ENOUGH)
    desk.quotes(20, 200, 200, 18)
    desk.wait(5, 20, 200, 200, 18)
    assert desk.placed
    assert desk.queries == []


def test_on_paper_there_is_no_account_to_ask():
    """And no line."""
    desk = asked(ENOUGH, Mode.SIMULATE)
    assert (len(desk.of(Ask)), desk.queries) == (1, [])
    assert not any("argin" in line for line in desk.of(Ask)[0].lines)


def test_an_exit_that_only_buys_back_says_so_at_once():
    """Without a question to the broker."""
    desk = asked(ENOUGH, Mode.SEMI_AUTO, strangle())
    assert desk.of(Ask)[0].lines[-2] == "Margin: buying back needs none"
    assert desk.queries == []


def test_a_house_full_of_legs_is_not_asked_about():
    """The answer would come too late."""
    many = [position(leg(65, 20_000 + 50 * n, "CE", 20), strategy_id=n + 1) for n in range(MOST_STEPS + 1)]
    desk = Desk(Mode.SEMI_AUTO, *many, answer=ENOUGH)
    desk.command()
    assert (len(desk.of(Ask)), desk.queries) == (1, [])


def test_a_step_names_what_would_be_ordered():
    """Contract, side, units, product, price."""
    desk = asked(ENOUGH)
    step = desk.queries[0].baskets[1][0]
    short = desk.legs[1]
    assert step == MarginStep(short.key, Side.BUY, 65, Product.MARGIN, 4_505)
    assert desk.placed == []
    assert desk.of(Ask)[0].wish is Wish.EXIT
