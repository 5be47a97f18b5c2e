"""What Telegram checks of a keyboard before it shows one."""

from __future__ import annotations

from typing import Any

from sandbox.telegram_call import Params, bad_request
from sandbox.telegram_state import Markup

#: Exactly one of these says what an inline button does (Bot API 10.3).
_ACTIONS = (
    "url", "callback_data", "web_app", "login_url", "switch_inline_query",
    "switch_inline_query_current_chat", "switch_inline_query_chosen_chat", "copy_text",
    "callback_game", "pay", "disabled",
)  # fmt: skip
_STYLES = ("danger", "success", "primary")
_DATA_BYTES = 64
_COPY_CHARS = 256
_ROW_KEYS = 8
_ALL_KEYS = 100


def markup_of(params: Params) -> Markup | None:
    """Read ``reply_markup``: an inline keyboard, checked, or one of the other three kinds as it is.

    Raises:
        ApiError: 400 with Telegram's words.
    """
    markup = params.nested("reply_markup")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in markup:
        if not {"keyboard", "remove_keyboard", "force_reply"} & set(markup):
            return None
        return markup
    rows = markup["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    rows = [[_button(key) for key in row] for row in rows if row]
    if any(len(row) > _ROW_KEYS for row in rows) or sum(map(len, rows)) > _ALL_KEYS:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def _button(key: Any) -> dict[str, Any]:
    if not isinstance(key, dict):
        raise bad_request("object expected as an inline keyboard button")
    if not key.get("text"):
        raise bad_request("inline keyboard button text is empty")
    actions = [name for name in _ACTIONS if name in key]
    if len(actions) != 1:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if key.get("style") not in (None, "", *_STYLES):
        raise bad_request("invalid button style specified")
    _check_action(actions[0], key[actions[0]])
    return dict(key)


def _check_action(action: str, value: Any) -> None:
    if action == "callback_data" and not 1 <= len(str(value).encode()) <= _DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if action == "url" and not str(value).startswith(("http://", "https://", "tg://")):
        raise bad_request(f"inline keyboard button URL '{value}' is invalid: Wrong HTTP URL")
    if action == "copy_text":
        copied = value.get("text") if isinstance(value, dict) else None
        if not isinstance(copied, str) or not 1 <= len(copied) <= _COPY_CHARS:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")
