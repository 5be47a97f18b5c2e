"""What a rule is made of, and the order in which rules speak.

A rule's life has three steps: its setting is *read* from text once, *armed* for a position (which
fixes its parameters, or refuses with a sentence), and *judged* against a snapshot, again and again.
P&L amounts are signed integer paise, moments epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, IntEnum, auto
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from engine.guards import Guard
    from engine.model import Position, Verdict
    from engine.payoff import Payoff
    from engine.sensitivity import Sensitivity
    from engine.sessions import Calendar

SettingT = TypeVar("SettingT")
ParamsT = TypeVar("ParamsT", bound="Params")


def in_words(rule: str) -> str:
    """The name of a rule for people: ``stop_loss_rupees`` -> ``Stop loss rupees``."""
    return rule.replace("_", " ").capitalize().replace(" dte", " DTE")


class Kind(Enum):
    """What a rule lives on, which decides how it is confirmed.

    PROFIT goes by believable marks of all legs; LOSS also by what stands in for a wide leg; CLOCK
    needs any price that a stop could go by, and no confirmation.
    """

    PROFIT = auto()
    LOSS = auto()
    CLOCK = auto()


class Rank(IntEnum):
    """Precedence of rules met at the same moment, first speaks first."""

    FORCED = 0
    DAY_LIMIT = 1
    EXPIRY = 2
    RUPEES = 3
    STOP = 4
    TRAILING = 5
    TARGET = 6
    SCALING = 7
    CLOCK = 8


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that rules may look at, at one moment.

    Attributes:
        marked_paise: P&L of the open legs at believable marks; None = a leg has none.
        guarded_paise: the same as loss rules count it; None = a leg cannot be priced at all.
        realised_paise: what partial exits have brought already.
        open_share: share of the entry combinations still open, which an exit would close.
        underlying_paise: the underlying's believable price; None = unknown.
        model: what the model said when it was last asked, a second ago at most; None = nothing.
    """

    now_s: float
    marked_paise: int | None
    guarded_paise: int | None
    realised_paise: int = 0
    open_share: float = 1.0
    underlying_paise: int | None = None
    model: Sensitivity | None = None


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """The keys of a rule table that are no rules themselves.

    Attributes:
        guard: when a quote is believed.
        confirm_s: how long a loss must last.
        time_exit_at, expiry_exit_at: clock times in IST, ``HH:MM``.
        no_exit_before: opening gate, ``HH:MM``: until then verdicts wait.
        time_exit_dte_always: also for positions entered within the days.
        liquidation: loss rules count what closing would give instead of the mark.
        debit_basis: a calendar's stop is in per cent of the premium paid.
    """

    guard: Guard
    confirm_s: float
    time_exit_at: str
    no_exit_before: str
    time_exit_dte_always: bool
    expiry_exit_at: str
    liquidation: bool
    debit_basis: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule may know of a position when it is armed.

    Attributes:
        entry_combinations: how many combinations were entered; those still open are the position's.
        entry_spot_paise: the underlying's price when the position was entered; None = unknown.
        entry_passed: and it will not become known any more.
    """

    position: Position
    payoff: Payoff
    calendar: Calendar
    settings: RuleSettings
    entry_combinations: int
    entry_spot_paise: int | None = None
    entry_passed: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """A rule that waits for a P&L.

    Attributes:
        threshold_paise: of the open legs alone, or with what is realised (`Rule.with_realised`).
        text: what the threshold is, e.g. ``50 % of the maximum profit ₹3,055.00``.
    """

    threshold_paise: int
    text: str


@dataclass(frozen=True, slots=True)
class Level(Amount):
    """One level of a rule that closes the position part by part; each is armed by itself.

    Attributes:
        at: its place among the levels: once it has acted, no level up to it acts again.
        closes, open, entry: combinations that it closes, that are open, and that were entered.
    """

    at: Fraction
    closes: int
    open: int
    entry: int


@dataclass(frozen=True, slots=True)
class Due:
    """A rule that waits for the clock.

    Attributes:
        warn_s: moments before, ascending, at each of which the owner is told.
    """

    due_s: float
    text: str
    warn_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Daily:
    """A rule that waits for the same clock time (``HH:MM``, IST) in every session."""

    clock: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratchet:
    """A rule whose threshold rises with the highest P&L there was, and never falls.

    Attributes:
        arms_paise: from this P&L on the peak counts.
        with_realised: every amount here counts realised P&L; False: the open legs alone.
        floor_paise: at and below it the rule is silent; None = never.
        peak_paise: the highest P&L since it was armed; None = not armed yet.
    """

    arms_paise: int
    with_realised: bool
    floor_paise: int | None = None
    peak_paise: int | None = None

    def level(self, peak_paise: int) -> int:
        """The P&L at and below which the rule fires after this peak; grows with it."""
        raise NotImplementedError

    def follows(self, other: Self) -> bool:
        """Whether `level` is nowhere below the other's, at any peak from where the other arms."""
        raise NotImplementedError

    def never_later(self, other: Self) -> bool:
        """Whether it fires on every course of the P&L no later than the other, and is silent nowhere else.

        It arms no later, so its peak is no lower; its level grows with the peak and is nowhere below;
        and it is silent only where the other is.
        """
        floor, others = self.floor_paise, other.floor_paise
        loud = floor is None or (others is not None and floor <= others)
        same = self.with_realised == other.with_realised and self.arms_paise <= other.arms_paise
        return same and loud and self.follows(other)

    @property
    def text(self) -> str:
        """What the threshold is, now."""
        raise NotImplementedError

    @property
    def level_paise(self) -> int | None:
        """The threshold now; None = not armed yet."""
        return None if self.peak_paise is None else self.level(self.peak_paise)

    def seen(self, pnl_paise: int) -> Self:
        """The same rule after this P&L was seen."""
        least = self.arms_paise if self.peak_paise is None else self.peak_paise + 1
        return self if pnl_paise < least else replace(self, peak_paise=pnl_paise)

    def met(self, pnl_paise: int) -> bool:
        """Whether this P&L is at or below the threshold, and not where the rule is silent."""
        level = self.level_paise
        if level is None or pnl_paise > level:
            return False
        return self.floor_paise is None or pnl_paise > self.floor_paise


