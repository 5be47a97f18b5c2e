"""The monitor as a page of text for the terminal. Pure.

What is not known prints as ``unknown`` and never as 0; a number in rupees always says its sign where
it is a gain or a loss.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from tabulate import tabulate

from engine.messages import FeedState
from engine.model import DEFAULT_ACCOUNT
from engine.money import rupees, signed_rupees
from engine.sessions import ist
from engine.view import AccountView, LegView, MonitorView, PositionState, PositionView, ThresholdView

#: Nothing is printed wider than this unless a word alone is.
WIDTH = 100

_UNKNOWN = "unknown"
_HEADERS = ("Strategy", "Symbol", "P&L", "Action", "Urgency", "Reason")
_STRATEGY_WIDTH, _NARROWEST_REASON = 20, 24
#: Market data older than this is not real time, seconds.
_REAL_TIME_S = 10.0


def terminal_table(view: MonitorView, width: int = WIDTH) -> str:
    """The whole view: positions, connections, totals, and what each position waits for."""
    if view.down:
        return _head(view)
    parts = [_head(view), _positions(view.full, width), _status(view)]
    if waits := [_waits(position, width) for position in _held(view) if position.legs or position.thresholds]:
        parts.append("\n".join(["Thresholds", *waits]))
    return "\n\n".join(parts)


def _head(view: MonitorView) -> str:
    words = ["Prahari", view.mode.value, *(["sandbox"] if view.sandbox else []), view.session_text]
    lines = [f"{' · '.join(words)} · {ist(view.at_s):%a %d %b %Y, %H:%M:%S} IST"]
    if view.halted:
        lines.append("! HALTED: no automatic exits until /resume")
    if view.degraded:
        lines.append(f"! DEGRADED: {view.degraded}")
    lines += [f"! {trouble}" for trouble in view.troubles]
    return "\n".join(lines)


# --------------------------------------------------------------------------------- positions


def _positions(positions: Sequence[PositionView], width: int) -> str:
    if not positions:
        return "No positions are being watched."
    rows = [
        (
            textwrap.fill(f"{_name(p)} {p.strategy}".rstrip(), _STRATEGY_WIDTH),
            p.symbol,
            _result(p),
            _doing(p),
            p.urgency.name,
            f"{p.reason} {p.differs}".strip(),
        )
        for p in positions
    ]
    # tabulate keeps two blanks beside each header and two between columns
    words = [[f"{header}  ", *cells] for header, *cells in zip(_HEADERS, *rows, strict=True)][:-1]
    taken = sum(max(len(line) for cell in cells for line in cell.split("\n")) + 2 for cells in words)
    reason_width = max(width - taken, _NARROWEST_REASON)
    return _table([(*row[:-1], textwrap.fill(row[-1], reason_width)) for row in rows], _HEADERS, 2)


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str], right: int) -> str:
    """Text as it is, one column flush right."""
    align = ["right" if number == right else "left" for number in range(len(headers))]
    text = tabulate(
        rows, headers, tablefmt="simple", disable_numparse=True, colalign=align, preserve_whitespace=True
    )
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _name(position: PositionView) -> str:
    """The strategy's number; an account other than the first is said."""
    account = "" if position.account == DEFAULT_ACCOUNT else f"{position.account}/"
    return f"{account}{position.strategy_id}"


def _result(position: PositionView) -> str:
    """P&L in rupees and, below it, in per cent."""
    if position.pnl_paise is None:
        return "-" if position.state is PositionState.FLAT else _UNKNOWN
    percent = "" if position.pnl_pct is None else f"\n{_percent(position.pnl_pct)}"
    return signed_rupees(position.pnl_paise) + percent


def _percent(pct: float) -> str:
    return f"{pct:+.2f} %".replace("-", "−")


def _doing(position: PositionView) -> str:
    """The action asked for and, below it, anything but plain watching."""
    state = "" if position.state is PositionState.WATCHING else f"\n{position.state.value}"
    bare = "\nUNPROTECTED" if position.unprotected and position.state is not PositionState.INVALID else ""
    part = f"\n{position.part}" if position.part else ""
    return f"{position.action.value}{state}{bare}{part}"


# ------------------------------------------------------------------------------------ status


def _status(view: MonitorView) -> str:
    lines = (
        ("Real-time", _real_time(view)),
        ("WebSocket", f"{view.feed.value}: {view.feed_detail}" if view.feed_detail else view.feed.value),
        ("Cached prices", str(view.cached_prices)),
        ("Subscribed", f"{view.subscribed} instruments"),
        ("Portfolio value", _total(view.value_paise, [p.value_paise for p in _held(view)])),
        ("P&L", _total(view.pnl_paise, [p.pnl_paise for p in _held(view)], signed=True)),
        ("Closed now", _closed(view)),
        *([("Redis", view.cache)] if view.cache else []),
        *([("Trade store", view.store)] if view.store else []),
        *([("Realtime", view.realtime)] if view.realtime else []),
        *([("Access", view.access)] if view.access else []),
        *((f"Day {account.name}", day_text(account)) for account in view.accounts),
    )
    return "\n".join(f"{name:<16} {text}" for name, text in lines)


