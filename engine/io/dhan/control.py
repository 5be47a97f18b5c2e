"""Dhan's trader's control: P&L-based exit, kill switch, exit of everything. Each command leaves once.

None of these has an id: what became of a command without an answer only shows in what is read back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from engine.controls import ControlState
from engine.errors import SourceError
from engine.messages import Verb
from engine.wire import parse_held_rows, parse_kill_switch, parse_pnl_exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.controls import PnlExit
    from engine.io.dhan.http import Reply, ReplyHTTP
    from engine.io.dhan.rest import DhanRest
    from engine.messages import Outcome

__all__ = ["DhanControl"]

_T = TypeVar("_T")


class DhanControl:
    """Implements `engine.io.ports.Control`."""

    def __init__(self, rest: DhanRest) -> None:
        self._rest = rest

    async def state(self, request: int) -> ControlState:
        """How Dhan's nets stand; what could not be read, or not understood, is None."""
        faults: list[str] = []
        killed = await self._read("/killswitch", parse_kill_switch, faults)
        armed = await self._read("/pnlExit", parse_pnl_exit, faults)
        held = await self._read("/positions", parse_held_rows, faults)
        return ControlState(request, killed, armed, held, "; ".join(faults))

    async def command(self, verb: Verb, terms: PnlExit | None) -> Outcome:
        """Send one command, once; ``terms`` are those of ARM."""
        if verb is Verb.ARM and terms is not None:
            return await self._rest.tell(verb, lambda http: http.post("/pnlExit", _body(terms)))
        return await self._rest.tell(verb, _CALLS[verb])

    async def _read(self, path: str, parse: Callable[[object], _T], faults: list[str]) -> _T | None:
        try:
            return await self._rest.page(path, parse)
        except (SourceError, ValueError) as error:
            faults.append(f"{path}: {error}")
            return None


_CALLS: dict[Verb, Callable[[ReplyHTTP], Reply]] = {
    Verb.DISARM: lambda http: http.delete("/pnlExit"),
    Verb.KILL: lambda http: http.post("/killswitch?killSwitchStatus=ACTIVATE", {}),
    Verb.EXIT_ALL: lambda http: http.delete("/positions"),
}


def _body(terms: PnlExit) -> dict[str, object]:
    """Rupees as text with two places, as Dhan's own answer writes them."""
    return {
        "profitValue": f"{terms.profit_paise / 100:.2f}",
        "lossValue": f"{terms.loss_paise / 100:.2f}",
        "productType": list(terms.products),
        "enableKillSwitch": terms.kill_switch,
    }
