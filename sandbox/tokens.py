"""Access tokens and the auth host that makes them: one active token a client, a day long."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.account import TOKEN_LIFE_S
from sandbox.ist import ist

if TYPE_CHECKING:
    from sandbox.account import Account
    from sandbox.dhan_rest import World

_MINT_EVERY_S = 120.0


def mint(account: Account, now_s: float) -> dict[str, Any]:
    """Give a client a new token; the old one dies at once. The reply is that of the auth host."""
    claims = {
        "iss": "dhan",
        "exp": int(now_s + TOKEN_LIFE_S),
        "dhanClientId": account.client_id,
        "tokenConsumerType": account.token_type,
    }
    account.mints += 1
    signature = f"sandbox-{int(now_s)}-{account.mints}"
    account.token = ".".join((_base64({"typ": "JWT", "alg": "none"}), _base64(claims), signature))
    account.token_expires_s = now_s + TOKEN_LIFE_S
    account.minted_s = now_s
    return {
        "dhanClientId": account.client_id,
        "dhanClientName": "SANDBOX",
        "dhanClientUcc": "SBX0001",
        "givenPowerOfAttorney": False,
        "accessToken": account.token,
        "expiryTime": ist(account.token_expires_s).strftime("%Y-%m-%dT%H:%M:%S.000"),
    }


def _base64(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def mount_auth(app: web.Application, world: World) -> None:
    """Serve the auth host's endpoints."""

    async def generate(request: web.Request) -> web.Response:
        """By PIN and one-time password; at most once in two minutes."""
        account = world.exchange.accounts.get(request.query.get("dhanClientId", ""))
        totp = request.query.get("totp", "")
        if account is None or request.query.get("pin") != account.pin:
            return _error("Invalid client id or PIN")
        if not (totp.isdigit() and len(totp) == 6):
            return _error("Invalid TOTP")
        if world.now_s() - account.minted_s < _MINT_EVERY_S:
            text = "Token can be generated once every 2 minutes."
            return _error(text, status=world.habits.mint_refusal)
        account.token_type = "APP"  # noqa: S105 - a kind, not a token
        return web.json_response(mint(account, world.now_s()))

    async def consent(request: web.Request) -> web.Response:
        """First step of the key-and-secret way."""
        client_id = request.query.get("client_id", "")
        if client_id not in world.exchange.accounts or not request.headers.get("app_id"):
            return _error("Invalid client id")
        return web.json_response(
            {"consentAppId": client_id, "consentAppStatus": "GENERATED", "status": "success"}
        )

    async def login(request: web.Request) -> web.Response:
        """The browser's step: sends it back with the token id."""
        return web.HTTPFound(f"/?tokenId={request.query.get('consentAppId', '')}")

    async def consume(request: web.Request) -> web.Response:
        """Last step of the key-and-secret way."""
        account = world.exchange.accounts.get(request.query.get("tokenId", ""))
        if account is None or not request.headers.get("app_secret"):
            return _error("Invalid token id")
        account.token_type = "APP"  # noqa: S105 - a kind, not a token
        return web.json_response(mint(account, world.now_s()))

    app.router.add_post("/app/generateAccessToken", generate)
    app.router.add_post("/app/generate-consent", consent)
    app.router.add_get("/login/consentApp-login", login)
    app.router.add_get("/app/consumeApp-consent", consume)
    app.router.add_post("/app/consumeApp-consent", consume)


def _error(text: str, *, status: int = 400) -> web.Response:
    return web.json_response({"status": "error", "message": text}, status=status)
