"""What comes from the broker: its books, what became of our commands, and how it lets us in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import notices
from engine.bearings import Source
from engine.blindness import Blindness
from engine.helm import intent_day
from engine.messages import Refused, UpdatesStopped
from engine.nets import ACCOUNT_VERBS
from engine.nudges import Nudges
from engine.orders import read_correlation_id
from engine.refusals import Remedy, let_in_again, remedy
from engine.trouble import Trouble

if TYPE_CHECKING:
    from engine.access import AccessWatch
    from engine.effects import Effect
    from engine.follow_up import FollowUp
    from engine.helm import Helm
    from engine.messages import AccountState, BrokerReport, CommandOutcome, OrderUpdate
    from engine.nets import Nets

__all__ = ["BrokerSide"]


class BrokerSide:
    """Hands on what the broker says, to the desk first.

    Args:
        helm: whose exits and bearings it is about.
        access: how our access to the account stands.
        nets: hears of the whole account's commands.
        followed: holds the books against positions.

    Attributes:
        blindness: how long the books could not be read.
        updates_stopped: why the order-update socket stays away; empty = it does not.
    """

    def __init__(self, helm: Helm, access: AccessWatch, nets: Nets, followed: FollowUp) -> None:
        self._helm, self._desk = helm, helm.desk
        self._access, self._nets, self._followed = access, nets, followed
        self._nudges, self._updates_away = Nudges(), Trouble()
        self.blindness = Blindness()
        self.updates_stopped = ""

    def pulse(self, now_s: float) -> list[Effect]:
        """What time brings about: reads that are due, and exits that go on."""
        if self._nudges.due(now_s):
            self._desk.ask(now_s, "somebody else has traded")
        return self._desk.pulse(now_s)

    # ------------------------------------------------------------------------------ orders, commands

    def update(self, message: OrderUpdate, now_s: float) -> list[Effect]:
        """An order has changed; heard of by its socket, that is back too."""
        back = [] if message.looked_up else self.updates(UpdatesStopped(""), now_s)
        if message.order.filled and self._desk.blotter.ours(message.order) is None:
            self._nudges.heard(now_s)
        return back + self._desk.update(message.order, now_s, heard=not message.looked_up)

    def updates(self, message: UpdatesStopped, _now_s: float) -> list[Effect]:
        """The order-update socket stays away, or is back."""
        self.updates_stopped = message.detail
        if message.detail:
            return self._updates_away.begins(notices.updates_stopped(message.detail), message.detail)
        return self._updates_away.over(notices.updates_back())

    def outcome(self, message: CommandOutcome, now_s: float) -> list[Effect]:
        """A refusal that only another token, or the owner, can mend: how the access stands is asked."""
        if message.verb in ACCOUNT_VERBS:
            return self._nets.outcome(message, now_s)
        effects = self._desk.outcome(message, now_s) + self._nets.doubt(message)
        said = message.outcome
        if isinstance(said, Refused) and remedy(said.code, said.reason) is Remedy.HOLD:
            effects = effects + self._access.doubt(now_s)
        return effects

    # --------------------------------------------------------------------------------- books, access

    def report(self, message: BrokerReport, now_s: float) -> list[Effect]:
        """The books were read, or could not be."""
        bearings = self._helm.bearings
        first = not message.failed and bearings.take_books(message)
        if first:
            ours = [read_correlation_id(order.correlation_id) for order in message.orders]
            self._helm.number_after(intent_day(now_s), [name[1] for name in ours if name])
        effects = self._desk.report(message, now_s)  # held against the journal before anything is sent on it
        if message.failed:
            return effects + self._access.doubt(now_s) + self._blind(message.failed, now_s)
        effects += self.blindness.answered()
        if first:
            self._helm.found()
        return effects + self._followed.compare(message, now_s)

    def _blind(self, why: str, now_s: float) -> list[Effect]:
        """They could not be read: before the first time that is another trouble than later."""
        if self._helm.bearings.no_books():
            return self._helm.bearings.unread(Source.BOOKS, why)
        exits = any(True for _ in self._desk.live())
        return self.blindness.failed(why, now_s, exits=exits)

    def account(self, message: AccountState, now_s: float) -> list[Effect]:
        """How our access stands: let in again, exits go on; with clocks that agree, rules act again."""
        known = self._access.state
        new = known is not None and known.number != message.number
        if (new or (known is not None and known.refused)) and not (message.refused or message.failed):
            let_in_again(self._desk.live(), now_s)
        if new:
            self.updates_stopped = ""  # the socket comes back with another token
        effects = self._access.take(message, now_s)
        doubted, self._helm.clock_doubt = self._helm.clock_doubt, self._access.clock_doubt
        if doubted and not self._helm.clock_doubt:
            # what was only told meanwhile is judged again
            self._helm.release(self._helm.holdings.positions)
        return effects
