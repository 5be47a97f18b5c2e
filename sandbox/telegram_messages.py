"""The Bot API's methods that put words into a chat, change them, and take them away."""

from __future__ import annotations

from typing import Any

from sandbox.telegram_call import Method, Params, bad_request, chat_of, message_of
from sandbox.telegram_entities import Formatted, plain, settled, utf16_length
from sandbox.telegram_html import BadMarkup, parse_html
from sandbox.telegram_json import message_json
from sandbox.telegram_keyboard import markup_of
from sandbox.telegram_media import upload_of
from sandbox.telegram_state import Body, Chat, Message, TelegramState

_TEXT_LIMIT = 4096
_CAPTION_LIMIT = 1024
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
#: What a bot can be seen doing.
_ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip


def formatted_of(params: Params, name: str, mode: str, limit: int) -> Formatted:
    """Read a text field with its markup.

    Args:
        params: the call.
        name: ``text`` or ``caption``.
        mode: the parse mode; only HTML and none are understood here.
        limit: in UTF-16 code units after parsing, the stricter of two readings of "characters".

    Raises:
        ApiError: 400 with Telegram's words.
    """
    raw = params.text(name)
    if mode.upper() == "HTML":
        try:
            formatted = parse_html(raw)
        except BadMarkup as fault:
            raise bad_request(f"can't parse entities: {fault}") from None
    elif mode:
        raise bad_request(f'unsupported parse_mode: this sandbox reads HTML only, got "{mode}"')
    else:
        given = _entities(params, "caption_entities" if name == "caption" else "entities", raw)
        formatted = settled(raw, given) if given else plain(raw)
    if utf16_length(formatted.text) > limit:
        raise bad_request("message caption is too long" if name == "caption" else "message is too long")
    return formatted


def _entities(params: Params, name: str, text: str) -> list[dict[str, Any]]:
    """Read entities that a bot counted by itself. Raises ApiError 400 for those that fit no text."""
    entities = params.objects(name)
    for entity in entities:
        start, length = entity.get("offset", -1), entity.get("length", -1)
        counted = isinstance(start, int) and isinstance(length, int) and isinstance(entity.get("type"), str)
        if not counted or start < 0 or length < 0 or start + length > utf16_length(text):
            raise bad_request("can't parse entities: offset, length or type of an entity is wrong")
    return entities


def _text_body(params: Params) -> Body:
    formatted = formatted_of(params, "text", params.text("parse_mode"), _TEXT_LIMIT)
    if not formatted.text:
        raise bad_request("message text is empty")
    return Body(formatted, params.text("text"), markup_of(params))


def _media_body(state: TelegramState, params: Params, kind: str) -> Body:
    formatted = formatted_of(params, "caption", params.text("parse_mode"), _CAPTION_LIMIT)
    upload = upload_of(state, params, kind, params.text(kind))
    return Body(formatted, params.text("caption"), markup_of(params), kind, upload)


def _post(state: TelegramState, chat: Chat, params: Params, body: Body) -> dict[str, Any]:
    message = state.post(
        chat.id,
        state.bot.id,
        body,
        silent=params.flag("disable_notification"),
        protected=params.flag("protect_content"),
        reply_to=_quoted(state, chat, params),
        thread_id=_thread(state, chat, params),
        effect_id=params.text("message_effect_id") if chat.private else "",
    )
    return message_json(state, message)


def _quoted(state: TelegramState, chat: Chat, params: Params) -> int:
    wanted = params.object("reply_parameters")
    named = wanted.get("message_id", 0)
    if not isinstance(named, int):
        raise bad_request("invalid message_id specified")
    quoted = named or params.integer("reply_to_message_id")
    if quoted and state.in_chat(chat.id, quoted) is None:
        if wanted.get("allow_sending_without_reply") or params.flag("allow_sending_without_reply"):
            return 0
        raise bad_request("message to be replied not found")
    return quoted


def _thread(state: TelegramState, chat: Chat, params: Params) -> int:
    thread = params.integer("message_thread_id")
    opened = state.in_chat(chat.id, thread)
    if thread and (opened is None or "forum_topic_created" not in opened.service):
        raise bad_request("message thread not found")
    return thread


def send_message(state: TelegramState, params: Params) -> Any:
    """Answer sendMessage."""
    return _post(state, chat_of(state, params), params, _text_body(params))


