"""What Telegram's servers remember: people, chats, messages and their earlier texts.

Nothing here waits and nothing knows HTTP; moments come in as arguments. Every change is told to the
one ``listener`` as a small JSON-ready event, from which tests wake up and phone pages redraw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from sandbox.telegram_entities import Entity, Formatted

Markup = dict[str, Any]
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class User:
    """A person, or the bot itself, by Telegram's numeric id."""

    id: int
    first_name: str
    username: str = ""
    is_bot: bool = False


@dataclass(slots=True)
class Chat:
    """A private chat (its id is the person's id) or a supergroup (negative id).

    Attributes:
        pinned: ids of pinned messages, latest last.
        blocked: the person blocked the bot; every send is answered 403.
        forum: topics are switched on, so ``createForumTopic`` works.
    """

    id: int
    title: str
    members: set[int]
    pinned: list[int] = field(default_factory=list)
    blocked: bool = False
    forum: bool = False

    @property
    def private(self) -> bool:
        """True for the chat of one person with the bot."""
        return self.id > 0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a bot sent; width and height in pixels for a picture, else 0."""

    id: str
    name: str
    mime: str
    content: bytes
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Body:
    """What an edit replaces: words, keyboard, attachment.

    Attributes:
        source: the text as the bot sent it, markup and all.
        kind: ``text``, ``photo``, ``document`` or ``rich``.
    """

    formatted: Formatted
    source: str = ""
    markup: Markup | None = None
    kind: str = "text"
    upload: Upload | None = None


@dataclass(slots=True)
class Message:
    """One message as it stands now, with every earlier body.

    Attributes:
        date_s, edited_s: whole epoch seconds; ``edited_s`` is 0 while never edited.
        silent: sent with ``disable_notification``.
        service: extra JSON of a service message (a pin, a new topic), else empty.
    """

    id: int
    chat_id: int
    sender_id: int
    date_s: int
    body: Body
    history: list[Body] = field(default_factory=list)
    edited_s: int = 0
    silent: bool = False
    protected: bool = False
    deleted: bool = False
    reply_to: int = 0
    thread_id: int = 0
    effect_id: str = ""
    service: dict[str, Any] = field(default_factory=dict)
    reactions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The words (or caption) without markup."""
        return self.body.formatted.text

    @property
    def html(self) -> str:
        """The words as the bot sent them."""
        return self.body.source

    @property
    def entities(self) -> tuple[Entity, ...]:
        """What lies over the words."""
        return self.body.formatted.entities

    @property
    def edits(self) -> list[str]:
        """Every text this message ever had, oldest first, the present one last."""
        return [body.formatted.text for body in (*self.history, self.body)]

    @property
    def keys(self) -> list[dict[str, Any]]:
        """The inline buttons as JSON, row after row."""
        return keys_of(self.body.markup)

    @property
    def buttons(self) -> list[str]:
        """The inline buttons' texts, row after row."""
        return [key["text"] for key in self.keys]


def keys_of(markup: Markup | None) -> list[dict[str, Any]]:
    """Flatten an inline keyboard; none for any other reply markup."""
    rows = (markup or {}).get("inline_keyboard", [])
    return [key for row in rows for key in row]


@dataclass(slots=True)
class Query:
    """One tap on a button, from the press to the bot's answer.

    Attributes:
        toast: the answer's text; None while unanswered.
        alert: the answer wants a box to be dismissed, not a passing toast.
    """

    id: str
    user_id: int
    message_id: int
    data: str
    at_s: float
    toast: str | None = None
    alert: bool = False

    @property
    def answered(self) -> bool:
        """True once the bot has answered."""
        return self.toast is not None


class TelegramState:
    """Everything the server knows, changed by bots through the API and by people through phones.

    Attributes:
        edit_limit_s: older messages can't be edited; Telegram names 48 hours for some kinds, none for others.
    """

    def __init__(self, bot: User, now: Callable[[], float]) -> None:
        self.bot = bot
        self.now = now
        self.users: dict[int, User] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.messages: dict[int, Message] = {}
        self.queries: dict[str, Query] = {}
        self.uploads: dict[str, Upload] = {}
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.menu_buttons: dict[int, dict[str, Any]] = {}
        self.short_description = ""
        self.rich = False
        self.edit_limit_s = inf
        self.listener: Callable[[Event], None] = lambda _event: None
        self._last_id = 0

    def next_id(self) -> int:
        """Count on; messages, queries, files and topics share one counter, so no two are mistaken."""
        self._last_id += 1
        return self._last_id

    def add_user(self, user: User) -> Chat:
        """Let a person exist, with a private chat in which the bot was started."""
        self.users[user.id] = user
        return self.chats.setdefault(user.id, Chat(user.id, user.first_name, {user.id}))

    def add_group(self, chat_id: int, title: str, members: set[int]) -> Chat:
        """Let a supergroup exist with these people and the bot in it."""
        if chat_id >= 0:
            raise ValueError(f"a group's id is negative; read {chat_id}")
        group = self.chats.setdefault(chat_id, Chat(chat_id, title, set()))
        group.members |= members | {self.bot.id}
        return group

    def post(self, chat_id: int, sender_id: int, body: Body, **how: Any) -> Message:
        """Put a new message into a chat; ``how`` are fields of `Message`."""
        message = Message(self.next_id(), chat_id, sender_id, int(self.now()), body, **how)
        self.messages[message.id] = message
        self.tell("message", message)
        return message

    def edit(self, message: Message, body: Body) -> None:
        """Replace a message's body and remember the old one."""
        message.history.append(message.body)
        message.body = body
        message.edited_s = max(int(self.now()), message.date_s)
        self.tell("message", message)

    def replace_markup(self, message: Message, markup: Markup | None) -> None:
        """Change the keyboard alone."""
        self.edit(message, replace(message.body, markup=markup))

    def delete(self, message: Message) -> None:
        """Take a message out of its chat; tests can still look at it."""
        message.deleted = True
        chat = self.chats[message.chat_id]
        if message.id in chat.pinned:
            chat.pinned.remove(message.id)
            self.tell("pinned", chat_id=chat.id, pinned=list(chat.pinned))
        self.tell("message", message)

    def tell(self, kind: str, message: Message | None = None, **more: Any) -> None:
        """Tell the listener that something changed."""
        self.listener({"type": kind, "message": message, **more})

    def in_chat(self, chat_id: int, message_id: int) -> Message | None:
        """Find a message that is still there to be answered, edited or pinned."""
        message = self.messages.get(message_id)
        gone = message is None or message.deleted or message.chat_id != chat_id
        return None if gone else message

    def commands_for(self, chat_id: int, user_id: int) -> list[dict[str, str]]:
        """Return the commands that this person sees in this chat: the narrowest scope that has any."""
        around = "all_private_chats" if chat_id > 0 else "all_group_chats"
        for scope in (f"chat_member:{chat_id}:{user_id}", f"chat:{chat_id}", around, "default"):
            if self.commands.get(scope):
                return self.commands[scope]
        return []


def scope_key(scope: Mapping[str, Any]) -> str:
    """Name a BotCommandScope by its type and, where it has them, its ids."""
    ids = (str(scope[name]) for name in ("chat_id", "user_id") if name in scope)
    return ":".join([str(scope.get("type", "default")), *ids])
