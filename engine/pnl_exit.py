"""Dhan's own P&L-based exit as a net below our day stop: whether to arm it, and what is told of it.

Dhan watches it itself, also while this machine or its connection is dead; it ends every position of
the account. It is armed only for the day (Dhan clears it when the session ends), only below a day
loss limit of ours, and only while it would not fire at once. Terms that we did not set are not ours
to change.
"""

from __future__ import annotations

from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Any

from engine.controls import PnlExit
from engine.effects import Alert, Audit, ControlAccount, Record
from engine.messages import Refused, Verb
from engine.model import Urgency
from engine.money import signed_rupees
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.controls import ControlState
    from engine.effects import Effect
    from engine.messages import CommandOutcome

__all__ = ["NAME", "PnlNet", "Stage", "beyond"]

#: Under this name its commands leave and its state is kept.
NAME = "pnl-exit"
#: Dhan wants a profit to exit at as well; nobody's account makes that in a day.
NEVER_PAISE = 999_999_900
#: A command without an answer may arrive until then: the client's own patience, and some more.
UNDER_WAY_S = 10.0
MOST_TRIES = 3
#: In the morning prices, and with them the day's P&L, need a moment: so long it is no news without them.
UNKNOWN_S = 180.0


class Stage(StrEnum):
    """Where the net stands today."""

    OPEN = "not armed"
    SENT = "being armed"
    ARMED = "armed"
    STOPPING = "being disarmed"
    OTHERS = "not ours"
    GONE = "gone"
    GIVEN_UP = "given up"


def beyond(stop_paise: int, extra_pct: float) -> PnlExit:
    """The terms for a day stop: so many per cent further out, up to the next whole rupee."""
    return PnlExit(ceil(stop_paise * (100 + extra_pct) / 10_000) * 100, NEVER_PAISE)


