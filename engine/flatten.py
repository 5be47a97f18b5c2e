"""Flatten and stay flat: one durable wish of the whole account, a step at a time.

Our own exits of everything, then (only when asked for by name) Dhan's exit of everything, then
verified flat, then the kill switch, read back. Each step is in the journal before what it does
leaves the house, and each goes on only from books that were asked for after the step before: so a
restart goes on where it was, and nothing is sent twice because nobody heard of the first time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.blotter import ABSENT_AFTER_S, ABSENT_READS
from engine.messages import Verb
from engine.pnl_exit import MOST_TRIES, UNDER_WAY_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.controls import ControlState, Held
    from engine.messages import BrokerReport

__all__ = ["Flatten", "Look", "Move", "Step", "judge"]

#: How long the broker may take to show the account flat, or its kill switch on.
VERIFY_LIMIT_S = 120.0
CONFIRM_LIMIT_S = 30.0
#: So many reads in a row must agree that nothing is held.
FLAT_READS = 2
#: Dhan's exit of everything is sent a second time at the most, once the first is proved absent.
MOST_EXIT_ALLS = 2


class Step(StrEnum):
    """Where it stands; DONE, STOPPED and STUCK are ends."""

    EXITS = "exits"
    EXIT_ALL = "exit all"
    VERIFY = "verify"
    KILL = "kill switch"
    CONFIRM = "confirm"
    DONE = "done"
    STOPPED = "stopped"
    STUCK = "stuck"

    @property
    def live(self) -> bool:
        """True until it has ended."""
        return self not in {Step.DONE, Step.STOPPED, Step.STUCK}


@dataclass(slots=True)
class Flatten:
    """One wish to be flat.

    Attributes:
        by: who or what wanted it.
        others: names of rows that are not ours and that Dhan's exit of everything may close; empty =
            that is not used.
        own: keys of the contracts that our own positions were in.
        kill: the kill switch is wanted at the end.
        card: the chat's card of it.
        sent_s: when this step's command left, or may have; None = it has not.
        tries: how often it was sent.
        before: what was open when Dhan's exit of everything was sent: name -> units.
        reads: how many reads in a row have said the same; not kept, a restart counts anew.
        since_s: since when this process is at this step; not kept.
    """

    id: str
    by: str
    begun_s: float
    step: Step
    others: tuple[str, ...]
    own: tuple[int, ...]
    kill: bool
    card: str
    sent_s: float | None = None
    tries: int = 0
    before: dict[str, int] = field(default_factory=dict)
    note: str = ""
    reads: int = 0
    since_s: float = 0.0
    last: tuple[int, int] = (0, 0)

    def to_json(self) -> dict[str, Any]:
        """The wish as the journal keeps it."""
        return {
            "id": self.id, "by": self.by, "begun_s": self.begun_s, "step": self.step,
            "others": list(self.others), "own": list(self.own), "kill": self.kill, "card": self.card,
            "sent_s": self.sent_s, "tries": self.tries, "before": self.before, "note": self.note,
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: Mapping[str, Any], now_s: float) -> Flatten:
        """Read the journal's form back, in a process that begins now."""
        return cls(
            row["id"], row["by"], row["begun_s"], Step(row["step"]), tuple(row["others"]),
            tuple(row["own"]), row["kill"], row["card"], row["sent_s"], row["tries"],
            dict(row["before"]), row["note"], since_s=now_s,
        )  # fmt: skip

    def enter(self, step: Step, now_s: float, note: str = "") -> None:
        """Begin another step."""
        self.step, self.since_s, self.note = step, now_s, note or self.note
        self.sent_s, self.tries, self.reads = None, 0, 0


class Look(NamedTuple):
    """What is known of the account.

    Attributes:
        report, state: asked for after the last thing that was done; None = not answered yet.
        live: orders of ours that may still trade.
        exiting: exits that run.
        left: our positions that are open and that no exit is about.
        paper: there is no account but the paper one.
    """

    report: BrokerReport | None
    state: ControlState | None
    live: int
    exiting: int
    left: tuple[str, ...]
    paper: bool = False

    @property
    def numbers(self) -> tuple[int, int]:
        """Which reads these are."""
        return (self.report.request if self.report else 0, self.state.request if self.state else 0)

    @property
    def working(self) -> int:
        """Orders that may still trade, anybody's."""
        orders = self.report.orders if self.report else ()
        return sum(not order.status.final for order in orders)


class Move(NamedTuple):
    """What comes next: another step, a command, or neither: wait."""

    step: Step | None = None
    send: Verb | None = None
    note: str = ""


WAIT = Move()
_MAY_TRADE = "An order of ours may still trade"


