"""What follows on exits: cards, what becomes of positions, and what the broker lists beside the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.books import Bookkeeper
from engine.cards import exit_card, realised_paise
from engine.effects import Alert, Card, Effect
from engine.intents import Intent, IntentState
from engine.model import Mode, Urgency
from engine.naked import risk_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from engine.diary import Diary
    from engine.helm import Helm
    from engine.ledger import Ledger
    from engine.limits import Limits
    from engine.messages import BrokerReport
    from engine.model import InstrumentKey, PositionId

__all__ = ["FollowUp"]


class FollowUp:
    """Looks at the exits after each message: what is told of them, and what their ends change."""

    def __init__(self, helm: Helm, limits: Limits, diary: Diary) -> None:
        self._helm = helm
        self._watch, self._holdings, self._desk = helm.watch, helm.holdings, helm.desk
        self._limits, self._diary = limits, diary
        self._books = Bookkeeper(helm.watch.charges)
        self._cards: dict[str, Card] = {}
        self._running: dict[str, Intent] = {}  # a dict: its order is the order of the exits
        self._exited: dict[PositionId, None] = {}
        self._put_off: BrokerReport | None = None

    def restore(self, books: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over the journal's books, once the desk has its exits."""
        self._running = {intent.id: intent for intent in self._desk.live()}
        self._books.restore(books, self._desk.intents.values())

    def start_day(self) -> None:
        """A day begins: of exits that do not count any more nothing will be told."""
        exits = self._desk.intents
        cards = {intent.card for intent in exits.values()}
        self._cards = {nonce: card for nonce, card in self._cards.items() if nonce in cards}
        self._books.keep(exits)

    def stand(self) -> list[Effect]:
        """Tell of exits that an earlier process has left between open and flat."""
        ledger = self._desk.blotter.ledger
        return [alert for intent in self._desk.standing() for alert in _half_closed(intent, ledger)]

    def compare(self, report: BrokerReport, now_s: float) -> list[Effect]:
        """Hold the automation of positions in which store and broker differ, also while others exit."""
        if report is not self._desk.blotter.ledger.report:
            return []  # an older one, overtaken
        if self._holdings.intake.parted:
            self._put_off = report  # half of the positions are those of another reading, or still to come
            return []
        if not self._holdings.intake.loaded:
            return []  # there is nothing to compare with yet
        if self._helm.tenure.why(now_s):
            return []  # who owns the account trades, and writes it to the store when he is done
        positions = self._holdings.positions
        running = [*self._running.values(), *self._desk.live()]  # what has just ended is still listed
        busy = {leg.key for intent in running for leg in intent.legs}
        traded: dict[InstrumentKey, int] = {}
        for position in positions.values() if self._desk.intents else ():
            for key, (units, _) in self._desk.traded(position).items():
                traded[key] = traded.get(key, 0) + units
        in_session = self._helm.calendar.is_open(now_s)
        effects, loose = self._helm.differences.look(
            tuple(positions.values()), report, traded, busy, now_s, in_session=in_session
        )
        self._helm.release(loose)
        effects += self._holdings.regrow(report, now_s) if in_session else []
        working = {order.request.key for order in self._desk.blotter.live()}
        # the other modes leave the store's rows alone, and at night the broker's books are made anew
        if self._helm.mode in (Mode.SEMI_AUTO, Mode.EXECUTE) and in_session:
            for position in tuple(positions.values()):
                if self._helm.differences.closed(position, now_s) and working.isdisjoint(position.nets):
                    intent, kept = self._helm.starts.closed_outside(position, now_s)
                    effects += [*kept, *self._ended(intent, now_s)]
        return effects

    def compare_now(self, now_s: float) -> list[Effect]:
        """What was put off until all positions are those of one reading."""
        report, self._put_off = self._put_off, None
        return [] if report is None else self.compare(report, now_s)

    def look(self, now_s: float, *, everywhere: bool) -> list[Effect]:
        """Keep what was seen, and follow up on exits: refresh the cards, finish those that ended.

        Not ``everywhere``: only where the desk has had a hand. One that ends may change what others count.
        """
        effects: list[Effect] = [*self._watch.why.drain()]
        changed = self._desk.changed()
        self._running |= {intent.id: intent for intent in self._desk.live()}
        for intent in list(self._running.values()):
            if not intent.state.live:
                everywhere = True
                del self._running[intent.id]
                effects += self._ended(intent, now_s)
            elif everywhere or intent.id in changed:
                effects += self._show(exit_card(intent, None))
        looked_at = self._desk.intents.values() if everywhere else changed.values()
        self._count_traded({intent.position: None for intent in looked_at}, everywhere=everywhere)
        effects += self._helm.flattening.turn(now_s)
        return effects + self._books.look(looked_at, self._helm.mode, now_s)

    def _count_traded(self, exited: dict[PositionId, None], *, everywhere: bool) -> None:
        """What is half traded counts by its fills, of whichever exit, until rows say otherwise."""
        for name in self._exited | exited if everywhere else exited:  # a new day may have dropped some exits
            if name in self._holdings.positions:
                self._watch.count(name, self._desk.traded(self._holdings.positions[name]))
        self._exited = exited if everywhere else self._exited | exited

    def _ended(self, intent: Intent, now_s: float) -> list[Effect]:
        entries = self._holdings.entries(intent)
        made = realised_paise(intent, entries)
        card = exit_card(intent, made)
        self._diary.exited(intent, made, now_s)
        effects: list[Effect] = []
        if not intent.state.flat:
            effects += _half_closed(intent, self._desk.blotter.ledger)
        elif intent.part is None:
            position = self._holdings.positions.get(intent.position)
            before = 0 if position is None else self._watch.memory(position.id).realised_paise
            effects += self._holdings.close(intent, now_s)
            if position is not None and position.id not in self._holdings.positions:
                effects += self._limits.ended(position, None if made is None else made + before)
        else:
            effects += self._holdings.close_part(intent, now_s)
            effects += self._helm.dialogue.part_closed(intent.position)
        if intent.state is IntentState.CLOSED_OUTSIDE:
            effects.append(_outside(intent))
        if intent.state is IntentState.ABORTED or intent.part is not None:
            self._helm.release((intent.position,))
        return effects + self._show(card)

    def _show(self, card: Card) -> list[Effect]:
        if self._cards.get(card.nonce) == card:
            return []
        self._cards[card.nonce] = card
        return [card]


def _outside(intent: Intent) -> Effect:
    text = (
        f"{intent.title}: the broker holds nothing of it any more, and not all of that is our doing. Its "
        "rows are closed, those that somebody else has closed without a price. Enter the prices in the store."
    )
    title = "A position was closed by somebody else"
    return Alert(Urgency.HIGH, f"outside:{intent.id}", title, text, intent.position)


def _half_closed(intent: Intent, ledger: Ledger) -> list[Effect]:
    """An exit ended between open and flat: the store's rows, and the P&L made of them, are wrong now."""
    legs = range(len(intent.legs))
    done = intent.part is None and all(intent.rest(index) <= 0 for index in legs)
    if done or not any(map(intent.filled, legs)):
        return []
    text = (
        f"{intent.title}: part of it is traded, the rest is open. The trade store still lists all of it; its "
        f"P&L and its rules count what is gone at its fills. {risk_words(intent, ledger)} "
        "/exit closes the rest; or correct the rows."
    )
    return [Alert(Urgency.HIGH, f"half:{intent.id}", "A position is half closed", text, intent.position)]
