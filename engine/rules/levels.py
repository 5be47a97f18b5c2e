"""Rows of ``strategy_exit_levels`` as settings of rules.

A row names a rule by three words (exit type, level name, trigger type) and gives it one value. A row
that means nothing is named and left aside; the others count.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.rules.layers import Entry, Layer, Table, Unheeded
from engine.rules.reading import written
from engine.rules.registry import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model import ExitLevel

TABLE = "strategy_exit_levels"
_SCALING = "scaling_25, scaling_50, scaling_75 …"
#: What a scaling level closes unless its row says otherwise.
_QUARTER = Decimal(25)
#: What every other row closes.
_ALL = Decimal(100)


def _share(value: Decimal) -> Decimal:
    """Per cent as a fraction: 50.00 -> 0.5.

    Raises:
        ValueError: less than one per cent, which is a fraction by mistake and would fire at once.
    """
    if 0 < abs(value) < 1:
        raise ValueError(f"trigger_value: read {value} per cent, expected 1 or more (50.00 means 50 %)")
    return _plain(value / 100)


def _days(value: Decimal) -> int | Decimal:
    return int(value) if value == value.to_integral_value() else value


def _plain(value: Decimal) -> Decimal:
    return Decimal(f"{value.normalize():f}")


_Read = tuple[str, "Callable[[Decimal], Any]"]

#: exit type -> level name -> trigger type -> the rule, and its setting as TOML would give it. A stop's
#: sign says nothing: a level of loss is meant.
_MEANINGS: dict[str, dict[str, dict[str, _Read]]] = {
    "profit_target": {
        "primary": {"percentage": ("profit_target", _share), "price": ("profit_target_rupees", _plain)},
        "trailing": {
            "percentage": ("trailing_stop", lambda value: {"give_back": _share(value)}),
            "price": ("trailing_stop", lambda value: {"give_back_rupees": _plain(value)}),
        },
        "scaling": {"percentage": ("profit_scaling", _share)},
    },
    "stop_loss": {
        "primary": {
            "percentage": ("stop_loss", lambda value: -_share(abs(value))),
            "price": ("stop_loss_rupees", lambda value: _plain(abs(value))),
        },
    },
    "time_exit": {"primary": {"dte": ("time_exit_dte", _days)}},
    "greek_trigger": {
        "primary": {"greek_value": ("stop_delta", lambda value: _plain(abs(value)))},
        "delta": {"greek_value": ("stop_delta", lambda value: _plain(abs(value)))},
        "leg_delta": {"greek_value": ("stop_leg_delta", lambda value: _plain(abs(value)))},
    },
}
_MEANINGS["stop_loss"]["trailing"] = _MEANINGS["profit_target"]["trailing"]


def settings_of(levels: Sequence[ExitLevel]) -> tuple[Table, tuple[Unheeded, ...]]:
    """What the rows of one strategy ask for.

    Returns:
        The rules' settings, and a sentence with its row for each that is not heeded: a word nobody
        knows, a value the rule does not take, or a rule that an earlier row sets already.
    """
    table: Table = {}
    ignored: list[Unheeded] = []
    steps: list[ExitLevel] = []
    for level in sorted(levels, key=lambda level: level.id):
        if not level.enabled:
            continue
        try:
            rule, setting = _meaning(level)
            if rule == "profit_scaling":
                steps.append(level)
                continue
            origin = f"{TABLE} row {level.id}"
            table[rule] = _entry(rule, setting, origin, f"{level.value}, that is ", table.get(rule))
            if level.close_pct not in {None, _ALL}:
                ignored.append(_no_part(level, rule))
        except ValueError as error:
            ignored.append(Unheeded(f"{TABLE} row {level.id}", f"row {level.id}: {error}"))
    if steps:
        numbers = ", ".join(str(level.id) for level in steps)
        where = f"{TABLE} row{'s' * (len(steps) > 1)} {numbers}"
        try:
            table["profit_scaling"] = _entry("profit_scaling", _scaling(steps), where)
        except ValueError as error:
            ignored.append(Unheeded(where, f"rows {numbers}: {error}"))
    return table, tuple(ignored)


def _no_part(level: ExitLevel, rule: str) -> Unheeded:
    """A part that is asked for where only the whole can be closed; the row's rule stands all the same."""
    return Unheeded(
        f"close_percentage of {TABLE} row {level.id}",
        f"row {level.id}: close_percentage: read {level.close_pct}, expected 100 or nothing: "
        f"{rule} closes all of the position",
    )


def _meaning(level: ExitLevel) -> tuple[str, Any]:
    """The rule of a row and its setting.

    Raises:
        ValueError: the column, what was read, what was expected.
    """
    if level.fault:
        raise ValueError(level.fault)
    names = _known(_MEANINGS, "exit_type", level.exit_type, "")
    name = "scaling" if re.fullmatch(r"scaling_[1-9][0-9]?", level.level_name) else level.level_name
    words = ", ".join(_SCALING if known == "scaling" else known for known in names)
    if name not in names or level.level_name == "scaling":
        raise ValueError(f"level_name: read {level.level_name!r} for {level.exit_type}, expected {words}")
    rule, setting = _known(
        names[name], "trigger_type", level.trigger_type, f" for {level.exit_type} {level.level_name}"
    )
    if rule not in rules():
        raise ValueError(f"this version has no rule {rule}")
    return rule, setting(level.value)


def _known(words: dict[str, Any], column: str, word: str, where: str) -> Any:
    """What a word stands for.

    Raises:
        ValueError: nobody knows it.
    """
    if word not in words:
        raise ValueError(f"{column}: read {word!r}{where}, expected {', '.join(words)}")
    return words[word]


def _scaling(steps: Sequence[ExitLevel]) -> list[dict[str, Decimal]]:
    """The levels of one strategy in their order."""
    return [
        {"at": _share(level.value), "close": _share(_QUARTER if level.close_pct is None else level.close_pct)}
        for level in sorted(steps, key=lambda level: level.value)
    ]


def _entry(rule: str, setting: Any, origin: str, read: str = "", known: Entry | None = None) -> Entry:
    """A setting checked by its own rule.

    Raises:
        ValueError: what was read, what was expected; or an earlier row sets the rule.
    """
    if known is not None:
        raise ValueError(f"{rule} is set by {known.origin} already; expected it once")
    try:
        return Entry(rules()[rule].read(setting), Layer.ROW, origin, written(setting))
    except ValueError as expected:
        text = f"trigger_value: read {read}{rule} = {written(setting)}, expected {expected}"
        raise ValueError(text) from None
