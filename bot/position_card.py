"""The pages of /positions and /p: all positions in two lines each, and one with its legs. Pure.

Everything is of one `MonitorView`; what it does not know is written as unknown, never as zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.layout import COLUMNS, Button, Page, both, cut, escape, folded, pair, span, table
from bot.status import Line, amount, clock_words, doing, in_order, pages, result, rule_word, total_lines
from bot.views import EXITABLE
from engine.material import OLD_DATA_S
from engine.messages import FeedState
from engine.model import DEFAULT_ACCOUNT, Urgency
from engine.money import rupees, signed_rupees
from engine.preflight import Light
from engine.view import PositionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.layout import Keyboard
    from engine.view import LegView, MonitorView, PositionView, ThresholdView

_LOUD = {Urgency.HIGH: "🔴 ", Urgency.MEDIUM: "🟠 ", Urgency.NORMAL: ""}
#: So much is said of a reason.
_WHY_COLUMNS = 300
#: More legs than this are counted, not listed: a message has an end.
_LEGS = 24


def positions_pages(view: MonitorView, title: str = "") -> tuple[Page, ...]:
    """Each position in two lines, the troubled first.

    ``title``: the account, ``HUF · ``; empty when there is one alone.
    """
    if view.down:  # there is no house behind it: its positions are not none
        return (Page(f"{escape(title)}<b>Positions</b> unknown: {escape(view.degraded)}"),)
    head = [
        f"{escape(title)}<b>Positions</b> · {len(view.positions)} · {clock_words(view.at_s)}",
        *total_lines([view]),
    ]
    return pages("\n".join(head), in_order({"": view}), len(view.positions), _two_lines)


def _two_lines(line: Line) -> list[str]:
    position = line.position
    days = "" if position.dte is None else f" DTE {position.dte}"
    return [
        *both(f"{_id(position)} {position.symbol}", result(position)),
        pair(position.strategy, f"{doing(position)}{days}"),
        *([position.snooze.partition(",")[0]] if position.snooze else []),
    ]


@dataclass(frozen=True, slots=True)
class _Key:
    """One button of the card: its letter (`bot.buttons`), and for which positions it is there."""

    text: str
    letter: str
    style: str = ""
    when: Callable[[PositionView], bool] = lambda _position: True


def _exitable(position: PositionView) -> bool:
    return position.state in EXITABLE


def _open(position: PositionView) -> bool:
    return position.state not in {PositionState.FLAT, PositionState.INVALID}


#: The buttons below a card, row by row; each only looks, or leads to a question.
_KEYS: tuple[tuple[_Key, ...], ...] = (
    (_Key("Exit…", "p", "danger", _exitable), _Key("Exit half…", "h", "danger", _exitable)),
    (_Key("Tighten…", "t", when=_exitable), _Key("Snooze…", "z", when=_exitable)),
    (_Key("Chart", "g", when=_open), _Key("Why?", "w"), _Key("Rules", "r")),
)


def card_page(view: MonitorView, position: PositionView, of: str = "") -> Page:
    """One position: what it is worth at mark and closed now, its legs, its rules, how it moves.

    ``of``: the account's mark for the buttons.
    """
    state = position.state
    days = "" if position.dte is None else f" · DTE {position.dte}"
    lines = [
        f"{_LOUD[position.urgency]}<b>{escape(name_of(position))}</b>",
        f"{doing(position)} · {position.urgency.name}{days} · {clock_words(view.at_s)}",
    ]
    if state not in {PositionState.FLAT, PositionState.INVALID}:
        lines += _worth(position)
    if position.snooze:
        lines.append(f"🔕 {escape(position.snooze[:1].upper() + position.snooze[1:])}")
    if position.part:
        lines.append(escape(position.part.capitalize()))
    lines += _troubles(view, position)
    if position.reason:
        lines.append(escape(cut(position.reason, _WHY_COLUMNS)))
    legs = [text for leg in position.legs[:_LEGS] for text in _leg(leg, open_=view.session_open)]
    if len(position.legs) > _LEGS:
        legs.append(f"and {len(position.legs) - _LEGS} more legs")
    blocks = [block for block in (legs, _rules(position), _moves(position)) if block]
    rows = [text for number, block in enumerate(blocks) for text in ([""] if number else []) + block]
    return Page("\n".join(filter(None, [*lines, table(rows)])), _keyboard(position, of))


def name_of(position: PositionView) -> str:
    """Id, underlying and strategy."""
    return f"{_id(position)} {position.symbol} {position.strategy}"


def _id(position: PositionView) -> str:
    account = "" if position.account == DEFAULT_ACCOUNT else f"{position.account}/"
    return f"{account}{position.strategy_id}"


def _worth(position: PositionView) -> list[str]:
    mark, closing = position.pnl_paise, position.closing_pnl_paise
    share = "" if position.pnl_pct is None else f" · {position.pnl_pct:+.1f}%"
    at_mark = "unknown" if mark is None else signed_rupees(mark)
    net = "unknown" if closing is None else signed_rupees(closing)
    costs = position.closing_charges_paise
    after = "after charges" if costs is None else f"charges {rupees(costs)}"
    peak = [] if position.peak_paise is None else [f"Peak {signed_rupees(position.peak_paise)}"]
    return [f"P&amp;L at mark <b>{at_mark}</b>{share}", f"Closed now <b>{net}</b>, {after}", *peak]


def _troubles(view: MonitorView, position: PositionView) -> list[str]:
    lines = ["🔴 <b>Unprotected</b>: no loss rule guards it"] if position.unprotected else []
    if view.session_open and view.feed is not FeedState.LIVE and position.state is not PositionState.FLAT:
        lines.append(f"⚠️ Feed {view.feed}: prices may be old")
    ready = position.ready
    loud = [position.differs, ready.text if ready is not None and ready.light is not Light.GREEN else ""]
    return lines + [f"⚠️ {escape(cut(text, _WHY_COLUMNS))}" for text in loud if text]


def _rules(position: PositionView) -> list[str]:
    """Each rule that waits for a P&L or a price, losses last: its level, and how far it is in both measures.

    Rules of the clock have neither; the days say enough.
    """
    armed = [t for t in position.thresholds if t.available]
    amounts = [t for t in armed if t.threshold_paise is not None]
    prices = [t for t in armed if t.threshold_paise is None and t.points is not None]
    ordered = [*sorted(amounts, key=lambda t: -(t.threshold_paise or 0)), *prices]
    return [text for t in ordered for text in _rule(t)]


def _rule(threshold: ThresholdView) -> list[str]:
    paise, points = threshold.threshold_paise, threshold.points
    name = rule_word(threshold.rule)
    if threshold.underlying_paise is not None:
        name += f" at {rupees(threshold.underlying_paise).removeprefix('₹').partition('.')[0]}"
    away = [] if threshold.distance_paise is None else [amount(abs(threshold.distance_paise))[1:]]
    if points is not None:
        away.append(f"{abs(points):,.0f} points")
    far = ["met now"] if threshold.met else [f"{' or '.join(away)} away"] if away else []
    return [*([name] if paise is None else both(name, amount(paise))), *(pair("", text) for text in far)]


def _moves(position: PositionView) -> list[str]:
    """The Greeks of the whole position, rupees per point, day and point of volatility."""
    greeks = position.greeks
    if greeks is None:
        return []
    half = COLUMNS // 2
    cells = (
        ("delta", f"{greeks.delta:+.1f}"),
        ("theta", _rupees(greeks.theta_paise)),
        ("gamma", f"{greeks.gamma:+.3f}"),
        ("vega", _rupees(greeks.vega_paise)),
    )
    rows = [f"{pair(name, value, half - 1)}" for name, value in cells]
    return [f"{left}  {right}".rstrip() for left, right in (rows[:2], rows[2:])]


def _rupees(paise: float) -> str:
    """Whole rupees: a model's amounts have no paise."""
    return amount(round(paise / 100) * 100).partition(".")[0]


def _leg(leg: LegView, *, open_: bool) -> list[str]:
    """Its name; below it signed units, entry and mark; what is wrong with its price."""
    entry, mark = (_price(paise) for paise in (leg.entry_paise, leg.mark_paise))
    if not leg.quantity:
        return [*folded(leg.name), pair("", f"closed, entry {entry}")]
    lines = [*folded(leg.name), *both(f" {leg.quantity:+d}", f"{entry} now {mark}")]
    if leg.fault:
        lines += folded(leg.fault, " ! ")
    if leg.from_before:
        lines.append(" ! price from before the start")
    elif open_ and leg.age_s is not None and leg.age_s > OLD_DATA_S:
        lines.append(f" ! price {span(leg.age_s)} old")
    return lines


def _price(paise: int | None) -> str:
    return "?" if paise is None else rupees(paise).replace("₹", "").replace("−", "-")


def _keyboard(position: PositionView, of: str) -> Keyboard:
    name = f"{of}{position.strategy_id}"
    rows = [
        tuple(Button(key.text, f"{key.letter}:{name}", key.style) for key in row if key.when(position))
        for row in _KEYS
    ]
    return tuple(row for row in rows if row)
