"""What a person can do on a phone: type, correct, tap, block. Tests and the phone page both use it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.telegram_entities import plain
from sandbox.telegram_json import chat_json, message_json, query_json, user_json
from sandbox.telegram_state import Body, Chat, Message, Query, TelegramState, User, keys_of
from sandbox.telegram_updates import UpdateQueue


class Phone:
    """Every person's phone in one: each action says whose (the owner's unless told otherwise)."""

    def __init__(self, state: TelegramState, updates: UpdateQueue, owner_id: int, chat_id: int) -> None:
        self._state = state
        self._updates = updates
        self.owner_id = owner_id
        self.chat_id = chat_id

    def person(self, user_id: int) -> User:
        """Find a person; an id nobody knows is a stranger with an own chat."""
        if user_id not in self._state.users:
            self._state.add_user(User(user_id, f"Stranger {user_id}"))
        return self._state.users[user_id]

    def send(
        self,
        text: str,
        *,
        user: int | None = None,
        chat: int | None = None,
        reply_to: int = 0,
        age_s: float = 0.0,
    ) -> Message:
        """Type a message and send it.

        Args:
            text: what is typed; ``/commands`` are found as clients find them.
            user: whose phone; the owner's when None.
            chat: where; the house's chat when the person is in it, else the person's own.
            reply_to: the message it answers.
            age_s: how many seconds ago it was typed (it waited while the bot was away).
        """
        sender = self.person(self.owner_id if user is None else user)
        place = self._state.chats[self._home(sender.id) if chat is None else chat]
        if place.private and place.id != sender.id:
            raise ValueError(f"chat {place.id} is another person's; {sender.id} cannot write there")
        source = self._state.in_chat(place.id, reply_to)
        message = self._state.post(place.id, sender.id, Body(plain(text), text), reply_to=reply_to)
        message.date_s -= int(age_s)
        for_bot = source is not None and source.sender_id == self._state.bot.id
        if place.private or for_bot or text.startswith("/") or f"@{self._state.bot.username}" in text:
            self._updates.push("message", message_json(self._state, message))
        return message

    def _home(self, user_id: int) -> int:
        return self.chat_id if user_id in self._state.chats[self.chat_id].members else user_id

    def edit(self, message_id: int, text: str) -> Message:
        """Correct a message that a person sent; the bot hears of it as ``edited_message``."""
        message = self._state.messages[message_id]
        if message.sender_id == self._state.bot.id:
            raise ValueError(f"message {message_id} is the bot's; a person cannot edit it")
        self._state.edit(message, replace(message.body, formatted=plain(text), source=text))
        self._updates.push("edited_message", message_json(self._state, message))
        return message

    def delete(self, message_id: int) -> None:
        """Delete a message for both sides; no update tells the bot."""
        self._state.delete(self._state.messages[message_id])

    def tap(self, message_id: int, button: str, *, user: int | None = None) -> Query:
        """Press a button, named by its text or its callback data; return the query to watch.

        A phone may still show an earlier state, so buttons of earlier versions of the message and
        of a deleted message can be pressed too.

        Raises:
            LookupError: the message never had such a button; the text lists those it has.
        """
        message = self._state.messages[message_id]
        for body in (message.body, *reversed(message.history)):
            for key in keys_of(body.markup):
                if "callback_data" in key and button in (key["text"], key["callback_data"]):
                    return self.forge(message_id, key["callback_data"], user=user)
        raise LookupError(f"message {message_id} has no button {button!r}; it has {message.buttons}")

    def forge(self, message_id: int, data: str, *, user: int | None = None) -> Query:
        """Send callback data that need not be on any button, as a doctored client can."""
        sender = self.person(self.owner_id if user is None else user)
        query = Query(f"4{self._state.next_id():07d}", sender.id, message_id, data, self._state.now())
        self._state.queries[query.id] = query
        self._updates.push("callback_query", query_json(self._state, query))
        return query

    def block(self, user: int | None = None) -> None:
        """Block the bot: its sends to this person's chat are answered 403 from now on."""
        self._membership(self._own_chat(user), user, blocked=True)

    def unblock(self, user: int | None = None) -> None:
        """Start the bot again."""
        self._membership(self._own_chat(user), user, blocked=False)

    def invite(self, chat_id: int, title: str, *, user: int | None = None) -> None:
        """Add the bot to a group; the bot hears of it as ``my_chat_member``."""
        sender = self.person(self.owner_id if user is None else user)
        group = self._state.add_group(chat_id, title, {sender.id})
        self._updates.push("my_chat_member", self._membership_json(group, sender, "left", "member"))

    def _own_chat(self, user: int | None) -> Chat:
        return self._state.chats[self.owner_id if user is None else user]

    def _membership(self, chat: Chat, user: int | None, *, blocked: bool) -> None:
        chat.blocked = blocked
        words = ("member", "kicked") if blocked else ("kicked", "member")
        sender = self.person(self.owner_id if user is None else user)
        self._updates.push("my_chat_member", self._membership_json(chat, sender, *words))

    def _membership_json(self, chat: Chat, sender: User, old: str, new: str) -> dict[str, Any]:
        def member(status: str) -> dict[str, Any]:
            until = {"until_date": 0} if status == "kicked" else {}
            return {"status": status, "user": user_json(self._state.bot), **until}

        return {
            "chat": chat_json(self._state, chat),
            "from": user_json(sender),
            "date": int(self._state.now()),
            "old_chat_member": member(old),
            "new_chat_member": member(new),
        }
