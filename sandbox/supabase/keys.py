"""API keys and tokens: which role a request acts as."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.supabase.errors import ApiFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ANON, SERVICE = "anon", "service_role"
_YEARS_S = 10 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a role, and when the right to it ends (epoch seconds; None = never)."""

    role: str
    claims: str
    expires_s: float | None = None


class Keys:
    """The project's keys: worth nothing outside it.

    Attributes:
        secret, publishable: the new kind, ``sb_secret_…`` and ``sb_publishable_…``.
        service_jwt, anon_jwt: the legacy kind, tokens that are valid for ten years.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Mint them."""
        self._now_s = now_s
        self.secret = "sb_secret_sandbox_worth_nothing_000001"  # noqa: S105 - says so itself
        self.publishable = "sb_publishable_sandbox_worth_nothing_01"
        self._signing = b"sandbox-signing-key-worth-nothing-at-all"
        self.service_jwt = self.token(SERVICE, _YEARS_S)
        self.anon_jwt = self.token(ANON, _YEARS_S)

    def token(self, role: str, life_s: float) -> str:
        """A signed token for a role."""
        now_s = self._now_s()
        claims = {"role": role, "iss": "supabase", "iat": int(now_s), "exp": int(now_s + life_s)}
        signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def of_request(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Caller:
        """Who asks by HTTP, as gateway and PostgREST find out.

        Raises:
            ApiFault: 401 with the words of whoever refuses.
        """
        key = headers.get("apikey") or query.get("apikey", "")
        if not key:
            hint = "No `apikey` request header or url param was found."
            raise ApiFault(401, None, "No API key found in request", hint=hint)
        by_key = self.of_key(key)
        bearer = headers.get("Authorization", "").removeprefix("Bearer ").strip()
        return self.of_token(bearer) if bearer and bearer != key else by_key

    def of_key(self, key: str) -> Caller:
        """Who an API key stands for. Raises ApiFault when it is none of ours."""
        role = {self.secret: SERVICE, self.publishable: ANON}.get(key)
        if role is not None:
            return Caller(role, json.dumps({"role": role}))
        try:
            return self.of_token(key)
        except ApiFault as refused:
            if refused.code == "PGRST303":
                raise
            hint = "Double check your Supabase `anon` or `service_role` API key."
            raise ApiFault(401, None, "Invalid API key", hint=hint) from None

    def of_token(self, token: str) -> Caller:
        """Who a signed token stands for. Raises ApiFault (PGRST301 forged, PGRST303 expired)."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(signed), signature):
            raise ApiFault(401, "PGRST301", "No suitable key or wrong key type")
        claims = json.loads(_decode(signed.partition(".")[2]))
        if claims["exp"] <= self._now_s():
            raise ApiFault(401, "PGRST303", "JWT expired")
        return Caller(claims["role"], json.dumps(claims), claims["exp"])

    def _signature(self, text: str) -> str:
        digest = hmac.digest(self._signing, text.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _encode(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
