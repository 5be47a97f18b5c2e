"""What the owner is told of positions, trade store and instrument master while they are kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.messages import Wish
from engine.model import Urgency
from engine.modes import MODE_MEANS
from engine.rules.levels import TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.effects import Effect
    from engine.helm import Helm
    from engine.messages import BooksState
    from engine.model import ExitLevel, Position
    from engine.reconcile import Opposed
    from engine.trades import InvalidPosition
    from engine.watch import RuleNote


def running(helm: Helm, now_s: float) -> Alert:
    """The start is over: what it does, how much it watches, and what keeps it from doing so."""
    number = sum(not helm.differences.unwatched(name) for name in helm.holdings.positions)
    watched = f"{number or 'No'} position{'s are' if number > 1 else ' is'} watched"
    mode = f"Mode {helm.mode}: {MODE_MEANS[helm.mode]}"
    text = f"{mode}. {watched}. The broker's books and the trade store are read."
    if helm.halted:
        text += " Rules are halted by /stop; /resume ends that."
    if why := helm.degraded(now_s):
        text += f" Rules only tell: {why.rstrip('. ')}."
    return Alert(Urgency.NORMAL, "running", "Prahari is running", text)


def no_master(why: str) -> Alert:
    """The instrument master could not be loaded, and why."""
    text = f"{why} Contracts that are not known cannot be watched."
    return Alert(Urgency.HIGH, "instruments", "The instrument master cannot be read", text)


def empty_store() -> Alert:
    """No open row came, though there were some."""
    text = "The trade store answered without a single open row; nothing is dropped yet."
    return Alert(Urgency.MEDIUM, "empty-store", "No open rows in the trade store", text)


def feed_needs_you(why: str) -> Alert:
    """The feed does not come back by itself."""
    return Alert(Urgency.HIGH, "feed", "The price feed needs you", why)


def feed_mended(how: str) -> Alert:
    """What a person had to do about the feed is done."""
    text = f"{how[:1].upper()}{how[1:].rstrip('. ')}. There is nothing left to do."
    return Alert(Urgency.MEDIUM, "feed-back", "The price feed is back", text)


def feed_full(how: str) -> Alert:
    """There are more instruments than sockets have room for."""
    return Alert(Urgency.HIGH, "feed-full", "The price feed needs you", how)


def feed_has_room() -> Alert:
    """All instruments have a place again."""
    text = "Sockets have room for every instrument."
    return Alert(Urgency.MEDIUM, "feed-has-room", "The price feed carries all again", text)


def updates_stopped(why: str) -> Alert:
    """The order-update socket stays away."""
    text = (
        f"{why}. Orders are followed by reading the books every few seconds, which is slower. "
        "A new access token, or a restart, brings the updates back."
    )
    return Alert(Urgency.MEDIUM, "order-updates", "Order updates have stopped", text)


def updates_back() -> Alert:
    """It is there again."""
    text = "Dhan tells of each order at once again."
    return Alert(Urgency.MEDIUM, "order-updates-back", "Order updates are back", text)


def stray(level: ExitLevel) -> Alert:
    """A row of exit levels that does not even say whose it is."""
    title = f"{TABLE} row {level.id} is ignored"
    return Alert(Urgency.MEDIUM, f"exit-level:{level.id}", title, level.fault)


def invalid(bad: InvalidPosition) -> Alert:
    """Rows that make no position."""
    return Alert(Urgency.HIGH, f"invalid:{bad.id}", "A position cannot be watched", bad.why, bad.id)


def expired(position: Position, words: str) -> Alert:
    """Legs of a position have expired while the store still lists them; the others stay watched."""
    text = (
        f"{position.symbol} {position.strategy}: {words} What is left is watched without it: rules and P&L "
        "count the other legs alone. Its row ends without a price when the rest is closed: enter it in the "
        "store."
    )
    return Alert(
        Urgency.HIGH, f"expired:{position.id}", "A leg has expired; the rest goes on", text, position.id
    )


def both_ways(pair: Opposed) -> Alert:
    """A contract in which two positions face each other."""
    title = "Two positions hold one contract both ways"
    return Alert(Urgency.HIGH, f"opposed:{pair.key}", title, pair.text)


def unprotected(position: Position) -> Alert:
    """A position without any loss rule."""
    text = f"{position.symbol} {position.strategy}: no loss rule guards this position."
    topic = f"unprotected:{position.id}"
    return Alert(Urgency.MEDIUM, topic, "Unprotected position", text, position.id)


def changed(position: Position, why: str, odd: Sequence[str] = ()) -> Alert:
    """A held contract that is another one in the new instrument master; ``odd``: legs with an odd rest."""
    rest = f" {'; '.join(odd)}: the odd rest cannot be traded any more, ask the broker." if odd else ""
    text = (
        f"{position.symbol} {position.strategy}: {why}.{rest} Its rules only tell until you have looked. "
        "Correct its rows if they are wrong; /resume takes the new contract over."
    )
    topic = f"contract:{position.id}:{why}"
    return Alert(Urgency.HIGH, topic, "A contract has changed", text, position.id, (Wish.RESUME,))


def gone(position: Position) -> Alert:
    """A position whose rows were ended by somebody else."""
    text = (
        f"{position.symbol} {position.strategy}: its rows are gone from the trade store, or closed there by "
        "somebody else. Its rules do not act any more."
    )
    return Alert(Urgency.MEDIUM, f"gone:{position.id}", "A position is no longer watched", text, position.id)


def refusal(position: Position, note: RuleNote, urgency: Urgency) -> Alert:
    """A rule that does not guard a position; a mistake of the owner's is always MEDIUM."""
    urgency = Urgency.MEDIUM if note.mistake else urgency
    why = note.text if urgency is Urgency.MEDIUM else f"{note.text.partition(';')[0]}. Another rule guards it"
    return Alert(
        urgency,
        f"rule:{position.id}:{note.rule}",
        f"{note.rule} is ignored" if note.mistake else f"Rule {note.rule} is off",
        f"{position.symbol} {position.strategy}: {why}.",
        position.id,
    )


def books(state: BooksState, _now_s: float) -> list[Effect]:
    """The file of executions cannot be written, has been mended, or takes lines again."""
    topic, title = f"books:{state.state}", f"The file of executions {state.state}"
    return [Alert(Urgency.MEDIUM, topic, title, state.detail)]
