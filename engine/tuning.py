"""What the owner may set of how an exit trades and is asked about, and of the broker's own nets below it."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.shown import Tolerance

__all__ = ["BY_SLICE", "AskTuning", "NetTuning", "Tuning"]

#: In place of a number of lots: batches so small that each leg's share of one is one order at most.
BY_SLICE = -1


@dataclass(frozen=True, slots=True)
class Tuning:
    """How patient exits are, and in what steps they go.

    Attributes:
        cap_wait_s: how long a limit stands at its cap before the owner is told, and before a loss, day
            limit, expiry or forced exit goes on to the exchange's band.
        patient_wait_s: after how long a patient exit takes a new mid, and after as long again tells.
        ioc: an urgent exit asks with orders that fill at once or not at all, until it is at its cap.
        batch_lots: lots of the smallest leg in one batch (`engine.batches`); 0 = all shorts, then all longs;
            `BY_SLICE` = the same while no leg is above its freeze quantity, else one order of it a batch.
        naked_budget_s: for how long an exit may leave more risk without a hedge than it began with, before
            it sells no more hedges (`engine.naked`).
    """

    cap_wait_s: float = 20.0
    patient_wait_s: float = 120.0
    ioc: bool = False
    batch_lots: int = 0
    naked_budget_s: float = 20.0


@dataclass(frozen=True, slots=True)
class NetTuning:
    """Which of the broker's own nets are wanted; all of them are about the whole account.

    Attributes:
        pnl_exit: Dhan's P&L-based exit is armed beyond our own day stop.
        pnl_exit_extra_pct: how far beyond, in per cent of it.
        kill_after_flat: the kill switch, once a day limit or /flatten has brought the account flat.
        exit_all: /flatten may use Dhan's exit of everything for what is not ours.
    """

    pnl_exit: bool = False
    pnl_exit_extra_pct: float = 25.0
    kill_after_flat: bool = False
    exit_all: bool = False


@dataclass(frozen=True, slots=True)
class AskTuning:
    """How questions about exits are asked.

    Attributes:
        tolerance: how far prices may have moved since a question was shown for a yes to count.
        stop_exits: a stop that was asked about three times in vain exits by itself.
        loosen_pct: how much farther than its source has it a rule may be set from the chat; 0 = nothing
            is loosened there.
    """

    tolerance: Tolerance = field(default_factory=Tolerance)
    stop_exits: bool = False
    loosen_pct: float = 50.0
