"""Which strategy of which recorded day shows which rule.

The strategies are those of ``examples/trades_every_rule_*.csv``; each is closed by its rule on that day.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pick:
    """One rule and where it is seen at work.

    Attributes:
        rule: its key.
        title: of the picture.
        formula: when it fires.
        day: the recorded day, as `tests.engine.replay.every_rule` names it.
        numbers: the strategies; several where an account's day is shown.
        limit: what the threshold is called; empty = the rule goes by the clock.
        unit: of what is compared with the limit: ``pnl``, ``price``, ``delta`` or ``share``.
        kind: set where one rule is shown twice: a part of the picture's name.
    """

    rule: str
    title: str
    formula: str
    day: str
    numbers: tuple[int, ...]
    limit: str = ""
    unit: str = "pnl"
    kind: str = ""

    @property
    def measures(self) -> str:
        """What is compared with the limit of a rule that does not go by P&L."""
        return _MEASURES[self.rule]

    @property
    def counts(self) -> str:
        """Which P&L is drawn."""
        if self.of_account:
            return "the day’s P&L; thin: each position’s" if len(self.numbers) > 1 else "the day’s P&L"
        return "P&L of what is open" if self.rule == "profit_scaling" else "P&L"

    @property
    def name(self) -> str:
        """Of its picture, without the ending."""
        return f"{self.rule}_{self.kind}" if self.kind else self.rule

    @property
    def of_account(self) -> bool:
        """Whether it limits an account's day, not a position."""
        return self.rule.startswith("day_")


_MEASURES = {
    "stop_underlying": "price of the underlying",
    "stop_delta": "size of the net delta, one unit of each combination",
    "stop_leg_delta": "size of the larger delta of the sold options",
    "theta_captured": "share of the sold time value that is gone",
    "theta_burn": "a day’s theta as a share of the value",
}
FRIDAY, OCTOBER = "2025-08-29", "2025-10"

GROUPS = {
    "Profits": (
        Pick("profit_target", "Profit target", "P&L ≥ share × basis", "2019-05-24", (5401,), "target"),
        Pick(
            "profit_target_rupees", "Profit target in rupees", "P&L ≥ amount, realised included", FRIDAY,
            (1108,), "target",
        ),
        Pick(
            "profit_scaling", "Scaling out", "P&L of what is open ≥ at × its basis, level by level", FRIDAY,
            (1113,), "next level",
        ),
        Pick(
            "trailing_stop", "Trailing stop",
            "once P&L ≥ activate × basis: P&L ≤ peak × (1 − give back), and P&L > floor × basis", FRIDAY,
            (1103,), "trailing",
        ),
        Pick(
            "trailing_stop", "Trailing stop in rupees", "once P&L ≥ amount: P&L ≤ peak − given back", FRIDAY,
            (1114,), "trailing", kind="rupees",
        ),
        Pick(
            "lock_profit", "Locked-in profit", "once P&L ≥ reach: P&L ≤ keep, of the highest tier reached",
            FRIDAY, (1109,), "kept",
        ),
    ),
    "Losses": (
        Pick("stop_loss", "Stop in per cent", "P&L ≤ −share × |maximum loss|", FRIDAY, (1104,), "stop"),
        Pick(
            "stop_loss_rupees", "Stop in rupees", "P&L ≤ −amount, realised included", "2019-05-20", (5103,),
            "stop",
        ),
        Pick(
            "stop_credit_multiple", "Stop at a multiple of the credit", "P&L ≤ −multiple × credit", OCTOBER,
            (4108,), "stop",
        ),
        Pick(
            "stop_margin", "Stop in per cent of the margin", "P&L ≤ −share × margin", FRIDAY, (1107,), "stop"
        ),
        Pick(
            "stop_underlying", "Stop by the underlying’s price", "price < below or price > above",
            "2019-05-20", (5106,), "above", "price",
        ),
        Pick(
            "stop_delta", "Stop by net delta", "|net delta of one unit of a combination| ≥ limit", FRIDAY,
            (1105,), "limit", "delta",
        ),
        Pick(
            "stop_leg_delta", "Stop by a sold option’s delta", "|delta of any sold option| ≥ limit", FRIDAY,
            (1106,), "limit", "delta",
        ),
    ),
    "Clock and time value": (
        Pick(
            "time_exit_dte", "Days to expiry", "calendar days to expiry ≤ days, at `time_exit_at`", OCTOBER,
            (4101,),
        ),
        Pick(
            "max_holding_days", "Sessions held", "sessions since entry ≥ days, at `time_exit_at`", OCTOBER,
            (4102,),
        ),
        Pick("max_holding_minutes", "Minutes held", "now ≥ entry + minutes", FRIDAY, (1111,)),
        Pick(
            "theta_captured", "Time value captured", "1 − E / E at entry ≥ share", OCTOBER, (4104,), "limit",
            "share",
        ),
        Pick(
            "theta_burn", "Time value burning", "a day’s theta ≥ share × mark value", FRIDAY, (1110,),
            "limit", "share",
        ),
        Pick("exit_at", "Daily square-off", "clock ≥ time", FRIDAY, (1112,)),
        Pick("expiry_exit", "Expiry", "on expiry day, clock ≥ `expiry_exit_at`", OCTOBER, (4103,)),
    ),
    "An account’s day": (
        Pick(
            "day_loss_rupees", "An account’s day: loss", "the day’s P&L ≤ −amount", FRIDAY, (1116, 1117),
            "limit",
        ),
        Pick(
            "day_profit_rupees", "An account’s day: profit", "the day’s P&L ≥ amount", FRIDAY, (1118, 1119),
            "target",
        ),
        Pick(
            "day_trailing", "An account’s day: trailing",
            "once the day’s P&L ≥ amount: P&L ≤ its highest − given back", FRIDAY, (1120,), "trailing",
        ),
    ),
}  # fmt: skip
PICKS = tuple(pick for group in GROUPS.values() for pick in group)
