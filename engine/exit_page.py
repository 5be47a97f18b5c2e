"""What an exit that somebody wants from the host is about, and how far it is. Pure.

The same words as on the exit's card, because both tell one story.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.cards import exit_card
from engine.drawing import picture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.intents import Intent
    from engine.monitor import Monitor
    from engine.view import PositionView

__all__ = ["ExitNow", "ExitsNow", "exits_now", "told_lines"]


@dataclass(frozen=True, slots=True)
class ExitNow:
    """One exit of the day.

    Attributes:
        state: `engine.intents.IntentState`'s word.
        title, lines: of its card, for a wide screen.
        flat: it has ended, and nothing is left of what it was to close.
    """

    id: str
    position: str
    state: str
    live: bool
    flat: bool
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExitsNow:
    """A strategy id's positions and exits.

    Attributes:
        impossible: why a person's exit cannot be taken on now; empty = it can.
        positions: in whatever state; none = none is known.
        exits: of the day, the oldest first.
        sandbox: no order of these reaches a real exchange.
    """

    impossible: str
    positions: tuple[PositionView, ...]
    exits: tuple[ExitNow, ...]
    sandbox: bool = False


def told_lines(lines: Iterable[str]) -> list[str]:
    """A card's lines for a wide screen: what stands below a contract on the phone stands beside it."""
    told: list[str] = []
    for line in lines:
        if line.startswith("  ") and told:
            told[-1] = (
                f"{told[-1]}: {line.strip()}" if ": " not in told[-1] else f"{told[-1]}, {line.strip()}"
            )
        else:
            told.append(line)
    return told


def exits_now(monitor: Monitor, now_s: float, strategy_id: int) -> ExitsNow:
    """Draw them at this moment."""
    number = str(strategy_id)
    intents = [i for i in monitor.desk.intents.values() if i.position.rpartition("/")[2] == number]
    return ExitsNow(
        monitor.helm.exit_impossible(now_s),
        picture(monitor, now_s, strategy_id).full,
        tuple(_exit(intent) for intent in sorted(intents, key=lambda intent: intent.id)),
        monitor.helm.config.sandbox,
    )


def _exit(intent: Intent) -> ExitNow:
    card = exit_card(intent, None)
    state = intent.state
    return ExitNow(
        intent.id, intent.position, state, state.live, state.flat, card.title, tuple(told_lines(card.lines))
    )