class PnlNet:
    """The net of one account; it decides on what was read back, never on what was sent.

    Args:
        extra_pct: how far beyond the day stop it is armed.

    Attributes:
        stage: where it stands.
        terms: those that we have sent last today; None = none.
        note: why it is not armed, in a few words; empty = it is, or nothing is wanted.
    """

    def __init__(self, extra_pct: float) -> None:
        self._extra_pct = extra_pct
        self.terms: PnlExit | None = None
        self._since_s = 0.0
        self._begin("")
        self._after = 0  # what was asked until then says nothing of the last command

    def restore(self, row: Mapping[str, Any] | None) -> None:
        """Take over what the journal remembers."""
        if row is not None:
            self._begin(row["day"])
            self.stage = Stage(row["stage"])
            self.terms = PnlExit.from_json(row["terms"]) if row["terms"] else None
            self._sent_s, self._tries = row["sent_s"], row["tries"]

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be done for the moment."""
        return self.stage in {Stage.ARMED, Stage.OTHERS, Stage.GONE, Stage.GIVEN_UP}

    @property
    def ours(self) -> bool:
        """Whether something that we have sent today is armed, or may be yet."""
        return self.terms is not None and self.stage is not Stage.GONE

    def words(self, now_s: float) -> str:
        """How it stands, for people."""
        if self._day != ist_date(now_s).isoformat():
            return "not armed yet today"
        if self.stage is Stage.ARMED and self.terms is not None:
            return f"armed at {signed_rupees(-self.terms.loss_paise)}"
        return f"{self.stage}: {self.note}" if self.note else str(self.stage)

    # ----------------------------------------------------------------------------------- deciding

    def take(
        self, state: ControlState, stop_paise: int | None, day_paise: int | None, now_s: float, asked: int
    ) -> list[Effect]:
        """Go on from what Dhan shows.

        Args:
            state: the answer to a question.
            stop_paise: the account's day loss limit, positive; None = there is none.
            day_paise: the account's P&L of the day as we know it; None = not known.
            now_s: the moment.
            asked: the number of the newest question.
        """
        today = ist_date(now_s).isoformat()
        if self._day != today:
            self._begin(today)
        self._since_s = self._since_s or now_s
        if state.request <= self._after:
            return []
        if state.armed is None:
            return self._unread(state, stop_paise, now_s)
        want = None if stop_paise is None else beyond(stop_paise, self._extra_pct)
        if state.armed:
            return self._found(state, state.armed[0], want, stop_paise, day_paise, now_s, asked)
        return self._missing(state, want, day_paise, now_s, asked)

    def outcome(self, message: CommandOutcome, asked: int) -> None:
        """Hear what became of a command; only what is read back from now on counts."""
        self._after = asked
        if isinstance(message.outcome, Refused):
            self._refused = message.outcome.reason or message.outcome.code
            if message.outcome.code in {"NOT-SENT", "journal"}:  # nothing has left: that was no try
                self._tries -= 1

    def _unread(self, state: ControlState, stop_paise: int | None, now_s: float) -> list[Effect]:
        """Not known is not disarmed; but a net that nobody can see for long is told of."""
        wanted = stop_paise is not None and self.stage in {Stage.OPEN, Stage.SENT}
        if not wanted or now_s < self._since_s + UNKNOWN_S:
            return []
        text = f"It cannot be read: {state.failed or 'no words given'}."
        return self._end(self.stage, "Dhan does not say how it stands", text, Urgency.MEDIUM)

    def _found(
        self,
        state: ControlState,
        found: PnlExit,
        want: PnlExit | None,
        stop_paise: int | None,
        day_paise: int | None,
        now_s: float,
        asked: int,
    ) -> list[Effect]:
        """Something is armed: ours as it should be, ours of before, or somebody else's."""
        if want is not None and found.same(want):
            return self._armed(want)
        if self.terms is not None and found.same(self.terms):
            if self.stage is Stage.STOPPING and now_s < self._sent_s + UNDER_WAY_S:
                return []
            if want is None:
                return self._send(Verb.DISARM, self.terms, now_s, asked)
            return self._arm(state, want, day_paise, now_s, asked)  # the day stop is another one now
        if self.stage is Stage.SENT and now_s < self._sent_s + UNDER_WAY_S:
            return []
        if want is None:
            return []
        level = signed_rupees(-found.loss_paise)
        if self.stage is Stage.SENT:
            text = f"It was to be {signed_rupees(-want.loss_paise)}; Dhan shows {level}. It is left as it is."
            return self._end(Stage.OTHERS, "its terms are others", text, Urgency.HIGH)
        before = stop_paise is not None and found.loss_paise <= stop_paise
        first = " It fires before your own day stop." if before else ""
        text = f"It was armed by somebody else, at {level}, and is left as it is.{first}"
        return self._end(Stage.OTHERS, f"armed by somebody else at {level}", text, Urgency.MEDIUM)

    def _missing(
        self, state: ControlState, want: PnlExit | None, day_paise: int | None, now_s: float, asked: int
    ) -> list[Effect]:
        """Nothing is armed."""
        if self.stage is Stage.SENT and now_s < self._sent_s + UNDER_WAY_S:
            return []  # nor is one forgotten that may still arrive
        if want is None:
            if self.stage is Stage.OPEN:
                return []
            self._begin(self._day)
            return [self._record()]
        if self.stage is Stage.ARMED:
            text = "It has fired, or somebody has stopped it. It is not armed again today."
            return self._end(Stage.GONE, "fired, or stopped by somebody", text, Urgency.HIGH)
        if self.stage is Stage.GONE:
            return []
        return self._arm(state, want, day_paise, now_s, asked)

    def _arm(
        self, state: ControlState, want: PnlExit, day_paise: int | None, now_s: float, asked: int
    ) -> list[Effect]:
        """Send the terms, if Dhan would not act on them at once."""
        if self.terms == want and self._tries >= MOST_TRIES:
            said = self._refused or "Dhan does not show it after three tries"
            return self._end(Stage.GIVEN_UP, said, f"{said.rstrip('.')}.", Urgency.MEDIUM)
        unknown, breach = _breach(want, state, day_paise)
        if unknown and now_s < self._since_s + UNKNOWN_S:
            self.stage, self.note = Stage.OPEN, unknown
            return []
        if why := unknown or breach:
            text = f"{why[:1].upper()}{why[1:]}: it could fire at once."
            return self._end(Stage.OPEN, why, text, Urgency.MEDIUM)
        return self._send(Verb.ARM, want, now_s, asked)

    # -------------------------------------------------------------------------------------- doing

    def _begin(self, day: str) -> None:
        self._day, self.stage, self.note, self.terms = day, Stage.OPEN, "", None
        self._since_s, self._sent_s, self._tries, self._refused, self._told = 0.0, 0.0, 0, "", ""

    def _send(self, verb: Verb, terms: PnlExit, now_s: float, asked: int) -> list[Effect]:
        if self.terms != terms:
            self._tries, self._refused = 0, ""
        self.stage = Stage.SENT if verb is Verb.ARM else Stage.STOPPING
        self.terms, self.note, self._sent_s, self._after = terms, "", now_s, asked
        self._tries += 1
        audit = Audit(str(verb), terms.to_json())
        return [self._record(), audit, ControlAccount(verb, NAME, terms if verb is Verb.ARM else None)]

    def _armed(self, want: PnlExit) -> list[Effect]:
        if self.stage is Stage.ARMED and self.terms == want:
            return []
        self.terms, self._tries = want, 0
        level = signed_rupees(-want.loss_paise)
        text = f"At {level} Dhan ends every position of the account, also without Prahari."
        return self._end(Stage.ARMED, "", text, Urgency.NORMAL)

    def _end(self, stage: Stage, note: str, text: str, urgency: Urgency) -> list[Effect]:
        """Stand there, and say so once."""
        self.stage, self.note = stage, note
        told, self._told = self._told, f"{stage}:{note}"
        if told == self._told:
            return []
        titles = {
            Stage.ARMED: "Dhan's own exit is armed",
            Stage.OTHERS: "Dhan's own exit is not ours",
            Stage.GONE: "Dhan's own exit is not armed any more",
        }
        title = titles.get(stage, "Dhan's own exit is not armed")
        topic = f"{NAME}:{self._day}:{stage}:{note}"
        return [
            self._record(),
            Audit(NAME, {"stage": stage, "note": note}),
            Alert(urgency, topic, title, text),
        ]

    def _record(self) -> Record:
        terms = self.terms.to_json() if self.terms else None
        row = {
            "day": self._day, "stage": self.stage, "terms": terms,
            "sent_s": self._sent_s, "tries": self._tries,
        }  # fmt: skip
        return Record("net", NAME, row)


def _breach(want: PnlExit, state: ControlState, day_paise: int | None) -> tuple[str, str]:
    """Why these terms could fire at once: what is not known, and what is beyond them; by both figures."""
    if day_paise is None:
        return "the day's P&L is not known", ""
    if state.pnl_paise is None:
        return "Dhan's own P&L is not known", ""
    for whose, pnl in (("the day's P&L", day_paise), ("Dhan's own P&L", state.pnl_paise)):
        if pnl <= -want.loss_paise:
            return "", f"{whose} is {signed_rupees(pnl)}, at or beyond {signed_rupees(-want.loss_paise)}"
    return "", ""
