"""How our access to the account stands, asked of Dhan: profile, address, the server's clock; renewal."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from engine.errors import AuthFailed, SourceError
from engine.io.dhan.outcomes import answer_of
from engine.messages import AccountState, TokenRenewal
from engine.wire import parse_profile, parse_renewal
from engine.wire.rows import mapping

if TYPE_CHECKING:
    from engine.io.dhan.rest import DhanRest, Timed
    from engine.io.ports import Clock
    from engine.io.token_file import TokenFile

__all__ = ["DhanAccess"]

_log = logging.getLogger(__name__)

#: An answer that took longer says too little about the server's clock.
_PROMPT_S = 1.0
#: The Date header has whole seconds: on the average it is so much behind.
_HALF_S = 0.5


class DhanAccess:
    """Asks Dhan how we stand; implements `engine.io.ports.Access`."""

    def __init__(self, rest: DhanRest, token: TokenFile, clock: Clock) -> None:
        self._rest = rest
        self._token = token
        self._clock = clock

    async def state(self) -> AccountState:
        """Token, rights, address and clock as Dhan tells them; what it does not tell is None."""
        claims, number = self._token.claims, self._token.number
        timed = await self._rest.ask("/profile")
        skew_s, note = _skew_s(timed), self._token.note
        try:
            profile = parse_profile(answer_of(timed.reply))
        except AuthFailed as error:
            return AccountState(
                claims.expires_s, claims.kind, number, refused=str(error), skew_s=skew_s, note=note
            )
        except (SourceError, ValueError) as error:
            return AccountState(
                claims.expires_s, claims.kind, number, failed=str(error), skew_s=skew_s, note=note
            )
        ends_s = [end_s for end_s in (claims.expires_s, profile.token_valid_until_s) if end_s is not None]
        return AccountState(
            min(ends_s, default=None),
            claims.kind,
            number,
            orders_allowed=await self._orders_allowed(),
            data_plan=profile.data_plan,
            derivatives="derivative" in profile.segments.casefold() if profile.segments else None,
            skew_s=skew_s,
            note=note,
        )

    async def renew(self) -> TokenRenewal:
        """Change the token for a new one, at most one in two minutes, and use it from now on.

        Without an answer nobody knows which token lives; the next question tells.
        """
        if not self._token.may_mint(self._clock.now_s()):
            return TokenRenewal("Dhan makes one token in two minutes, and the last one is not so old")
        timed = await self._rest.ask("/RenewToken")
        try:
            token = parse_renewal(answer_of(timed.reply))
        except (SourceError, ValueError) as error:
            return TokenRenewal(str(error))
        try:
            self._token.put(token)
        except OSError as error:
            told = f"It is renewed and in use, but cannot be kept for a restart ({error.strerror})"
            return TokenRenewal(told)
        _log.info("the access token was renewed")
        return TokenRenewal("")

    async def _orders_allowed(self) -> bool | None:
        """What Dhan says of this host's address; it does not always say it."""
        timed = await self._rest.ask("/ip/getIP")
        try:
            said = mapping(answer_of(timed.reply)).get("ordersAllowed")
        except (SourceError, ValueError):
            return None
        return said if isinstance(said, bool) else None


def _skew_s(timed: Timed) -> float | None:
    """How far our clock is ahead of the server's; None when the answer does not say it well."""
    reply = timed.reply
    if reply.date_s is None or reply.took_s > _PROMPT_S:
        return None
    return timed.ended_s - reply.took_s / 2 - (reply.date_s + _HALF_S)
