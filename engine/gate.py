"""What a verdict may become: an order, a question, a word to the owner, or nothing.

Also the register of questions: each is issued once, answered at most once, and dies of age. The
answer is decided here and settled in the journal by one compare-and-set in the same transaction as
the intent it creates, so that two taps, two phones or two processes give one exit or none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from engine.effects import Record, Settle
from engine.intents import verdict_from_json, verdict_to_json
from engine.messages import Wish
from engine.model import Action, Mode, PositionId, Verdict
from engine.rules.base import Rank
from engine.rules.overrides import Override
from engine.shown import Worth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Confirmation", "Decision", "Questions", "Status", "decide", "is_stop"]

#: How long a question may be answered.
ASK_S = 60.0
#: What nothing hangs on but an answer may wait for the owner to look at the phone.
_VALID_S = {Wish.GROUP: 1_800.0}
#: After "not now", or no answer: how long before the same position is judged again.
SNOOZE_LOSS_S = 300.0
SNOOZE_OTHER_S = 1_800.0


class Decision(StrEnum):
    """What happens with a verdict."""

    ACT = "act"
    ASK = "ask"
    TELL = "tell"


def decide(mode: Mode, verdict: Verdict, *, halted: bool, degraded: str) -> Decision:
    """Let a verdict through as far as mode, /stop and the state of the house allow."""
    if verdict.action in (Action.ALERT, Action.MONITOR) or halted or degraded:
        return Decision.TELL
    match mode:
        case Mode.ALERT_ONLY:
            return Decision.TELL
        case Mode.SEMI_AUTO:
            return Decision.ASK
        case Mode.SIMULATE | Mode.EXECUTE:
            return Decision.ACT


class Status(StrEnum):
    """Where a question stands; everything but PENDING is an end."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(slots=True)
