"""The strategy that freqtrade loads: its own target (minimal_roi) and stop (stoploss), and nothing else."""

from __future__ import annotations

from freqtrade.strategy import IStrategy


class TargetAndStop(IStrategy):  # type: ignore[misc]
    """A target and a stop on a trade's P&L."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {"0": 0.5}  # noqa: RUF012 - as freqtrade wants it
    stoploss = -0.25
    use_exit_signal = False
