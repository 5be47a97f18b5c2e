"""What the broker holds and no row names: offered once, never doubled, watched only after a yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.broker_nouns import BrokerFill, HeldContract
from engine.effects import AddTrades, Alert, Answer, Ask, Card, Say
from engine.messages import Beat, BeatKind, Command, HeldAtBroker, Wish
from engine.model import Leg, Mode, Segment, Side, instrument_key
from tests.engine.makers import OPENED, condor, leg, option, position, strangle
from tests.support.rig import OWNER, Rig, rows_of

MIDS = (20, 45, 40, 18)


def _trading_symbol(made):
    return f"{made.symbol}-{made.expiry:%b%Y}-{made.strike_paise // 100}-{made.right}"


class Bare(Rig):
    """A rig whose account holds what it is given, and whose trade store is empty."""

    extra: tuple[HeldContract, ...] = ()
    fills: tuple[BrokerFill, ...] = ()
    store_is_locked = False

    def start(self):
        if not self.journal:
            self.rows, self.waiting = [], []
        super().start()

    def do(self, effect):
        if isinstance(effect, AddTrades) and self.store_is_locked:
            self.waiting.append(effect)
            return []
        return super().do(effect)

    def read(self, times=2):
        """What `engine.io.held` posts."""
        legs = {leg.key: leg for leg in self.legs}
        held = [
            HeldContract(
                one.key, one.net_quantity, legs[one.key].entry_price_paise,
                trading_symbol=_trading_symbol(legs[one.key].instrument),
            )
            for one in self.exchange.positions()
        ]  # fmt: skip
        for _ in range(times):
            self.now_s += 2
            self.tell(HeldAtBroker((*held, *self.extra), self.fills))

    @property
    def offers(self):
        """The questions that are open, as last asked."""
        open_ = {q.nonce for q in self.monitor.dialogue.questions.pending()}
        return [ask for ask in self.of(Ask) if ask.nonce in open_]

    def group(self, words=""):
        self.tell(Command(Wish.GROUP, OWNER, value=words))
        return self.said[-1]


def test_an_accepted_offer_is_watched_and_priced_with_its_rules():
    """The condor is offered by its name; one yes writes four rows, and its stop stands guard."""
    rig = Bare(Mode.EXECUTE)
    rig.read()
    (ask,) = rig.offers
    assert ask.title == "Watch 1 · NIFTY Iron Condor?"
    assert (ask.yes, ask.no) == ("Accept", "Leave out")
    assert "1. NIFTY 24 FEB 24500 PE  +65  at ₹20.00" in "\n".join(ask.lines)
    assert "Net premium +₹3,055.00" in ask.lines
    assert not rig.rows
    assert "not watched before you accept it (/group): NIFTY Iron Condor" in rig.view.troubles[0]
    rig.tap(ask.nonce)
    assert rig.of(Answer)[-1].text == "Accepted."
    assert rig.view.troubles == ()
    held = {(row.type, row.strike_price_paise // 100): row.action.sign * row.quantity for row in rig.rows}
    assert held == {("PE", 24500): 65, ("PE", 24700): -65, ("CE", 25300): -65, ("CE", 25500): 65}
    rig.wait(3, *MIDS)
    (seen,) = rig.view.positions
    assert (seen.strategy, seen.strategy_id, seen.pnl_paise) == ("Iron Condor", 26020301, 0)
    assert any(threshold.rule == "stop_loss" for threshold in seen.thresholds)
    rig.wait(5, 6, 10, 190, 60)
    rig.wait(60, 6, 10, 190, 60)
    assert rig.flat
    rig.read(3)
    assert not rig.offers


@pytest.mark.parametrize("mode", list(Mode))
def test_nothing_is_sent_or_written_without_a_yes(mode):
    """An offer alone changes nothing in any mode, however often it is read; it is made once."""
    rig = Bare(mode)
    rig.read(5)
    assert len(rig.of(Ask)) == 1
    assert not rig.rows
    assert not rig.placed
    assert not rig.view.positions


def test_one_read_alone_offers_nothing():
    """After a trade the position list lags: two reads must agree."""
    rig = Bare()
    rig.read()
    rig.tap(rig.offers[0].nonce, yes=False)
    rig.exchange.hold({leg.key: -leg.quantity for leg in rig.legs})
    rig.read(1)
    assert not rig.offers
    rig.read(1)
    assert len(rig.offers) == 1


def test_what_rows_name_is_left_out_and_the_rest_is_offered():
    """Two of four legs are rows of another strategy: only the other two are offered."""
    rig = Bare()
    rig.rows = rows_of(condor())[:2]
    rig.tell(Beat(BeatKind.SYNC))
    rig.read()
    (ask,) = rig.offers
    assert ask.title == "Watch 1 · NIFTY Bear Call Spread?"


def test_rows_that_cannot_be_watched_cover_their_contract_too():
    """A row with a wrong security id, or none that fits, means some contract: that one is not doubled."""
    wrong = [replace(row, security_id=row.security_id + 1) for row in rows_of(condor())]
    rig = Bare()
    rig.rows = wrong
    rig.tell(Beat(BeatKind.SYNC))
    rig.read()
    assert not rig.offers
    rig.rows = [replace(wrong[0], security_id=0, strike_price_paise=1)]
    rig.tell(Beat(BeatKind.SYNC))
    rig.read()
    assert not rig.offers


def test_a_store_that_was_never_read_covers_everything():
    """Not knowing the rows is not having none."""
    rig = Bare()
    rig.store_answers = False
    rig.journal = {"x": {}}
    rig.start()
    rig.read()
    assert not rig.offers


def test_what_is_left_out_stays_so_over_a_restart_until_it_is_another_quantity():
    """No, restart, no offer; a second lot is news; and /group again brings back what was declined."""
    rig = Bare()
    rig.read()
    rig.tap(rig.offers[0].nonce, yes=False)
    assert rig.of(Card)[-1].title == "Left out: 1 · NIFTY Iron Condor"
    rig.read(3)
    rig.start()
    rig.read(3)
    assert not rig.offers
    assert "4 contracts were left out" in rig.group().text
    assert "offered again" in rig.group("again").text
    rig.read()
    (ask,) = rig.offers
    rig.tap(ask.nonce, yes=False)
    rig.exchange.hold({leg.key: 2 * leg.quantity for leg in rig.legs})
    rig.read()
    (ask,) = rig.offers
    assert all("130" in line for line in ask.lines[:4])
    rig.exchange.hold({leg.key: 0 for leg in rig.legs})
    rig.read()
    rig.exchange.hold({leg.key: leg.quantity for leg in rig.legs})
    rig.read()
    assert len(rig.offers) == 1  # closed and opened again: a new position


def test_an_empty_answer_is_not_believed_at_once():
    """A list that is empty for a moment withdraws no offer and forgets no answer; one that stays so does."""
    rig = Bare()
    rig.read()
    (old,) = rig.offers
    for times in (3, 4):
        for _ in range(times):
            rig.tell(HeldAtBroker((), ()))
        rig.read(2)
    assert rig.of(Ask).count(old) == 1
    (new,) = rig.offers
    assert new != old
    rig.tap(new.nonce, yes=False)
    for _ in range(9):
        rig.tell(HeldAtBroker((), ()))
    rig.start()
    rig.tell(HeldAtBroker((), ()))
    rig.read(3)
    assert not rig.offers


def test_a_changed_holding_withdraws_the_offer_and_makes_a_new_one():
    """Somebody closes a leg in the app while the question is open: yes to the old one does nothing."""
    rig = Bare(Mode.EXECUTE, strangle())
    rig.read()
    (old,) = rig.offers
    rig.exchange.hold({rig.legs[0].key: 0, rig.legs[1].key: -65})
    rig.read()
    (new,) = rig.offers
    assert new.title == "Watch 2 · NIFTY Short Call?"
    assert rig.of(Card)[-1].title == "Withdrawn: 1 · NIFTY Short Strangle"
    rig.tap(old.nonce)
    assert not rig.rows


def test_rows_that_came_meanwhile_make_a_yes_void():
    """The owner imports the rows while the question is open: nothing is doubled."""
    rig = Bare()
    rig.read()
    (ask,) = rig.offers
    rig.rows = rows_of(condor())
    rig.tell(Beat(BeatKind.SYNC))
    rig.tap(ask.nonce)
    assert rig.of(Answer)[-1].alarm
    assert len(rig.rows) == 4
    rig.read(3)
    assert not rig.offers


def test_after_a_restart_an_old_question_is_withdrawn_and_asked_anew():
    """A yes given to the process before cannot be lost halfway; a tap on the old card says so."""
    rig = Bare()
    rig.read()
    (old,) = rig.offers
    rig.start()
    rig.tap(old.nonce)
    assert "started anew" in rig.of(Answer)[-1].text
    rig.start()
    rig.read()
    (new,) = rig.offers
    assert new.nonce != old.nonce
    rig.tap(new.nonce)
    assert len(rig.rows) == 4
    rig.start()
    rig.read(3)
    assert not rig.offers


def test_rows_on_their_way_into_the_store_are_not_offered_again():
    """The store is locked by another program: what was accepted waits, and is not asked about twice."""
    rig = Bare()
    rig.store_is_locked = True
    rig.read()
    rig.tap(rig.offers[0].nonce)
    rig.read(4)
    assert not rig.offers
    rig.store_is_locked = False
    for message in rig.do(rig.waiting[0]):
        rig.tell(message)
    rig.exchange.hold({leg.key: 0 for leg in rig.legs})
    rig.read()
    rig.exchange.hold({leg.key: leg.quantity for leg in rig.legs})
    rig.rows = []
    for _ in range(3):
        rig.tell(Beat(BeatKind.SYNC))
    rig.read()
    assert len(rig.offers) == 1


def test_what_an_exit_is_trading_is_not_offered():
    """Somebody deletes the rows while their exit runs: its contracts are its own until it has ended."""
    rig = Bare(Mode.EXECUTE)
    rig.read()
    rig.tap(rig.offers[0].nonce)
    rig.read()
    rig.command(confirmed=True)
    rig.rows = []
    for _ in range(3):
        rig.tell(Beat(BeatKind.SYNC))
    rig.read(3)
    assert not rig.offers


def test_the_id_of_a_strategy_that_has_ended_is_not_given_again():
    """Its rows are closed and gone from what is open; the journal remembers the number over a restart."""
    rig = Bare()
    rig.read()
    rig.tap(rig.offers[0].nonce)
    rig.rows = []
    rig.start()
    rig.read()
    rig.tap(rig.offers[0].nonce)
    assert {row.strategy_id for row in rig.rows} == {26020302}


def test_strategy_ids_are_never_given_twice():
    """Two accepted offers of one day, a restart between them, are two strategies."""
    rig = Bare(Mode.EXECUTE, position(leg(-65, 24_500, "PE", 45), leg(-65, 25_500, "CE", 55)))
    rig.read()
    rig.group("split 1 2")
    one, two = rig.offers
    rig.tap(one.nonce)
    rig.start()
    rig.read()
    (two,) = rig.offers
    rig.tap(two.nonce)
    assert [row.strategy_id for row in rig.rows] == [26020301, 26020302]


def test_offers_are_split_merged_and_named_from_the_chat():
    """Four legs become two spreads, one again, and get the owner's name, under which rules are written."""
    rig = Bare()
    rig.read()
    rig.group("split 1 1,2")
    names = sorted(ask.title.partition("NIFTY ")[2] for ask in rig.offers)
    assert names == ["Bear Call Spread?", "Bull Put Spread?"]
    rig.group("merge 2 3")
    assert [ask.title for ask in rig.offers] == ["Watch 4 · NIFTY Iron Condor?"]
    rig.group("name 4 My Own  Condor")
    (ask,) = rig.offers
    assert ask.title == "Watch 5 · NIFTY My Own Condor?"
    rig.tap(ask.nonce)
    assert {row.strategy for row in rig.rows} == {"My Own Condor"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("split 1 9", "it has legs 1 to 4, read 9"),
        ("split 1 1 2 3 4", "nothing would stay"),
        ("split 7 1", "no offer 7; open are 1"),
        ("split 1 x", "read “x”, expected a number"),
        ("merge 1", "one alone is nothing to merge"),
        ("merge", "no offer was named; open are 1"),
        ("name 1", "read “name 1” after /group"),
        ("name 1 " + "x" * 41, "a name has up to 40"),
        ("accept 1", "read “accept 1” after /group"),
    ],
)
def test_what_is_not_understood_changes_nothing_and_shows_how_it_is_written(words, why):
    """The sentence says what was read; the offer stays open."""
    rig = Bare()
    rig.read()
    said = rig.group(words)
    assert isinstance(said, Say)
    assert why in said.text
    assert "/group merge 1 2" in said.text
    assert len(rig.offers) == 1