class Confirmation:
    """One question to a person.

    Attributes:
        positions: what yes would exit, or whose rule it would tighten; empty for /resume.
        legs: (instrument key, units) of those positions when asked: yes means exactly these.
        forced: a person wanted it; False = a rule did.
        override: what /set would lay over a rule.
        shown: what exits would cost together, by edition of the question; None = a price was missing.
        again: a yes did not count, and the question was put once more from this edition on; 0 = it was not.
    """

    nonce: str
    wish: Wish
    positions: tuple[PositionId, ...]
    legs: tuple[tuple[int, int], ...]
    verdict: Verdict | None
    title: str
    expires_s: float
    forced: bool
    status: Status = Status.PENDING
    override: Override | None = None
    shown: dict[int, Worth | None] = field(default_factory=dict)
    again: int = 0

    def show(self, worth: Worth | None) -> None:
        """Another edition shows this."""
        self.shown[max(self.shown, default=-1) + 1] = worth

    def shown_json(self) -> dict[str, Any]:
        """What was shown, as the journal keeps it beside the question, which is settled by its row alone."""
        return {
            "shown": [[edition, worth] for edition, worth in self.shown.items()],
            "again": self.again, "expires_s": self.expires_s,
        }  # fmt: skip

    def take_shown(self, row: Mapping[str, Any]) -> None:
        """Read that back."""
        self.shown = {int(edition): Worth(*worth) if worth else None for edition, worth in row["shown"]}
        self.again, self.expires_s = int(row["again"]), row["expires_s"]  # an older version kept yes or no

    def to_json(self) -> dict[str, Any]:
        """The question as the journal keeps it."""
        return {
            "nonce": self.nonce, "wish": self.wish, "positions": list(self.positions),
            "legs": [list(leg) for leg in self.legs],
            "verdict": verdict_to_json(self.verdict) if self.verdict else None,
            "title": self.title, "expires_s": self.expires_s, "forced": self.forced,
            "status": self.status,
            "override": self.override.to_json() if self.override else None,
            **{key: value for key, value in self.shown_json().items() if key != "expires_s"},
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Confirmation:
        """Read the journal's form back."""
        made = cls(
            row["nonce"], Wish(row["wish"]), tuple(PositionId(p) for p in row["positions"]),
            tuple((int(k), int(q)) for k, q in row["legs"]),
            verdict_from_json(row["verdict"]) if row["verdict"] else None,
            row["title"], row["expires_s"], row["forced"], Status(row["status"]),
            Override.from_json(row["override"]) if row.get("override") else None,
        )  # fmt: skip
        if "shown" in row:
            made.take_shown({"expires_s": made.expires_s, **row})
        else:  # an older version asked, and what it showed is not known
            made.shown = {0: None}
        return made


class Questions:
    """All questions that may still be answered.

    Args:
        seed: secret chance of this process; nonces cannot be guessed from outside.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._count = 0
        self._all: dict[str, Confirmation] = {}

    def restore(
        self, rows: Iterable[Mapping[str, Any]], shown: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Take over the journal's pending questions: a tap after a restart still counts once.

        ``shown``: what later editions have shown, by nonce.
        """
        for row in rows:
            if row["status"] == Status.PENDING:
                asked = self._all[row["nonce"]] = Confirmation.from_json(row)
                if shown and asked.nonce in shown:
                    asked.take_shown(shown[asked.nonce])

    def issue(
        self,
        wish: Wish,
        positions: tuple[PositionId, ...],
        legs: tuple[tuple[int, int], ...],
        verdict: Verdict | None,
        title: str,
        now_s: float,
        *,
        forced: bool,
        override: Override | None = None,
    ) -> tuple[Confirmation, Record]:
        """Make a new question; the record must be committed before the question is shown."""
        self._count += 1
        digest = hashlib.blake2s(f"{self._count}:{now_s}".encode(), key=self._seed).hexdigest()
        asked = Confirmation(
            digest[:12],
            wish,
            positions,
            legs,
            verdict,
            title,
            now_s + _VALID_S.get(wish, ASK_S),
            forced,
            override=override,
        )
        self._all[asked.nonce] = asked
        return asked, Record("confirmation", asked.nonce, asked.to_json())

    def held(self, position: PositionId) -> bool:
        """True while a rule's question about this position is open."""
        return bool(self.about(position))

    def about(self, position: PositionId) -> list[Confirmation]:
        """The rules' open questions about this position."""
        return [q for q in self._all.values() if position in q.positions and not q.forced]

    def pending(self) -> list[Confirmation]:
        """Every open question."""
        return list(self._all.values())

    def get(self, nonce: str) -> Confirmation | None:
        """Find an open question."""
        return self._all.get(nonce)

    def settle(self, asked: Confirmation, status: Status) -> Settle:
        """End a question; the effect is the compare-and-set that makes it so for everybody."""
        asked.status = status
        del self._all[asked.nonce]
        return Settle(asked.nonce, Status.PENDING, status)

    def expired(self, now_s: float) -> list[Confirmation]:
        """Open questions that are too old to be answered."""
        return [q for q in self._all.values() if now_s >= q.expires_s]


def silence_of(verdict: Verdict | None) -> Rank:
    """From which rank on rules are silent while this verdict is acted on, asked about or left alone.

    Whoever takes a profit without haste, or leaves it alone, has not switched off his stop; whoever
    closes a part, or leaves that alone, has switched off nothing but the closing of parts.
    """
    if verdict is None or verdict.action is Action.CLOSE_IMMEDIATELY:
        return Rank.FORCED
    if verdict.action is Action.SCALE_OUT:
        return Rank.SCALING
    return Rank.TRAILING


def is_stop(asked: Confirmation) -> bool:
    """Whether a rule asks about a loss."""
    verdict = asked.verdict
    return not asked.forced and verdict is not None and verdict.action is Action.CLOSE_IMMEDIATELY


def snooze_s(verdict: Verdict | None) -> float:
    """How long to leave a position alone after its question was declined or not answered."""
    if verdict is not None and verdict.action is Action.CLOSE_IMMEDIATELY:
        return SNOOZE_LOSS_S
    return SNOOZE_OTHER_S
