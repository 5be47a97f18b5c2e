"""The strategy that freqtrade loads: its own target (minimal_roi) and stop (stoploss), and nothing else."""

from __future__ import annotations

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class TargetAndStop(IStrategy):  # type: ignore[misc]
    """A target and a stop on a trade's P&L."""

    INTERFACE_VERSION = 3
    timeframe = "1h"
    minimal_roi = {"0": 0.5}  # noqa: RUF012 - as freqtrade wants it
    stoploss = -0.25

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """None are wanted."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Nothing is ever entered."""
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """No signal exits."""
        return dataframe