def _closed(view: MonitorView) -> str:
    """The P&L that closing everything now would leave, beside that at mark."""
    total = _total(view.closing_pnl_paise, [p.closing_pnl_paise for p in _held(view)], signed=True)
    return total if view.closing_pnl_paise is None else f"{total}, after charges"


def day_text(account: AccountView) -> str:
    """The day's P&L of an account beside its limits, e.g. ``−₹4,200.00 of −₹6,000.00``."""
    day = _UNKNOWN if account.day_paise is None else signed_rupees(account.day_paise)
    limits = [None if account.loss_paise is None else -account.loss_paise, account.profit_paise]
    text = f"{day} of {' or '.join(signed_rupees(paise) for paise in limits if paise is not None)}"
    if account.loss_paise is None and account.profit_paise is None:
        text = day
    if account.trailing_paise is not None:
        text += f", ends at {signed_rupees(account.trailing_paise)}"
    if account.blind:
        text += f"; no price: {', '.join(account.blind)}"
    return f"{text}; {account.fired} has spoken today" if account.fired else text


def _real_time(view: MonitorView) -> str:
    if view.data_age_s is None:
        return "off, no data yet"
    on = view.feed is FeedState.LIVE and view.data_age_s <= _REAL_TIME_S
    return f"{'on' if on else 'off'}, last data {_span(view.data_age_s)} ago"


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _held(view: MonitorView) -> list[PositionView]:
    return [position for position in view.full if position.state is not PositionState.FLAT]


def _total(paise: int | None, parts: Sequence[int | None], *, signed: bool = False) -> str:
    """A sum, and how many positions it cannot contain."""
    if not parts:
        return "no positions"
    if paise is None:
        return _UNKNOWN
    missing = parts.count(None)
    text = signed_rupees(paise) if signed else rupees(paise)
    return f"{text}, without {missing} of {len(parts)} (unknown)" if missing else text


# -------------------------------------------------------------------------------- thresholds


def _waits(position: PositionView, width: int) -> str:
    """A position's legs and, below them, every rule with the P&L at which it fires."""
    title = f"{_name(position)} {position.symbol} {position.strategy}".rstrip()
    dte = "" if position.dte is None else f", {position.dte} days to expiry"
    lines = [f"  {title}{dte}"]
    lines += [line for leg in position.legs for line in _leg(leg, width)]
    if position.closing_pnl_paise is not None:
        lines.append(f"    closed now {signed_rupees(position.closing_pnl_paise)} after charges")
    if position.ready is not None:
        lines += textwrap.wrap(position.ready.text, width, initial_indent="    ", subsequent_indent="      ")
    if position.unprotected:
        lines.append("    unprotected: no loss rule guards it")
    if not position.profit_exit:
        lines.append("    no profit exit: no rule takes its profit")
    lines += [
        line for threshold in position.thresholds for line in _threshold(threshold, position.symbol, width)
    ]
    return "\n".join(lines)


def _leg(leg: LegView, width: int) -> Iterator[str]:
    """A leg's entry, mark and way out; below it what is suspect about its newest price."""
    entry, mark = (
        _UNKNOWN if price is None else rupees(price) for price in (leg.entry_paise, leg.mark_paise)
    )
    before = ", from before the start" if leg.from_before else ""
    age = "" if leg.age_s is None else f" ({_span(leg.age_s)} old{before})"
    text = f"{leg.quantity:+d} {leg.name}  {entry} → {mark}{age}{_way_out(leg)}"
    yield f"    {text.replace('-', '−', int(leg.quantity < 0))}"
    if leg.fault:
        for line in textwrap.wrap(f"suspect: {leg.fault}", width - 6):
            yield f"      {line}"


def _way_out(leg: LegView) -> str:
    """What closing the leg would average, or how much of it the book takes."""
    if leg.exit_paise is not None:
        return f", out {rupees(leg.exit_paise)}"
    return "" if leg.covered is None else f", out {leg.covered} of {abs(leg.quantity)}"


def _threshold(threshold: ThresholdView, symbol: str, width: int) -> Iterator[str]:
    """The rule, its rupees flush right, its sentence and how far it is wrapped under itself."""
    amount = "" if threshold.threshold_paise is None else signed_rupees(threshold.threshold_paise)
    head = f"    {threshold.rule:<21}{amount:>16}  "
    text = threshold.text if threshold.available else f"not armed: {threshold.text}"
    text = "; ".join([text, *_away(threshold, symbol)])
    first, *rest = textwrap.wrap(text, max(width - len(head), _NARROWEST_REASON)) or [""]
    yield f"{head}{first}".rstrip()
    for line in rest:
        yield f"{'':{len(head)}}{line}"


def _away(threshold: ThresholdView, symbol: str) -> Iterator[str]:
    """How far it is in rupees, and where the underlying would be."""
    if threshold.distance_paise is not None:
        yield f"{rupees(abs(threshold.distance_paise))} away"
    if threshold.silent_paise is not None:
        yield f"silent at a P&L of {signed_rupees(threshold.silent_paise)} or less"
    if threshold.points is None:
        return
    if threshold.underlying_paise is None:
        yield f"{symbol} {abs(threshold.points):.0f} points {'higher' if threshold.points > 0 else 'lower'}"
    else:
        level = rupees(threshold.underlying_paise).removeprefix("₹").partition(".")[0]
        yield f"{symbol} {level}, {abs(threshold.points):.0f} points away"