def test_group_shows_expired_offers_again():
    """Nobody looked at the phone for half an hour: the offer is not lost."""
    rig = Bare()
    rig.read()
    rig.wait(1_801)
    assert not rig.offers
    rig.group()
    assert [ask.title for ask in rig.offers] == ["Watch 2 · NIFTY Iron Condor?"]


def test_a_contract_that_cannot_be_a_leg_is_told_once():
    """Options that the master does not know, or that trade where rows cannot say: an alert, no offer."""
    strange = option(99_999, "CE", symbol="NIFTY")
    rig = Bare(Mode.EXECUTE, strangle())
    rig.extra = (HeldContract(strange.key, -65, 100, trading_symbol="NIFTY-Feb2026-99999-CE"),)
    rig.read(5)
    assert not [alert for alert in rig.of(Alert) if "taken over" in alert.title]
    rig.read(5)
    told = [alert.text for alert in rig.of(Alert) if "taken over" in alert.title]
    assert told == [
        "NIFTY-Feb2026-99999-CE, -65 units: the instrument master does not know it. It is not watched."
    ]
    assert len(rig.offers) == 1


def test_group_without_the_broker_as_source_says_so():
    """Where positions come from rows alone there is nothing to group."""
    rig = Bare()
    assert "TRADES_SOURCE=broker" in rig.group().text


