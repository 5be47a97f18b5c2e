"""What of a handled message is worth recording: messages and effects in, entries out. Pure.

Recorded is what decisions came from (prices, rows, rules, beats, the state of the feed), what was decided
(the audit's lines, exits, alerts), and what became of it (orders as they left, and as the broker told
them). Not recorded are the broker's own pages, which the orders sum up, and tokens, questions' buttons and
answers of other ports: nothing can be replayed of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.effects import (
    Alert,
    Audit,
    CancelOrder,
    CloseTrades,
    ModifyOrder,
    PlaceOrder,
    Record,
    ReduceTrades,
    Subscribe,
    WriteBook,
)
from engine.messages import (
    Beat,
    Command,
    CommandOutcome,
    FeedChanged,
    OrderUpdate,
    QuotesRead,
    RulesChanged,
    Tap,
    Ticks,
    TradesLoaded,
)
from engine.recording.entries import Book, Note, Offer, Prices, tick_values
from engine.recording.plain import instrument_to, level_to, row_to
from engine.wire import depth

if TYPE_CHECKING:
    from engine.broker_nouns import OrderRequest
    from engine.effects import Effect
    from engine.messages import Message, Tick
    from engine.model import InstrumentKey
    from engine.recording.entries import Entry

__all__ = ["KEPT", "Opening", "Scribe"]

#: How often a contract's five levels are taken down.
BOOK_EVERY_US = 60_000_000
#: Records of the journal that a replay has to begin with.
KEPT = ("memory", "override", "day", "reduced", "closed", "contracts")
#: Records that tell what became of a decision.
_TOLD = frozenset({"intent", "order"})

Plain = dict[str, Any]


class Opening(NamedTuple):
    """What is known of a house before its first message.

    Attributes:
        account, mode: its own.
        tuning: how patient its exits are, as plain values.
        kept: the journal's records of `KEPT`, kind -> key -> value.
        rules: reads the rules file as it is now; empty = the shipped rules alone.
    """

    account: str
    mode: str
    tuning: Mapping[str, Any]
    kept: Mapping[str, Mapping[str, Any]]
    rules: Callable[[], str]


class Scribe:
    """Turns what one house has handled into entries, and knows with what a new file has to begin."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._kept: dict[str, Plain] = {kind: dict(opening.kept.get(kind, {})) for kind in KEPT}
        self._instruments: dict[InstrumentKey, Plain] = {}
        self._rows: tuple[object, object] | None = None
        self._feed: Plain | None = None
        self._books_us: dict[InstrumentKey, int] = {}
        self._at_us = 0
        self._hears: dict[type, Callable[[Any], Iterable[tuple[str, Plain]]]] = {
            Beat: lambda m: [("beat", {"kind": m.kind})],
            TradesLoaded: self._trades,
            FeedChanged: self._feed_changed,
            RulesChanged: lambda m: [] if m.rulebook is None else [("rules", self._rules(m.source))],
            QuotesRead: lambda m: [
                ("quotes", {"began_s": m.began_s, "ticks": [tick_values(tick) for tick in m.ticks]})
            ],
            OrderUpdate: lambda m: [("update", asdict(m.order))],
            CommandOutcome: lambda m: [
                ("outcome", {"verb": m.verb, "id": m.correlation_id,
                             "is": type(m.outcome).__name__.lower(), **asdict(m.outcome)})
            ],
            Command: lambda m: [
                ("person", {"wish": m.wish, "strategy_id": m.strategy_id, "rule": m.rule,
                            "value": "" if m.wish == "code" else m.value, "by": m.by.name})
            ],
            Tap: lambda m: [("person", {"wish": "yes" if m.yes else "no", "by": m.by.name})],
        }  # fmt: skip
        self._sees: dict[type, Callable[[Any], Iterable[tuple[str, Plain]]]] = {
            Audit: lambda e: [("audit", {"event": e.event, "data": dict(e.data)})],
            Record: self._record,
            PlaceOrder: lambda e: [("place", _order(e.order))],
            ModifyOrder: lambda e: [("modify", {"order_id": e.order_id, **_order(e.order)})],
            CancelOrder: lambda e: [("cancel", {"order_id": e.order_id, "id": e.correlation_id})],
            CloseTrades: lambda e: [("closed", {"name": e.name, "rows": sorted(e.exits)})],
            ReduceTrades: lambda e: [("closed", {"name": e.name, "rows": [p.row_id for p in e.parts]})],
            WriteBook: lambda e: [("book", dict(e.line))],
            Subscribe: self._subscribe,
            Alert: lambda e: [
                ("alert", {"urgency": int(e.urgency), "topic": e.topic, "title": e.title, "text": e.text,
                           "position": e.position})
            ],
        }  # fmt: skip

    def take(self, message: Message, now_s: float, effects: Iterable[Effect]) -> list[Entry]:
        """The entries of one message that was handled, and of what came of it."""
        at_us = self._at_us = max(self._at_us + 1, 1_000 * round(now_s * 1e3))
        if type(message) is Ticks:
            entries: list[Entry] = [Prices(at_us, tuple(message.ticks))]
            entries += self._books(message.ticks, at_us)
        else:
            hears = self._hears.get(type(message))
            entries = [Note(at_us, *told) for told in hears(message)] if hears else []
        for effect in effects:
            sees = self._sees.get(type(effect))
            if sees is not None:
                entries += [Note(at_us, *told) for told in sees(effect)]
        return entries

    def standing(self, now_s: float, *, again: bool = False) -> list[Entry]:
        """With what a new file begins: everything that was told before it and still holds.

        ``again``: the file goes on after a gap; the house has not been started.
        """
        at_us = self._at_us = max(self._at_us + 1, 1_000 * round(now_s * 1e3))
        self._books_us.clear()
        opening = self._opening
        head = {"account": opening.account, "mode": opening.mode, "tuning": dict(opening.tuning)}
        told: list[tuple[str, Plain]] = [
            ("head", head),
            ("rules", self._rules("")),
            ("kept", {kind: dict(values) for kind, values in self._kept.items()}),
            ("instruments", {"all": list(self._instruments.values())}),
        ]
        if self._rows is not None:
            told.append(("rows", _rows(*self._rows)))
        if self._feed is not None:
            told.append(("feed", self._feed))
        return [Note(at_us, *each) for each in told[again:]]

    # ---------------------------------------------------------------------------------- messages

    def _trades(self, message: TradesLoaded) -> list[tuple[str, Plain]]:
        """Rows that were read, when they are others than before."""
        seen = message.rows, message.levels
        if message.rows is None or seen == self._rows:
            return []
        self._rows = seen
        return [("rows", _rows(*seen))]

    def _feed_changed(self, message: FeedChanged) -> list[tuple[str, Plain]]:
        self._feed = {"state": message.state, "detail": message.detail}
        return [("feed", self._feed)]

    def _rules(self, source: str) -> Plain:
        return {"source": source, "text": self._opening.rules()}

    def _books(self, ticks: Iterable[Tick], at_us: int) -> list[Entry]:
        found: list[Entry] = []
        for tick in ticks:
            if tick.depth is None or at_us - self._books_us.get(tick.key, -BOOK_EVERY_US) < BOOK_EVERY_US:
                continue
            self._books_us[tick.key] = at_us
            levels = depth(tick)
            bids = tuple(Offer(paise, units) for paise, units in levels.bids if units)
            asks = tuple(Offer(paise, units) for paise, units in levels.asks if units)
            found.append(Book(at_us, tick.key, bids, asks))
        return found

    # ----------------------------------------------------------------------------------- effects

    def _record(self, record: Record) -> list[tuple[str, Plain]]:
        if record.kind in self._kept:
            self._kept[record.kind][record.key] = record.value
        return [(record.kind, dict(record.value))] if record.kind in _TOLD else []

    def _subscribe(self, effect: Subscribe) -> list[tuple[str, Plain]]:
        new = {i.key: instrument_to(i) for i in effect.instruments if i.key not in self._instruments}
        self._instruments |= new
        return [("instruments", {"all": list(new.values())})] if new else []


def _rows(rows: Any, levels: Any) -> Plain:
    return {"rows": [row_to(row) for row in rows], "levels": [level_to(level) for level in levels]}


def _order(order: OrderRequest) -> Plain:
    return {
        "id": order.correlation_id, "key": order.key, "side": order.side, "quantity": order.quantity,
        "limit_paise": order.limit_paise, "ioc": order.ioc,
    }  # fmt: skip
