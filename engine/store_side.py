"""What is written down about positions and has been read: the store's rows, their contracts, the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.bearings import Source
from engine.effects import Alert, Audit
from engine.model import Urgency

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.helm import Helm
    from engine.messages import InstrumentsLoaded, RulesChanged, TradesLoaded
    from engine.stored import Stored

__all__ = ["StoreSide"]


class StoreSide:
    """Hands on what was read, to the positions first.

    Args:
        helm: whose positions and bearings it is about.
        stored: how the trade store stands.
    """

    def __init__(self, helm: Helm, stored: Stored) -> None:
        self._helm, self._stored = helm, stored
        self._holdings = helm.holdings

    def rows(self, message: TradesLoaded, now_s: float) -> list[Effect]:
        """The trade store's rows were read, or could not be."""
        if message.rows is None:
            unread = self._stored.read(message, now_s, believed=False)
            return unread + self._helm.bearings.unread(Source.ROWS, message.detail)
        # an answer without any row is not believed at once, while there were some
        believed = bool(message.rows) or not self._holdings.expects_rows
        effects = self._holdings.take_rows(message.rows, message.levels, now_s)
        believed = believed or not self._holdings.expects_rows
        effects += self._stored.read(message, now_s, believed=believed)
        if self._helm.bearings.take_rows(message, believed=believed):
            self._helm.found()
        return effects

    def instruments(self, message: InstrumentsLoaded, now_s: float) -> list[Effect]:
        """The instrument master was read, or could not be; who is not held by it any more is judged again."""
        held = tuple(self._holdings.changed)
        effects = self._holdings.take_instruments(message, now_s)
        self._helm.release(name for name in held if name not in self._holdings.changed)
        return effects

    def rules(self, message: RulesChanged, now_s: float) -> list[Effect]:
        """The rules file has changed; with faults it is refused whole."""
        topic = f"rules-file:{message.version}"
        if message.rulebook is None:
            text = "\n".join((*message.faults, "It is refused whole; the rules in force stay as they are."))
            return [Alert(Urgency.MEDIUM, topic, "The rules file has faults", text)]
        self._helm.watch.use(message.rulebook)
        effects = self._holdings.lives.rearm(now_s)
        number = len(self._holdings.positions)
        text = f"{message.source} is in force, for {number} position{'s' * (number != 1)}."
        audit = Audit("rules changed", {"source": message.source, "version": message.version})
        return [audit, Alert(Urgency.NORMAL, topic, "The rules have changed", text), *effects]
