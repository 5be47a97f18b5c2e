"""Situations and snapshots for the tests of single rules."""

from __future__ import annotations

from dataclasses import replace

from engine.io import tables
from engine.payoff import payoff
from engine.rules.base import Amount, Due, Limits, Ratchet, Refusal, Situation, Snapshot
from engine.rules.registry import rules

CALENDAR = tables.calendar()


def situation(position, text="", calendar=CALENDAR, entry=None, **more):
    """What a rule learns when it is armed for this position."""
    shape = payoff(position.legs)
    ruleset = tables.rulebook(text).rules_for(position.symbol, position.strategy)
    return Situation(position, shape, calendar, ruleset.settings, entry or position.combinations, **more)


def amount(name, setting, position, text="") -> Amount:
    """Arm a rule of money that must not be refused; the setting is written as TOML would give it."""
    rule = rules()[name]
    params = rule.arm(rule.read(setting), situation(position, text))
    assert isinstance(params, Amount), params
    return params


def due(name, setting, position, text="", calendar=CALENDAR) -> Due:
    """Arm a rule of time that must not be refused."""
    rule = rules()[name]
    params = rule.arm(rule.read(setting), situation(position, text, calendar))
    assert isinstance(params, Due), params
    return params


def ratchet(name, setting, position) -> Ratchet:
    """Arm a rule that follows its peak and must not be refused."""
    rule = rules()[name]
    params = rule.arm(rule.read(setting), situation(position))
    assert isinstance(params, Ratchet), params
    return params


def limits(name, setting, position, **more) -> Limits:
    """Arm a rule of the market that must not be refused."""
    rule = rules()[name]
    params = rule.arm(rule.read(setting), situation(position, **more))
    assert isinstance(params, Limits), params
    return params


def refusal(name, setting, position, text="", **more) -> Refusal:
    """Arm a rule that must be refused."""
    rule = rules()[name]
    params = rule.arm(rule.read(setting), situation(position, text, **more))
    assert isinstance(params, Refusal), params
    return params


def seen(pnl_paise, now_s=0.0, **more) -> Snapshot:
    """A snapshot in which mark and stop see the same P&L."""
    return replace(Snapshot(now_s, pnl_paise, pnl_paise), **more)
