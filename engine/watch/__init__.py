"""Watching: ticks in, judgements out; the hot path of the house."""

from engine.watch.figures import Figures
from engine.watch.nouns import Judgement, Memory, RuleNote, Standing
from engine.watch.watchlist import Watchlist

__all__ = ["Figures", "Judgement", "Memory", "RuleNote", "Standing", "Watchlist"]