def judge(wish: Flatten, look: Look, now_s: float) -> Move:
    """Say what comes next; counts the reads that agree."""
    fresh, wish.last = look.numbers != wish.last, look.numbers
    match wish.step:
        case Step.EXITS:
            return _exits(wish, look, now_s)
        case Step.EXIT_ALL:
            return _exit_all(wish, look, now_s, fresh=fresh)
        case Step.VERIFY:
            return _verify(wish, look, now_s, fresh=fresh)
        case Step.KILL:
            return _kill(wish, look, now_s)
        case Step.CONFIRM:
            return _confirm(wish, look, now_s)
        case _:
            return WAIT


def _exits(wish: Flatten, look: Look, now_s: float) -> Move:
    """Our own exits come first: shorts before longs, limits with a cap."""
    if look.exiting:
        return WAIT
    if wish.others:
        return _patience(wish, now_s, _MAY_TRADE) if look.live else Move(Step.EXIT_ALL)
    if look.left:
        return Move(Step.STUCK, note=f"Not closed: {', '.join(look.left)}")
    return Move(Step.VERIFY)


def _exit_all(wish: Flatten, look: Look, now_s: float, *, fresh: bool) -> Move:
    """Dhan's exit of everything: only over rows that were named, and not again before it is proved absent."""
    state = look.state
    if state is None or state.held is None or look.report is None:
        return _patience(wish, now_s, "Dhan's positions cannot be read")
    rows = state.open_rows
    if not rows and state.held:
        return Move(Step.VERIFY)
    if wish.sent_s is None:
        if strangers := [str(row) for row in rows if row.name not in wish.others and row.key not in wish.own]:
            return Move(Step.STUCK, note=f"Not named when you were asked: {', '.join(strangers)}")
        return _patience(wish, now_s, _MAY_TRADE) if look.live else Move(send=Verb.EXIT_ALL)
    if look.working or units_of(rows) != wish.before:
        return Move(Step.VERIFY)  # it acts
    wish.reads += fresh
    if wish.reads < ABSENT_READS or now_s - max(wish.sent_s, wish.since_s) < ABSENT_AFTER_S:
        return WAIT
    if wish.tries < MOST_EXIT_ALLS:
        return Move(send=Verb.EXIT_ALL)
    return Move(Step.STUCK, note="Dhan's exit of everything does nothing")


def _verify(wish: Flatten, look: Look, now_s: float, *, fresh: bool) -> Move:
    """Flat is what books that can be read and list something say, twice; an empty list says nothing."""
    read = look.report is not None and (
        look.paper or (look.state is not None and look.state.held is not None)
    )
    if not read or look.report is None:
        return _patience(wish, now_s, "The broker's books cannot be read")
    held = () if look.state is None else look.state.held or ()
    if not look.report.positions or not (held or look.paper):
        return _patience(wish, now_s, "The broker lists no position at all, which proves nothing")
    rows = [row for row in held if row.units]
    theirs = [row for row in rows if row.key not in wish.own]
    open_keys = {row.key for row in look.report.positions if row.net_quantity}
    if rows or open_keys or look.working or look.live:
        ours = open_keys.intersection(wish.own) or len(theirs) < len(rows) or look.working or look.live
        if theirs and not ours and not wish.others:
            wish.reads += fresh
            names = ", ".join(map(str, theirs))
            if wish.reads >= FLAT_READS:
                end = Step.STUCK if wish.kill else Step.DONE
                return Move(end, note=f"All of ours is flat. Not ours and still open: {names}")
            return WAIT
        wish.reads = 0
        names = ", ".join(map(str, rows)) or "an order, or a contract of ours"
        return _patience(wish, now_s, f"Still open: {names}")
    wish.reads += fresh
    if wish.reads < FLAT_READS:
        return WAIT
    return Move(Step.KILL if wish.kill else Step.DONE)


def _kill(wish: Flatten, look: Look, now_s: float) -> Move:
    """Look, switch, look: it is never sent on an old look."""
    if look.state is None or look.state.killed is None:
        return _patience(wish, now_s, "Dhan does not say how its kill switch stands")
    if look.state.killed:
        return Move(Step.DONE)
    if wish.sent_s is not None and now_s < wish.sent_s + UNDER_WAY_S:
        return WAIT
    if wish.tries >= MOST_TRIES:
        return Move(Step.STUCK, note="The kill switch is not on after three tries")
    return Move(send=Verb.KILL)


def _confirm(wish: Flatten, look: Look, now_s: float) -> Move:
    """Dhan has said yes: it must show, too."""
    if look.state is not None and look.state.killed:
        return Move(Step.DONE)
    if now_s >= wish.since_s + CONFIRM_LIMIT_S:
        return Move(Step.STUCK, note="Dhan took the kill switch, but does not show it as on")
    return WAIT


def _patience(wish: Flatten, now_s: float, why: str) -> Move:
    """Wait, but not for ever."""
    return Move(Step.STUCK, note=why) if now_s >= wish.since_s + VERIFY_LIMIT_S else WAIT


def units_of(rows: tuple[Held, ...]) -> dict[str, int]:
    """What is open by name and product, to see whether something has moved."""
    return {f"{row.name} {row.product}": row.units for row in rows}
