"""Positions that the broker holds and no row covers: offered in the chat, watched once accepted.

Nothing is watched, and no row is written, without a yes. What any open row names is never offered, so
nothing is doubled. What is left out stays left out until the broker holds another quantity of it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from engine.effects import AddTrades, Alert, Answer, Ask, Audit, Card, Record, Say
from engine.errors import BadInput
from engine.gate import Status
from engine.grouping import ProposedLeg, entered_s, merge, propose, renamed, rows_of, split
from engine.messages import Wish
from engine.model import InstrumentKey, Urgency, key_parts
from engine.offer_words import USAGE, card_lines, read_edit, title
from engine.sessions import ist_date
from engine.unclaimed import Unclaimed, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.broker_nouns import HeldContract
    from engine.effects import Effect
    from engine.gate import Confirmation, Questions
    from engine.grouping import Proposal
    from engine.helm import Helm
    from engine.messages import Command, HeldAtBroker, Tap

__all__ = ["Offers"]

#: So many reads in a row, about a minute, and the instrument master has surely been asked.
STRANGE_READS = 6


class Offers:
    """The offers of one account, and what has become of them.

    Args:
        helm: whose positions are completed.
        questions: the register that counts one answer each.
    """

    def __init__(self, helm: Helm, questions: Questions) -> None:
        self._helm = helm
        self._questions = questions
        self._broker = Unclaimed(helm)
        self._open: dict[int, Proposal] = {}
        self._asked: dict[int, str] = {}  # the question about each, as far as one was asked in this process
        self._left: dict[InstrumentKey, int] = {}
        self._told: set[InstrumentKey] = set()
        self._strange: Counter[InstrumentKey] = Counter()
        self._count = 0
        self._last_id = 0

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal remembers: what was left out, and the last strategy id given."""
        for name, row in rows.items():
            if name == "last":
                self._last_id = int(row["strategy_id"])
            elif row["units"]:
                self._left[InstrumentKey(int(name))] = int(row["units"])

    # ---------------------------------------------------------------------------------- reading

    def held(self, message: HeldAtBroker, now_s: float) -> list[Effect]:
        """The broker's positions: offer what two reads in a row show and no row covers, each once."""
        first = not self._broker.read
        if not self._broker.take(message.held):
            return []
        effects = self._withdraw_old() if first else []
        covered, now = self._broker.covered(), self._broker.now
        if covered is None:
            return effects
        effects += self._forget(covered)
        free = {key: one for key, one in self._broker.steady.items() if key not in covered}
        effects += self._withdraw_changed(free)
        offered = {key for proposal in self._open.values() for key in proposal.units}
        new = [
            one
            for key, one in free.items()
            if key not in offered and key not in self._told and self._left.get(key) != one.units
        ]
        known = self._helm.holdings.reading.instruments
        wanted = (one.symbol for key, one in now.items() if key not in covered and key not in known)
        effects += self._helm.holdings.reading.ask_for(frozenset(wanted))
        legs: list[ProposedLeg] = []
        for one in new:
            made = known.get(one.key)
            if made is None:
                effects += self._unknown(one)
            elif why := unfit(made, now_s):
                effects += self._cannot(one, why)
            else:
                legs.append(ProposedLeg(made, one.units, one.entry_paise, entered_s(one, message.fills)))
        for proposal in propose(legs):
            effects += self._offer(proposal, now_s)
        return effects

    def _forget(self, covered: set[InstrumentKey]) -> list[Effect]:
        """What the broker holds another quantity of, or rows name by now, is left out no longer."""
        now = self._broker.now
        self._told &= now.keys()
        for key in self._strange.keys() - now.keys():
            del self._strange[key]
        gone = [key for key, units in self._left.items() if key in covered or self._broker.moved(key, units)]
        for key in gone:
            del self._left[key]
        return [Record("offer", str(key), {"units": 0}) for key in gone]

    def _withdraw_old(self) -> list[Effect]:
        """Questions of the process before: what they were about is offered anew."""
        effects: list[Effect] = []
        for asked in [each for each in self._questions.pending() if each.wish is Wish.GROUP]:
            effects.append(self._questions.settle(asked, Status.WITHDRAWN))
            text = "The monitor was started again; it is offered anew."
            effects.append(Card(asked.nonce, f"Withdrawn: {asked.title}", (text,), final=True))
        return effects

    def _withdraw_changed(self, free: Mapping[InstrumentKey, HeldContract]) -> list[Effect]:
        effects: list[Effect] = []
        for number, proposal in list(self._open.items()):
            if any(key not in free or free[key].units != units for key, units in proposal.units.items()):
                why = "Rows or what the broker holds have changed; what is left is offered anew."
                effects += self._drop(number, "Withdrawn", why)
        return effects

    def _unknown(self, one: HeldContract) -> list[Effect]:
        """The master is being read still, or does not know it: after some reads it is the latter."""
        self._strange[one.key] += 1
        enough = self._strange[one.key] >= STRANGE_READS
        return self._cannot(one, "the instrument master does not know it") if enough else []

    def _cannot(self, one: HeldContract, why: str) -> list[Effect]:
        self._told.add(one.key)
        text = (
            f"{one.trading_symbol or key_parts(one.key)[1]}, {one.units:+d} units: {why}. It is not watched."
        )
        topic = f"offer:{one.key}"
        return [Alert(Urgency.MEDIUM, topic, "A position of the broker cannot be taken over", text)]

    # --------------------------------------------------------------------------------- offering

    def _offer(self, proposal: Proposal, now_s: float) -> list[Effect]:
        self._count += 1
        self._open[self._count] = proposal
        return self._ask(self._count, now_s)

    def _ask(self, number: int, now_s: float) -> list[Effect]:
        proposal = self._open[number]
        legs = tuple(sorted((int(key), units) for key, units in proposal.units.items()))
        asked, record = self._questions.issue(
            Wish.GROUP, (), legs, None, title(number, proposal), now_s, forced=True
        )
        self._asked[number] = asked.nonce
        ask = Ask(
            asked.nonce, Wish.GROUP, f"Watch {asked.title}?",
            card_lines(number, proposal, self._helm.mode), asked.expires_s, Urgency.MEDIUM,
            "Accept", "Leave out",
        )  # fmt: skip
        return [record, ask]

    def _drop(self, number: int, head: str, why: str) -> list[Effect]:
        """End a proposal, and the question about it if that is open still."""
        proposal = self._open.pop(number)
        asked = self._questions.get(self._asked.pop(number, ""))
        if asked is None:
            return []
        card = Card(asked.nonce, f"{head}: {title(number, proposal)}", (why,), final=True)
        return [self._questions.settle(asked, Status.WITHDRAWN), card]

    def _number(self, asked: Confirmation) -> int | None:
        return next((number for number, nonce in self._asked.items() if nonce == asked.nonce), None)

    def troubles(self) -> tuple[str, ...]:
        """What waits for an answer, and so for its rules, as a sentence."""
        names = ", ".join(f"{proposal.symbol} {proposal.name}" for proposal in self._open.values())
        return (
            (f"Held at the broker and not watched before you accept it (/group): {names}",) if names else ()
        )

    # --------------------------------------------------------------------------------- answers

    def answer(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        """A tap on an offer."""
        return self._accept(asked, tap, now_s) if tap.yes else self._leave_out(asked, tap)

    def _accept(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        """Yes: write the rows and watch them, unless something has changed since."""
        number = self._number(asked)
        covered = self._broker.covered()
        if number is None or covered is None:
            return self._void(asked, tap, "The monitor was started anew since. /group shows what is open.")
        proposal = self._open[number]
        del self._open[number], self._asked[number]
        if not covered.isdisjoint(proposal.units):
            return self._void(asked, tap, "Rows name some of it by now. What is left is offered anew.")
        self._broker.expect(proposal.units)
        strategy_id = self._next_id(now_s)
        account = self._helm.config.account
        rows = rows_of(proposal, account, strategy_id, f"broker-{asked.nonce}", now_s)
        data = {"strategy": strategy_id, "name": proposal.name, "by": tap.by.name, "legs": len(rows)}
        lines = (
            *card_lines(number, proposal, None),
            f"Strategy {strategy_id}. Its rules: /rules {strategy_id}.",
        )
        return [
            self._questions.settle(asked, Status.CONFIRMED),
            Record("offer", "last", {"strategy_id": strategy_id}),
            Audit("position accepted", data),
            AddTrades(tuple(rows)),
            Answer(tap.callback_id, "Accepted."),
            Card(asked.nonce, f"Accepted: {asked.title}", lines, final=True, done=True),
        ]

    def _leave_out(self, asked: Confirmation, tap: Tap) -> list[Effect]:
        """No: leave it out, until the broker holds another quantity of it or /group again."""
        number = self._number(asked)
        kept: list[Effect] = [self._questions.settle(asked, Status.DECLINED)]
        if number is not None:
            units = self._open.pop(number).units
            del self._asked[number]
            self._left |= units
            kept += [Record("offer", str(key), {"units": net}) for key, net in units.items()]
        text = "It is not watched. /group again offers it once more."
        kept.append(Answer(tap.callback_id, "Left out."))
        return [*kept, Card(asked.nonce, f"Left out: {asked.title}", (text,), final=True)]

    def _void(self, asked: Confirmation, tap: Tap, why: str) -> list[Effect]:
        return [
            Answer(tap.callback_id, why, alarm=True),
            self._questions.settle(asked, Status.WITHDRAWN),
            Card(asked.nonce, f"Not done: {asked.title}", (why,), final=True),
        ]

    def _next_id(self, now_s: float) -> int:
        """A strategy id that no row and no earlier offer has: the day and a number."""
        known = {row.strategy_id for row in self._helm.holdings.open_rows() or ()}
        number = int(f"{ist_date(now_s):%y%m%d}01")
        while number <= self._last_id or number in known:
            number += 1
        self._last_id = number
        return number

    # -------------------------------------------------------------------------------- commands

    def command(self, command: Command, now_s: float) -> list[Effect]:
        """/group: show what is open, split, merge, name, or offer again what was left out."""
        if not self._broker.read:
            text = (
                "The broker's positions have not been read. With TRADES_SOURCE=broker they are, "
                "a few seconds after the start."
            )
            return [Say(command.by, text)]
        try:
            return self._edit(command, now_s)
        except BadInput as error:
            return [Say(command.by, f"Nothing was changed: {error}.\n\n{USAGE}")]

    def _edit(self, command: Command, now_s: float) -> list[Effect]:
        edit = read_edit(command.value, self._open)
        match edit.verb:
            case "again":
                return self._again(command)
            case "split":
                made: tuple[Proposal, ...] = split(self._open[edit.numbers[0]], edit.legs)
            case "merge":
                made = (merge([self._open[number] for number in edit.numbers]),)
            case "name":
                made = (renamed(self._open[edit.numbers[0]], edit.name),)
            case _:
                made = tuple(self._open.values())
        numbers = edit.numbers if edit.verb else tuple(self._open)
        if not made:
            left = f" {len(self._left)} contracts were left out: /group again." if self._left else ""
            return [Say(command.by, f"Nothing that the broker holds waits for an answer.{left}")]
        effects: list[Effect] = []
        for number in numbers:
            effects += self._drop(number, "Offered anew", "See below.")
        for proposal in made:
            effects += self._offer(proposal, now_s)
        return effects

    def _again(self, command: Command) -> list[Effect]:
        if not self._left:
            return [Say(command.by, "Nothing was left out.")]
        effects: list[Effect] = [Record("offer", str(key), {"units": 0}) for key in self._left]
        text = f"{len(self._left)} contracts are offered again in a moment."
        self._left.clear()
        return [*effects, Say(command.by, text)]