def test_one_contract_in_two_products_is_one_leg():
    """Intraday and carried units of one contract are one position of the account."""
    one = HeldContract(option(25_300, "CE").key, -65, 4_000)
    both = one.plus(replace(one, units=-130, entry_paise=1_000, carried=True))
    assert (both.units, both.entry_paise, both.carried) == (-195, 2_000, True)
    assert one.plus(replace(one, units=65)).units == 0


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (
            option(1_500, "CE", symbol="ASTRAL", segment="BSE_FNO"),
            "options of ASTRAL are known on NSE_FNO alone",
        ),
        (option(25_300, "CE", date(2026, 2, 2)), "expired on 2026-02-02"),
    ],
)
def test_what_a_row_cannot_say_is_told_at_once(made, why):
    """A share's option on the other exchange, a contract of yesterday: an alert, no offer."""
    rig = Bare(Mode.EXECUTE, position(Leg(made, -65, 100, 1, OPENED)))
    rig.read(4)
    (told,) = [alert.text for alert in rig.of(Alert) if "taken over" in alert.title]
    assert why in told
    assert not rig.offers


def test_shares_and_commodities_are_none_of_this():
    """Only options and futures of the two exchanges are looked at."""
    rig = Bare()
    share = HeldContract(instrument_key(Segment.NSE_EQ, 2885), 10, 145_000, trading_symbol="RELIANCE")
    rig.extra = (share, replace(share, key=instrument_key(Segment.MCX_COMM, 7)))
    rig.read(10)
    assert len(rig.of(Ask)) == 1
    assert not rig.of(Alert)