def send_photo(state: TelegramState, params: Params) -> Any:
    """Answer sendPhoto."""
    return _post(state, chat_of(state, params), params, _media_body(state, params, "photo"))


def send_document(state: TelegramState, params: Params) -> Any:
    """Answer sendDocument."""
    return _post(state, chat_of(state, params), params, _media_body(state, params, "document"))


def send_rich_message(state: TelegramState, params: Params) -> Any:
    """Answer sendRichMessage, when the switch is on (the server answers 404 otherwise)."""
    chat = chat_of(state, params)
    rich = params.object("rich_message")
    source = str(rich.get("html") or rich.get("markdown") or "")
    if not source:
        raise bad_request("rich message must be non-empty")
    return _post(state, chat, params, Body(plain(source), source, markup_of(params), "rich"))


def send_message_draft(state: TelegramState, params: Params) -> Any:
    """Answer sendMessageDraft: a preview in a private chat that fades after 30 s."""
    chat = chat_of(state, params)
    if not chat.private:
        raise bad_request("drafts can be sent to private chats only")
    if not params.integer("draft_id"):
        raise bad_request("draft_id must be non-zero")
    formatted = formatted_of(params, "text", params.text("parse_mode"), _TEXT_LIMIT)
    state.tell("draft", chat_id=chat.id, text=formatted.text, entities=list(formatted.entities))
    return True


def send_chat_action(state: TelegramState, params: Params) -> Any:
    """Answer sendChatAction: "typing…" for some seconds."""
    chat = chat_of(state, params)
    action = params.text("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    state.tell("action", chat_id=chat.id, action=action)
    return True


def _own(state: TelegramState, params: Params) -> Message:
    message = message_of(state, params, "edit")
    old = state.now() - message.date_s > state.edit_limit_s
    if message.sender_id != state.bot.id or message.service or old:
        raise bad_request("message can't be edited")
    return message


def _replace(state: TelegramState, message: Message, body: Body) -> dict[str, Any]:
    old = message.body
    if (old.formatted, old.markup, old.upload) == (body.formatted, body.markup, body.upload):
        raise bad_request(_NOT_MODIFIED)
    state.edit(message, body)
    return message_json(state, message)


def edit_message_text(state: TelegramState, params: Params) -> Any:
    """Answer editMessageText; a call without reply_markup takes the keyboard away."""
    message = _own(state, params)
    if message.body.kind != "text":
        raise bad_request("there is no text in the message to edit")
    return _replace(state, message, _text_body(params))


def edit_message_caption(state: TelegramState, params: Params) -> Any:
    """Answer editMessageCaption."""
    message = _own(state, params)
    if message.body.upload is None:
        raise bad_request("there is no caption in the message to edit")
    formatted = formatted_of(params, "caption", params.text("parse_mode"), _CAPTION_LIMIT)
    source, markup = params.text("caption"), markup_of(params)
    return _replace(state, message, Body(formatted, source, markup, message.body.kind, message.body.upload))


def edit_message_media(state: TelegramState, params: Params) -> Any:
    """Answer editMessageMedia: another photo or document, with the caption that comes along."""
    message = _own(state, params)
    media = params.object("media")
    kind = str(media.get("type"))
    if kind not in ("photo", "document"):
        raise bad_request("can't parse InputMedia: photo and document are understood here")
    caption = Params({"caption": str(media.get("caption") or "")})
    formatted = formatted_of(caption, "caption", str(media.get("parse_mode") or ""), _CAPTION_LIMIT)
    upload = upload_of(state, params, kind, str(media.get("media", "")))
    return _replace(state, message, Body(formatted, caption.text("caption"), markup_of(params), kind, upload))


def edit_message_reply_markup(state: TelegramState, params: Params) -> Any:
    """Answer editMessageReplyMarkup."""
    message = _own(state, params)
    markup = markup_of(params)
    if markup == message.body.markup:
        raise bad_request(_NOT_MODIFIED)
    state.replace_markup(message, markup)
    return message_json(state, message)


def delete_message(state: TelegramState, params: Params) -> Any:
    """Answer deleteMessage."""
    state.delete(message_of(state, params, "delete"))
    return True


METHODS: dict[str, Method] = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendRichMessage": send_rich_message,
    "sendMessageDraft": send_message_draft,
    "sendChatAction": send_chat_action,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
}
