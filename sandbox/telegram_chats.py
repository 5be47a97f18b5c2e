"""The Bot API's methods about the bot itself, its chats, pins, reactions and answers to taps."""

from __future__ import annotations

import re
from typing import Any

from sandbox.telegram_call import Method, Params, bad_request, chat_of, message_of
from sandbox.telegram_entities import Formatted, utf16_length
from sandbox.telegram_json import bot_json, chat_full_json, message_json, user_json
from sandbox.telegram_state import Body, TelegramState, scope_key

#: How long a tap can be answered. Telegram says no number; bots see about this one.
ANSWER_WITHIN_S = 15.0

_TOAST_LIMIT = 200
_SHORT_DESCRIPTION_LIMIT = 120
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_COMMANDS_LIMIT = 100

_REACTION_LIST = """
    👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤️‍🔥
    🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨
    🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂️ 🤷 🤷‍♀️ 😡
"""

#: The only emoji a bot can react with; a check mark is not among them.
REACTIONS = frozenset(_REACTION_LIST.split())


def get_me(state: TelegramState, _params: Params) -> Any:
    """Answer getMe."""
    return bot_json(state.bot)


def get_chat(state: TelegramState, params: Params) -> Any:
    """Answer getChat."""
    return chat_full_json(state, chat_of(state, params))


def get_chat_member(state: TelegramState, params: Params) -> Any:
    """Answer getChatMember: member or left; this house has no administrators."""
    chat = chat_of(state, params)
    user = state.users.get(params.integer("user_id"))
    if user is None:
        raise bad_request("user not found")
    inside = user.id in chat.members or user.id == state.bot.id
    return {"status": "member" if inside else "left", "user": user_json(user)}


def leave_chat(state: TelegramState, params: Params) -> Any:
    """Answer leaveChat: a group that the bot left answers 403 from then on."""
    chat = chat_of(state, params)
    if chat.private:
        raise bad_request("chat member status can't be changed in private chats")
    chat.members.discard(state.bot.id)
    return True


def answer_callback_query(state: TelegramState, params: Params) -> Any:
    """Answer answerCallbackQuery: once, and soon."""
    query = state.queries.get(params.text("callback_query_id"))
    if query is None or query.answered or state.now() - query.at_s > ANSWER_WITHIN_S:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = params.text("text")
    if utf16_length(text) > _TOAST_LIMIT:
        raise bad_request("message is too long")
    query.toast, query.alert = text, params.flag("show_alert")
    chat_id = state.messages[query.message_id].chat_id
    state.tell("answer", chat_id=chat_id, query=query.id, user=query.user_id, text=text, alert=query.alert)
    return True


def pin_chat_message(state: TelegramState, params: Params) -> Any:
    """Answer pinChatMessage; the chat also gets a service message that says so."""
    message = message_of(state, params, "pin")
    chat = state.chats[message.chat_id]
    if message.id not in chat.pinned:
        chat.pinned.append(message.id)
        service = {"pinned_message": message_json(state, message, nested=True)}
        silent = params.flag("disable_notification")
        state.post(chat.id, state.bot.id, Body(Formatted()), service=service, silent=silent)
        state.tell("pinned", chat_id=chat.id, pinned=list(chat.pinned))
    return True


def unpin_chat_message(state: TelegramState, params: Params) -> Any:
    """Answer unpinChatMessage: this message, or the latest pinned one."""
    chat = chat_of(state, params)
    wanted = params.integer("message_id") or (chat.pinned[-1] if chat.pinned else 0)
    if wanted not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(wanted)
    state.tell("pinned", chat_id=chat.id, pinned=list(chat.pinned))
    return True


def unpin_all_chat_messages(state: TelegramState, params: Params) -> Any:
    """Answer unpinAllChatMessages."""
    chat = chat_of(state, params)
    chat.pinned.clear()
    state.tell("pinned", chat_id=chat.id, pinned=[])
    return True


def set_message_reaction(state: TelegramState, params: Params) -> Any:
    """Answer setMessageReaction: at most one emoji from a closed list."""
    message = message_of(state, params, "react to")
    wanted = params.objects("reaction")
    emoji = tuple(str(each.get("emoji", "")) for each in wanted)
    if len(emoji) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if not REACTIONS.issuperset(emoji):
        raise bad_request("REACTION_INVALID")
    message.reactions = emoji
    state.tell("message", message)
    return True


def create_forum_topic(state: TelegramState, params: Params) -> Any:
    """Answer createForumTopic; the topic's id is that of the service message that opens it."""
    chat = chat_of(state, params)
    name = params.text("name")
    if not chat.forum:
        raise bad_request("the chat is not a forum")
    if not 1 <= len(name) <= 128:
        raise bad_request("TOPIC_TITLE_EMPTY" if not name else "TOPIC_TITLE_TOO_LONG")
    topic = {"name": name, "icon_color": params.integer("icon_color", 0x6FB9F0)}
    opened = state.post(chat.id, state.bot.id, Body(Formatted()), service={"forum_topic_created": topic})
    return {"message_thread_id": opened.id, **topic}


def _scope(params: Params) -> str:
    scope = params.object("scope")
    return ":".join(filter(None, [scope_key(scope), params.text("language_code")]))


def set_my_commands(state: TelegramState, params: Params) -> Any:
    """Answer setMyCommands for one scope."""
    commands = params.objects("commands")
    if len(commands) > _COMMANDS_LIMIT:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _COMMAND.fullmatch(str(command.get("command", "")).removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.commands[_scope(params)] = [
        {"command": str(each["command"]).removeprefix("/"), "description": str(each["description"])}
        for each in commands
    ]
    state.tell("commands")
    return True


def get_my_commands(state: TelegramState, params: Params) -> Any:
    """Answer getMyCommands for one scope."""
    return state.commands.get(_scope(params), [])


def delete_my_commands(state: TelegramState, params: Params) -> Any:
    """Answer deleteMyCommands for one scope."""
    state.commands.pop(_scope(params), None)
    state.tell("commands")
    return True


def set_my_short_description(state: TelegramState, params: Params) -> Any:
    """Answer setMyShortDescription."""
    text = params.text("short_description")
    if len(text) > _SHORT_DESCRIPTION_LIMIT:
        raise bad_request("SHORT_DESCRIPTION_TOO_LONG")
    state.short_description = text
    state.tell("about")
    return True


def get_my_short_description(state: TelegramState, _params: Params) -> Any:
    """Answer getMyShortDescription."""
    return {"short_description": state.short_description}


def set_chat_menu_button(state: TelegramState, params: Params) -> Any:
    """Answer setChatMenuButton; without a chat it is the default for all."""
    button = params.object("menu_button") or {"type": "default"}
    if str(button.get("type")) not in ("commands", "default", "web_app"):
        raise bad_request("menu button type is unknown")
    state.menu_buttons[params.integer("chat_id")] = button
    return True


def get_chat_menu_button(state: TelegramState, params: Params) -> Any:
    """Answer getChatMenuButton."""
    default = state.menu_buttons.get(0, {"type": "commands"})
    return state.menu_buttons.get(params.integer("chat_id"), default)


METHODS: dict[str, Method] = {
    "getMe": get_me,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "leaveChat": leave_chat,
    "answerCallbackQuery": answer_callback_query,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all_chat_messages,
    "setMessageReaction": set_message_reaction,
    "createForumTopic": create_forum_topic,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyShortDescription": set_my_short_description,
    "getMyShortDescription": get_my_short_description,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
}