@dataclass(frozen=True, slots=True)
class Limits:
    """A rule that waits for a measure of something else than P&L (`Rule.measure`).

    Attributes:
        low, high: met at and below, at and above; None = no limit on that side.
        clear: how far inside a measure must be again before the rule may fire anew.
        short: the limits in a few words.
    """

    low: float | None
    high: float | None
    clear: float
    text: str
    short: str

    def never_later(self, other: Limits) -> bool:
        """Whether every value that meets the other meets it too."""
        low = other.low is None or (self.low is not None and self.low >= other.low)
        return low and (other.high is None or (self.high is not None and self.high <= other.high))

    def met(self, value: float, margin: float = 0.0) -> bool:
        """Whether a value is at or beyond a limit, drawn in by a margin."""
        below = self.low is not None and value <= self.low + margin
        return below or (self.high is not None and value >= self.high - margin)


Params = Amount | Due | Daily | Ratchet | Limits
"""What a rule waits for, fixed for one position."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that cannot guard this position, with the sentence why.

    Attributes:
        refused: the owner asked for something impossible; False: it just does not apply.
    """

    text: str
    refused: bool = True


@dataclass(frozen=True, slots=True)
class Rule(Generic[SettingT, ParamsT]):
    """One way out.

    Attributes:
        read: setting as TOML gives it -> setting; raises ValueError saying what was expected.
        arm: setting and position -> parameters (of each level, where there are several), or why not.
        judge: what it says at a moment, confirmation aside; None = nothing.
        with_realised: its threshold counts realised P&L (a `Ratchet` says so itself).
        measure: what `Limits` are compared with; None = unknown now.
        model: the measure is the model's, which is asked once a second, not at every price.
        at_entry: it is armed anew once the underlying's price at entry is known, or surely unknown.
        merge: what several levels say that are met at one moment.
    """

    name: str
    kind: Kind
    rank: Rank
    read: Callable[[Any], SettingT]
    arm: Callable[[SettingT, Situation], ParamsT | tuple[ParamsT, ...] | Refusal]
    judge: Callable[[Snapshot, ParamsT], Verdict | None]
    with_realised: bool = False
    measure: Callable[[Snapshot, ParamsT], float | None] | None = None
    model: bool = False
    at_entry: bool = False
    merge: Callable[[Snapshot, Sequence[ParamsT]], Verdict] | None = None