WISHES = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), st.integers(0, 3), st.sampled_from([-130, -65, 0, 65])),
        st.tuples(st.just("answer"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("group"), st.sampled_from(["", "again", "split 1 1", "merge 1 2", "split 2 1,2"])),
        st.tuples(st.just("import"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["read", "read", "restart"])),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=200)
@example([("import", 0), ("answer", 0, True)])
@given(WISHES)
def test_whatever_happens_no_contract_is_in_two_rows_and_none_without_a_yes(wishes):
    """Trades, answers, edits, imports and restarts in any order: each row was accepted or imported, once."""
    rig, yes = Bare(Mode.SEMI_AUTO), 0
    rig.read()
    nets = {each.key: each.quantity for each in rig.legs}
    for wish, *more in wishes:
        match wish, more:
            case "hold", [number, units]:
                nets[rig.legs[number].key] = units
                rig.exchange.hold(nets)
            case "answer", [number, answer] if rig.offers:
                before = len(rig.rows)
                rig.tap(rig.offers[number % len(rig.offers)].nonce, yes=answer)
                yes += answer
                assert answer or len(rig.rows) == before
            case "group", [words]:
                rig.group(words)
            case "restart", _:
                rig.start()
            case "import", [number]:
                row = rows_of(condor(), 1_000)[number]
                rig.rows += [row] if row.security_id not in _ids(rig) else []
                rig.tell(Beat(BeatKind.SYNC))
            case _:
                rig.read(1)
        ids = _ids(rig)
        assert len(ids) == len(set(ids))
        accepted = {row.order_id for row in rig.rows if row.order_id.startswith("broker-")}
        assert len(accepted) <= yes
        asked = [key for ask in rig.offers for key, _ in rig.monitor.dialogue.questions.get(ask.nonce).legs]
        assert len(asked) == len(set(asked))


def _ids(rig):
    return [row.security_id for row in rig.rows]


def test_what_was_entered_today_says_when_and_is_grouped_by_it():
    """The day's trades tell two strategies of one expiry apart; the rows keep their moments."""
    rig = Bare()
    keys = [each.key for each in rig.legs]
    moments = [OPENED - 4_000, OPENED - 3_990, OPENED, OPENED + 30]
    rig.fills = tuple(
        BrokerFill(str(n), "A", key, Side.BUY if each.quantity > 0 else Side.SELL, 65, 100, moments[n])
        for n, (key, each) in enumerate(zip(keys, rig.legs, strict=True))
    )
    rig.read()
    names = [ask.title.partition("NIFTY ")[2] for ask in rig.offers]
    assert names == ["Bull Put Spread?", "Bear Call Spread?"]
    assert "Entered today at 09:20" in rig.offers[1].lines
    rig.tap(rig.offers[1].nonce)
    assert sorted(row.timestamp_s for row in rig.rows) == [OPENED, OPENED + 30]
