"""What must never be (design, invariants 1 to 7), judged from the exchange's and the disk's side.

The judge knows nothing of the monitor's memory. It sees every command that leaves, every fill at the
exchange, every report that reaches the process and every record that reaches the disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.intents import IntentState
from engine.model import Mode
from engine.orders import read_correlation_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.broker_nouns import BrokerOrder, OrderRequest
    from engine.effects import Alert, Record
    from engine.messages import BrokerReport
    from engine.model import InstrumentKey, Position, PositionId
    from sandbox.orders import Order, Trade
    from tests.support.sea.market import Shore
    from tests.support.sea.pages import Pages
    from tests.support.sea.tasks import Agenda

#: A position read may be so old when an order is decided on it, and the order a pulse older.
READ_S = 15.0 + 0.5
#: An unknown order is told of after 15 s; a pulse and a turn of the loop later at the latest.
ALARM_S = 15.0 + 1.5
ABSENT_READS, ABSENT_S = 3, 35.0
PERSON = "Asha"


@dataclass(slots=True)
class Unsure:
    """An order of whose fate the process cannot know since a moment; it left us before that."""

    request: OrderRequest
    left_s: float
    since_s: float
    reads: int = 0


def must(holds: object, invariant: int, text: str) -> None:
    """Raise AssertionError that names the invariant which does not hold."""
    if not holds:
        raise AssertionError(f"invariant {invariant}: {text}")


class Judge:
    """One judge for one world, over all processes that live in it.

    Attributes:
        hands: contracts in which somebody else has traded, or has tried to.
        crossed: contracts that a fill of ours carried through zero after a hand had traded there.
        loud: topics and texts of the HIGH alerts.
        overclaimed: the trade store says more than the broker holds.
        batches: whole exits may go in batches, too.
    """

    def __init__(self, agenda: Agenda, shore: Shore, mode: Mode, *, batches: bool = False) -> None:
        self._agenda, self._shore, self._mode = agenda, shore, mode
        self.batches = batches
        self.start = shore.account.net()
        self.net = dict(self.start)
        claimed = {key: sum(p.nets[key] for p in shore.positions) for key in shore.legs}
        self.overclaimed = claimed != self.start
        self.hands: set[InstrumentKey] = set()
        self.crossed: set[InstrumentKey] = set()
        self.loud: dict[str, str] = {}
        self.filled_of: dict[tuple[str, int], int] = {}
        self.traded_of: dict[tuple[PositionId, InstrumentKey], int] = {}
        self.in_parts: set[str] = set()
        self._ended: set[str] = set()
        self._unlisted = False
        self._on_way: dict[str, OrderRequest] = {}
        self._asking: dict[str, Unsure] = {}
        self._unsure: dict[str, Unsure] = {}
        self._told: BrokerReport | None = None
        self.pages: Pages
        self.halted: Callable[[], bool] = lambda: False
        self.taken: Callable[[], bool] = lambda: False  # somebody else owns the account

    # -------------------------------------------------------------------------------- commands

    def leaves_house(self, name: str) -> None:
        """4 and 6: what must be true before anything that can trade leaves."""
        ours = read_correlation_id(name)
        must(ours is not None, 2, f"{name} belongs to no exit")
        kept = self.pages.kept
        on_disk = name in kept.get("order", {}) and ours is not None and ours[1] in kept.get("intent", {})
        must(on_disk and not self.pages.full, 4, f"{name} left without its record on disk")
        intent = self._intent(name)
        forced = intent["verdict"]["rule"] == "forced"
        must(forced or not self.halted(), 4, f"{name} left after /stop")
        must(self._mode in (Mode.EXECUTE, Mode.SEMI_AUTO), 4, f"{name} left in {self._mode}")
        must(self._mode is Mode.EXECUTE or intent["by"] == PERSON, 4, f"{name} left unconfirmed")
        must(self._shore.exchange.is_open(self._agenda.at_s), 4, f"{name} left while the market is closed")
        must(not self.taken(), 4, f"{name} left although the account is somebody else's")
        must(self._told is not None, 6, f"{name} left before the broker's truth was read")

    def leaves(self, order: OrderRequest) -> None:
        """1, 4 and 5: a new order leaves."""
        name, key = order.correlation_id, order.key
        self.leaves_house(name)
        assert self._told is not None
        must(self._agenda.at_s - self._told.began_s <= READ_S, 4, f"{name} left on an old position read")
        told = -order.side.sign * sum(row.net_quantity for row in self._told.positions if row.key == key)
        unsure = sum(each.request.quantity for each in self._unsure.values() if each.request.key == key)
        must(order.quantity + unsure <= told or not unsure, 5, f"{name}: an unknown order counts as refused")
        must(order.quantity <= told, 1, f"{name} asks for {order.quantity}, the broker's last word is {told}")
        if key not in self.hands:
            live = sum(each.remaining for each in self._live_at_exchange(key)) + sum(
                each.quantity for each in self._on_way.values() if each.key == key
            )
            must(live + order.quantity <= abs(self.net[key]), 1, f"{name}: more is asked for than is held")
        self._on_way[name] = order
        self._asking[name] = Unsure(order, self._agenda.at_s, self._agenda.at_s)

    def stays_away(self, order: OrderRequest) -> Callable[[], None]:
        """What to call when the order will never arrive."""
        return lambda: self.arrives(order)

    def arrives(self, order: OrderRequest) -> None:
        """The order is not on its way any more."""
        self._on_way.pop(order.correlation_id, None)

    def answered(self, order: OrderRequest, *, unknown: bool) -> None:
        """The process has its answer."""
        asked = self._asking.pop(order.correlation_id, None)
        if unknown and asked is not None:
            self._unsure[order.correlation_id] = Unsure(order, asked.left_s, self._agenda.at_s)

    def _live_at_exchange(self, key: InstrumentKey) -> Iterator[Order]:
        for order in self._shore.account.live_orders():
            if order.ticket.key == key and read_correlation_id(order.ticket.correlation_id):
                yield order

    # -------------------------------------------------------------------------------- learning

    def dies(self) -> None:
        """The process is gone: what it had asked it will not hear."""
        self._unsure |= self._asking
        self._asking = {}
        self._told = None

    def morning(self) -> None:
        """The broker's books are new, and all orders of before are dead.

        A list without any contract is no proof: of who is flat by then a person has to look.
        """
        self._unlisted = self._unlisted or not any(self.net.values())
        self._unsure, self._asking, self._on_way, self._told = {}, {}, {}, None

    def leapt(self) -> None:
        """Hours have passed in which nothing ran: what was unknown before may be told of from now on."""
        for each in self._unsure.values():
            each.since_s = self._agenda.at_s

    def reported(self, report: BrokerReport) -> None:
        """A report reaches the process."""
        if report.failed or (self._told is not None and report.request <= self._told.request):
            return
        self._told = report
        for order in report.orders:
            self.updated(order)
        for name, each in list(self._unsure.items()):
            each.reads += report.began_s > each.left_s
            proved = each.reads >= ABSENT_READS and report.began_s - each.left_s >= ABSENT_S
            if proved:
                del self._unsure[name]

    def updated(self, order: BrokerOrder) -> None:
        """News of an order reaches the process: its fate is known, whatever its answer was."""
        self._unsure.pop(order.correlation_id, None)
        self._asking.pop(order.correlation_id, None)

    def alerted(self, alert: Alert) -> None:
        """A person is told loudly."""
        self.loud[alert.topic] = f"{self.loud.get(alert.topic, '')} {alert.text}"

    def recorded(self, record: Record) -> None:
        """2 and 7: an exit as it is on disk now."""
        if record.kind != "intent":
            return
        value = record.value
        if value["part"]:
            self.in_parts.add(record.key)
        intents = self.pages.kept["intent"].values()
        live = [each["position"] for each in intents if IntentState(each["state"]).live]
        must(len(live) == len(set(live)), 2, f"two exits of one position: {live}")
        over = value["state"] in (IntentState.FLAT, IntentState.CLOSED_OUTSIDE)
        if over and record.key not in self._ended:
            self._ended.add(record.key)
            self._flat(record.key, value)

    def _flat(self, name: str, value: Any) -> None:
        position = self._position(value["position"])
        for index, leg in enumerate(value["legs"]):
            if leg["key"] in self.hands or self.overclaimed:
                continue
            done = self.filled_of.get((name, index), 0) + leg["before"]
            must(done == leg["quantity"], 7, f"{name} is called over, {done} of {leg['quantity']} traded")
            traded = self.traded_of.get((position.id, leg["key"]), 0)
            whole = abs(position.nets[leg["key"]])
            must(value["part"] or traded == whole, 7, f"{name} is called over, {traded} of {whole} traded")

    # ----------------------------------------------------------------------------------- fills

    def filled(self, order: Order, trade: Trade) -> None:
        """1, 2 and 3: an order has traded at the exchange."""
        key, before = trade.key, self.net.get(trade.key, 0)
        after = self.net[key] = before + trade.side.sign * trade.quantity
        name = order.ticket.correlation_id
        ours = read_correlation_id(name)
        if ours is None:
            return
        inside = min(before, 0) <= after <= max(before, 0)
        if key in self.hands:
            self.crossed |= set() if inside else {key}
        else:
            must(inside, 1, f"{name} carries {key} from {before} to {after}")
        intent, number = self._intent(name), ours[2]
        at, whose = (ours[1], number), (intent["position"], key)
        self.filled_of[at] = self.filled_of.get(at, 0) + trade.quantity
        self.traded_of[whose] = self.traded_of.get(whose, 0) + trade.quantity
        leg = intent["legs"][number]
        fits = self.filled_of[at] + leg["before"] <= leg["quantity"] or key in self.hands
        must(fits, 2, f"{name}: {self.filled_of[at]} of {leg['quantity']} filled")
        position = self._position(intent["position"])
        if position.nets[key] > 0 and not self.hands and not self.overclaimed:
            in_parts = intent["part"] or ours[1] in self.in_parts or self.batches
            self._hedge(position, key, whole=not in_parts)

    def _hedge(self, position: Position, key: InstrumentKey, *, whole: bool) -> None:
        """3: of a whole exit all shorts are closed first; in parts or batches no long is ahead of a short."""
        left = {
            each: 1 - self.traded_of.get((position.id, each), 0) / abs(net)
            for each, net in position.nets.items()
        }
        short = max(left[each] for each, net in position.nets.items() if net < 0)
        least = 0.0 if whole else left[key] + 1e-9
        must(short <= least, 3, f"a long of {position.id} was reduced while a short was open")

    # ------------------------------------------------------------------------------ after steps

    def look(self) -> None:
        """5: every unknown that is old has its alert."""
        for name, each in self._unsure.items():
            told = f"unknown:{name}" in self.loud or self._agenda.at_s - each.since_s <= ALARM_S
            must(told, 5, f"{name} is unknown for long and nobody was told")

    @property
    def quiet(self) -> bool:
        """Nothing is on its way, and no fate is unknown."""
        return not (self._on_way or self._asking or self._unsure)

    def end(self) -> None:
        """1, 2, 6 and 7, when the world has behaved for long: every exit has an end, and it is true."""
        loud = " ".join(self.loud.values())
        for key in self.crossed:
            start, net = self.start.get(key, 0), self.net[key]
            if min(start, 0) <= net <= max(start, 0):
                continue  # somebody has traded it back
            must(self._shore.legs[key].instrument.display in loud, 1, f"{key} crossed zero, nobody was told")
        for order in self._shore.account.live_orders():
            ours = read_correlation_id(order.ticket.correlation_id)
            must(ours is None, 6, f"order {order.ticket.correlation_id} is left at the exchange")
        for name, value in self.pages.kept.get("intent", {}).items():
            must(not IntentState(value["state"]).live, 6, f"{name} never ended")
            stuck = value["state"] == IntentState.STUCK
            must(not stuck or f"stuck:{name}" in self.loud, 6, f"{name} is stuck and nobody was told")
            must(not stuck or not self._all_traded(name, value), 6, f"{name} is stuck, and all is traded")
        if not self.hands and not self.overclaimed:
            for position in self._shore.positions:
                self._in_ratio(position)

    def parts_closed(self, position: Position) -> int | None:
        """Combinations that verified parts have closed; None when other exits were begun too."""
        kept = self.pages.kept.get("intent", {}).values()
        exits = [each for each in kept if each["position"] == position.id]
        parts = [each["part"] for each in exits if each["part"] and each["state"] == IntentState.FLAT]
        return sum(closes for closes, *_ in parts) if len(parts) == len(exits) else None

    def _in_ratio(self, position: Position) -> None:
        """2: nothing is overfilled; what verified parts have left of a position has its legs in ratio."""
        closed = self.parts_closed(position)
        for key, net in position.nets.items():
            traded = self.traded_of.get((position.id, key), 0)
            must(traded <= abs(net), 2, f"{position.id}: {traded} of {net} traded")
            wanted = traded if closed is None else abs(net) // position.combinations * closed
            must(traded == wanted, 2, f"parts of {position.id} are out of ratio")

    def _all_traded(self, name: str, value: Any) -> bool:
        """Whether an exit has traded all of its plan, and nobody else has traded there."""
        if self.overclaimed or any(leg["key"] in self.hands for leg in value["legs"]) or self._unlisted:
            return False
        return all(
            self.filled_of.get((name, index), 0) + leg["before"] == leg["quantity"]
            for index, leg in enumerate(value["legs"])
        )

    # -------------------------------------------------------------------------------- plumbing

    def _intent(self, name: str) -> Any:
        ours = read_correlation_id(name)
        assert ours is not None
        return self.pages.kept["intent"][ours[1]]

    def _position(self, name: str) -> Position:
        return next(each for each in self._shore.positions if each.id == name)
