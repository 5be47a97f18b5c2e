"""One call of the Bot API: its parameters as they come off the wire, and the way it is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.telegram_state import Chat, Message, TelegramState

_CHAT_ID = re.compile(r"-?[0-9]{1,19}")


class ApiError(Exception):
    """An answer with ``ok: false``; the HTTP status is the error code too."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.code = code
        self.description = description
        self.parameters = dict(parameters or {})
        super().__init__(description)


def bad_request(words: str) -> ApiError:
    """Telegram's 400 with its usual prefix."""
    return ApiError(400, f"Bad Request: {words}")


@dataclass(frozen=True, slots=True)
class File:
    """One file part of a multipart body."""

    name: str
    mime: str
    content: bytes


class Params:
    """Parameters of one call: text fields (nested objects JSON-encoded in them) and file parts."""

    def __init__(self, fields: Mapping[str, str], files: Mapping[str, File] | None = None) -> None:
        self.fields = dict(fields)
        self.files = dict(files or {})

    def text(self, name: str, default: str = "") -> str:
        """Return a text field."""
        return self.fields.get(name, default)

    def integer(self, name: str, default: int = 0) -> int:
        """Return a whole number. Raises ApiError 400 for anything else."""
        raw = self.fields.get(name, "")
        if raw == "":
            return default
        try:
            return int(raw)
        except ValueError:
            raise bad_request(f"invalid {name} specified") from None

    def flag(self, name: str) -> bool:
        """Return a boolean as Telegram reads one: "true", "True", "1"."""
        return self.fields.get(name, "").lower() in ("true", "1", "yes")

    def nested(self, name: str) -> Any:
        """Return a JSON-encoded field; None when absent. Raises ApiError 400 for broken JSON."""
        raw = self.fields.get(name, "")
        if not raw:
            return None
        try:
            return json.loads(raw)
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None

    def object(self, name: str) -> dict[str, Any]:
        """Return a JSON-encoded object; empty when absent. Raises ApiError 400 for anything else."""
        value = self.nested(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise bad_request(f"object expected as {name}")
        return value

    def objects(self, name: str) -> list[dict[str, Any]]:
        """Return an array of objects; empty when absent. Raises ApiError 400 for anything else."""
        value = self.nested(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise bad_request(f"array of objects expected as {name}")
        return value


Method = Callable[[TelegramState, Params], Any]


def chat_of(state: TelegramState, params: Params) -> Chat:
    """Find the chat a call is about. Raises ApiError as Telegram would."""
    name = params.text("chat_id")
    if not name:
        raise bad_request("chat_id is empty")
    # A bot addresses people by number only; a name could be a public group's, and there is none here.
    chat = state.chats.get(int(name)) if _CHAT_ID.fullmatch(name) else None
    if chat is None:
        raise bad_request("chat not found")
    if chat.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if not chat.private and state.bot.id not in chat.members:
        raise ApiError(403, "Forbidden: bot is not a member of the supergroup chat")
    return chat


def message_of(state: TelegramState, params: Params, purpose: str) -> Message:
    """Find the message a call is about; ``purpose`` completes "message to … not found"."""
    chat = chat_of(state, params)
    if not params.text("message_id"):
        raise bad_request("message identifier is not specified")
    message = state.in_chat(chat.id, params.integer("message_id"))
    if message is None:
        raise bad_request(f"message to {purpose} not found")
    return message
