"""Our records as the Bot API's JSON objects."""

from __future__ import annotations

from typing import Any

from sandbox.telegram_state import Chat, Message, Query, TelegramState, Upload, User

Json = dict[str, Any]


def user_json(user: User) -> Json:
    """Build a ``User``."""
    user_object: Json = {"id": user.id, "is_bot": user.is_bot, "first_name": user.first_name}
    if user.username:
        user_object["username"] = user.username
    return user_object if user.is_bot else {**user_object, "language_code": "en"}


def bot_json(bot: User) -> Json:
    """Build the ``User`` that getMe returns, with what this bot may do."""
    return user_json(bot) | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def chat_json(state: TelegramState, chat: Chat) -> Json:
    """Build a ``Chat``."""
    if not chat.private:
        forum: Json = {"is_forum": True} if chat.forum else {}
        return {"id": chat.id, "type": "supergroup", "title": chat.title, **forum}
    user = state.users[chat.id]
    name: Json = {"username": user.username} if user.username else {}
    return {"id": chat.id, "type": "private", "first_name": user.first_name, **name}


def chat_full_json(state: TelegramState, chat: Chat) -> Json:
    """Build the ``ChatFullInfo`` that getChat returns."""
    full = chat_json(state, chat) | {
        "accent_color_id": 4,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }
    pinned = state.in_chat(chat.id, chat.pinned[-1]) if chat.pinned else None
    return full | ({"pinned_message": message_json(state, pinned)} if pinned else {})


def message_json(state: TelegramState, message: Message, *, nested: bool = False) -> Json:
    """Build a ``Message``; one that stands inside another leaves its own quotation out."""
    chat = state.chats[message.chat_id]
    built: Json = {
        "message_id": message.id,
        "date": message.date_s,
        "chat": chat_json(state, chat),
        "from": user_json(state.users[message.sender_id]),
        **_content(message),
        **message.service,
    }
    markup = message.body.markup
    optional: Json = {
        "edit_date": message.edited_s,
        "message_thread_id": message.thread_id,
        "is_topic_message": bool(message.thread_id),
        "has_protected_content": message.protected,
        "effect_id": message.effect_id,
        "reply_markup": markup if markup and "inline_keyboard" in markup else None,
    }
    quoted = None if nested else state.in_chat(message.chat_id, message.reply_to)
    if quoted:
        optional["reply_to_message"] = message_json(state, quoted, nested=True)
    return built | {key: value for key, value in optional.items() if value}


def _content(message: Message) -> Json:
    body = message.body
    entities = list(body.formatted.entities)
    if body.kind == "rich":
        lines = body.formatted.text.split("\n")
        return {"rich_message": {"blocks": [{"type": "paragraph", "text": line} for line in lines]}}
    if body.upload is None:
        named: Json = {"text": body.formatted.text, "entities": entities}
    else:
        attachment = _photo(body.upload) if body.kind == "photo" else _document(body.upload)
        named = {body.kind: attachment, "caption": body.formatted.text, "caption_entities": entities}
    return {key: value for key, value in named.items() if value}


def _file(upload: Upload) -> Json:
    return {"file_id": upload.id, "file_unique_id": f"u{upload.id}", "file_size": len(upload.content)}


def _photo(upload: Upload) -> list[Json]:
    return [_file(upload) | {"width": upload.width, "height": upload.height}]


def _document(upload: Upload) -> Json:
    return _file(upload) | {"file_name": upload.name, "mime_type": upload.mime}


def file_json(upload: Upload) -> Json:
    """Build the ``File`` that getFile returns; the path is below ``/file/bot<token>/``."""
    return _file(upload) | {"file_path": f"files/{upload.id}/{upload.name}"}


def query_json(state: TelegramState, query: Query) -> Json:
    """Build a ``CallbackQuery``; a message that is gone comes as an inaccessible one (date 0)."""
    message = state.messages[query.message_id]
    shown = message_json(state, message)
    if message.deleted:
        shown = {"chat": shown["chat"], "message_id": message.id, "date": 0}
    return {
        "id": query.id,
        "from": user_json(state.users[query.user_id]),
        "message": shown,
        "chat_instance": str(message.chat_id * 1_000_003),
        "data": query.data,
    }
