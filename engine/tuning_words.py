"""The settings of `engine.tuning`, read: what each wants to be, and which one it becomes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from engine import words
from engine.shown import Tolerance
from engine.tuning import AskTuning, NetTuning, Tuning

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TUNING_WORDS", "ask_tuning", "exit_tuning", "net_tuning"]

#: What each setting wants to be.
TUNING_WORDS = {
    "EXIT_IOC": "on or off (default off)",
    "EXIT_CAP_WAIT_S": "seconds from 1 to 600 (default 20)",
    "EXIT_PATIENT_WAIT_S": "seconds from 20 to 3600 (default 120)",
    "EXIT_BATCH_LOTS": "lots from 0 to 1000 (default 0: all shorts, then all longs), or the word freeze",
    "EXIT_NAKED_S": "seconds from 0 to 600 (default 20)",
    "BROKER_PNL_EXIT": "on or off (default off)",
    "BROKER_PNL_EXIT_EXTRA_PCT": "per cent from 5 to 500 (default 25)",
    "KILL_SWITCH_AFTER_FLAT": "on or off (default off)",
    "ALLOW_EXIT_ALL": "on or off (default off)",
    "CONFIRM_TOLERANCE_RUPEES": "rupees from 0 to 10000000 (default 1000)",
    "CONFIRM_TOLERANCE_PCT": "per cent from 0 to 50 (default 3)",
    "CHAT_LOOSEN_PCT": "per cent from 0 (never) to 200 (default 50)",
    "STOP_UNANSWERED": "ask (the default: until somebody answers) or exit (after three questions in vain)",
}


class Reader(Protocol):
    """Takes one setting, parsed, or its default."""

    def __call__(self, name: str, parse: Callable[[str], Any], default: Any) -> Any:
        """The value of the setting of this name."""
        ...


def exit_tuning(read: Reader) -> Tuning:
    """How exits trade."""
    usual = Tuning()
    return Tuning(
        read("EXIT_CAP_WAIT_S", words.number(1, 600), usual.cap_wait_s),
        read("EXIT_PATIENT_WAIT_S", words.number(20, 3_600), usual.patient_wait_s),
        read("EXIT_IOC", words.switch, usual.ioc),
        read("EXIT_BATCH_LOTS", words.batch_lots, usual.batch_lots),
        read("EXIT_NAKED_S", words.number(0, 600), usual.naked_budget_s),
    )


def net_tuning(read: Reader) -> NetTuning:
    """Which of the broker's own nets are wanted."""
    usual = NetTuning()
    return NetTuning(
        read("BROKER_PNL_EXIT", words.switch, usual.pnl_exit),
        read("BROKER_PNL_EXIT_EXTRA_PCT", words.number(5, 500), usual.pnl_exit_extra_pct),
        read("KILL_SWITCH_AFTER_FLAT", words.switch, usual.kill_after_flat),
        read("ALLOW_EXIT_ALL", words.switch, usual.exit_all),
    )


def ask_tuning(read: Reader) -> AskTuning:
    """How questions are asked."""
    usual = AskTuning()
    rupees = read("CONFIRM_TOLERANCE_RUPEES", words.number(0, 10_000_000), usual.tolerance.paise / 100)
    pct = read("CONFIRM_TOLERANCE_PCT", words.number(0, 50), usual.tolerance.pct)
    stop_exits = read("STOP_UNANSWERED", _stop_exits, usual.stop_exits)
    loosen_pct = read("CHAT_LOOSEN_PCT", words.number(0, 200), usual.loosen_pct)
    return AskTuning(Tolerance(round(rupees * 100), pct), stop_exits, loosen_pct)


def _stop_exits(word: str) -> bool:
    """``ask`` or ``exit``. Raises ValueError for anything else."""
    if word.lower() not in {"ask", "exit"}:
        raise ValueError
    return word.lower() == "exit"
