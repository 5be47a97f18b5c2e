"""What an access token says of itself: Dhan's are JSON web tokens, whose middle part anybody may read."""

from __future__ import annotations

import base64
import json
from typing import NamedTuple

__all__ = ["TokenClaims", "parse_token"]


class TokenClaims(NamedTuple):
    """A token's own words; unchecked, as only the broker can check them.

    Attributes:
        expires_s: when it ends, epoch seconds; None = it does not say.
        kind: ``SELF`` (made on Dhan's web page), ``APP`` (by key or TOTP); empty = it does not say.
    """

    expires_s: float | None
    kind: str


def parse_token(token: str) -> TokenClaims:
    """Read a token; one of another make claims nothing."""
    nothing = TokenClaims(None, "")
    parts = token.split(".")
    if len(parts) != 3:
        return nothing
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return nothing
    if not isinstance(claims, dict):
        return nothing
    expires, kind = claims.get("exp"), claims.get("tokenConsumerType")
    if not isinstance(expires, int | float) or not 1 < expires < 1e11:
        expires = None
    return TokenClaims(None if expires is None else float(expires), kind if isinstance(kind, str) else "")
