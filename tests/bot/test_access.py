"""Who is let in, and with what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import Update
from telegram.ext import ApplicationHandlerStop

from bot.access import STRANGERS_TOLD, Admission, Gate, actor, admission
from engine.effects import Alert
from engine.messages import Actor
from engine.model import Urgency

OWNER, HOME, NOW_S = 42, 42, 1_800_000_000.0


def update(
    kind: str = "message",
    *,
    user: int | None = OWNER,
    chat: int = HOME,
    age_s: float = 1.0,
    forwarded: bool = False,
) -> Update:
    """An update as Telegram sends it, read by the library."""
    person = {"id": user, "is_bot": False, "first_name": "Asha", "last_name": "Rao"}
    place = {"id": chat, "type": "private" if chat > 0 else "supergroup", "title": "Desk"}
    message: dict[str, Any] = {"message_id": 5, "date": int(NOW_S - age_s), "chat": place, "text": "/stop"}
    if user is not None:
        message["from"] = person
    if forwarded:
        message["forward_origin"] = {"type": "hidden_user", "date": 1, "sender_user_name": "Mallory"}
    body = message
    if kind == "callback_query":
        body = {"id": "9", "from": person, "message": message, "chat_instance": "1", "data": "c:n:y"}
    elif kind == "my_chat_member":
        member = {"status": "member", "user": person}
        body = {
            "chat": place,
            "from": person,
            "date": 1,
            "old_chat_member": member,
            "new_chat_member": member,
        }
    read = Update.de_json({"update_id": 1, kind: body}, None)
    assert read is not None
    return read


def judged(one: Update) -> Admission:
    """The verdict about an update."""
    return admission(one, chat_id=HOME, user_ids=frozenset({OWNER}), wall_s=NOW_S, drop_after_s=30.0)


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (update(), Admission.ADMITTED),
        (update(user=666), Admission.STRANGER),
        (update(chat=-100), Admission.STRANGER),
        (update("callback_query"), Admission.ADMITTED),
        (update("callback_query", user=666), Admission.STRANGER),
        (update("callback_query", chat=-100), Admission.STRANGER),
        (update("channel_post", user=None), Admission.STRANGER),
        (update("edited_message"), Admission.EDITED),
        (update("edited_message", user=666), Admission.STRANGER),
        (update(age_s=30), Admission.ADMITTED),
        (update(age_s=31), Admission.STALE),
        (update(age_s=-600), Admission.ADMITTED),
        (update(forwarded=True), Admission.FORWARDED),
        (update(forwarded=True, user=666), Admission.STRANGER),
        (update("callback_query", age_s=3600), Admission.ADMITTED),
        (update("my_chat_member"), Admission.MEMBERSHIP),
    ],
)
def test_the_table_of_admissions(one: Update, verdict: Admission):
    """User and chat must both be the owner's; edits and stale words are not run; presses have no age."""
    assert judged(one) is verdict


def test_the_actor_is_named_by_numbers():
    """Ids decide, the name is only shown."""
    who = actor(update())
    assert (who.user_id, who.chat_id, who.name) == (OWNER, HOME, "Asha Rao")


class Heard:
    """A gate with ears on everything it does."""

    def __init__(self) -> None:
        self.alarms: list[Alert] = []
        self.replies: list[str] = []
        self.heard = 0
        self.turned_away: list[tuple[Actor, str, str]] = []
        self.gate = Gate(
            chat_id=HOME,
            user_ids=frozenset({OWNER}),
            drop_after_s=30.0,
            wall_s=lambda: NOW_S,
            alarm=self.alarms.append,
            reply=self.replies.append,
            heard=self._hear,
            turned_away=lambda *what: self.turned_away.append(what),
        )

    def _hear(self) -> None:
        self.heard += 1


async def test_a_stranger_is_told_to_the_owner_once_and_gets_no_answer():
    """Ten messages of one stranger are one quiet alert; of many strangers only the first few are told."""
    ears = Heard()
    for user in [666] * 10 + list(range(700, 720)):
        with pytest.raises(ApplicationHandlerStop):
            await ears.gate(update(user=user), None)
    assert len(ears.alarms) == STRANGERS_TOLD
    assert ears.alarms[0].urgency is Urgency.NORMAL
    assert "user 666" in ears.alarms[0].text
    assert ears.replies == []
    assert ears.heard == 0


async def test_every_reach_of_a_stranger_is_for_the_audit():
    """Who, and what for: a command by its word, a press by its data, anything else as words."""
    ears = Heard()
    for one in (update(user=666), update("callback_query", user=666), update("channel_post", user=None)):
        with pytest.raises(ApplicationHandlerStop):
            await ears.gate(one, None)
    assert [(who.user_id, what, why) for who, what, why in ears.turned_away] == [
        (666, "/stop", "stranger"),
        (666, "the button c:n:y", "stranger"),
        (0, "/stop", "stranger"),
    ]


async def test_a_stale_command_is_named_and_explained():
    """The person learns what was ignored, how old it was, and what to do."""
    ears = Heard()
    with pytest.raises(ApplicationHandlerStop):
        await ears.gate(update(age_s=840), None)
    assert ears.replies == [
        "Ignored “/stop”: it is 14 min old. Nothing was done. Send it again if you mean it now."
    ]


async def test_forwarded_words_are_not_the_owners():
    """What somebody else wrote, or the owner another day, is no command; the reply says why."""
    ears = Heard()
    with pytest.raises(ApplicationHandlerStop):
        await ears.gate(update(forwarded=True), None)
    assert ears.replies[0].startswith("Ignored “/stop”: it was forwarded. Nothing was done.")


async def test_the_owner_passes():
    """And the outbox hears that Telegram is there."""
    ears = Heard()
    await ears.gate(update(), None)
    assert ears.heard == 1


async def test_an_edited_command_goes_nowhere_silently():
    """Correcting an old text is not a command."""
    ears = Heard()
    with pytest.raises(ApplicationHandlerStop):
        await ears.gate(update("edited_message"), None)
    assert (ears.alarms, ears.replies, ears.heard) == ([], [], 0)


def test_the_dates_of_telegram_are_utc():
    """The library reads epoch seconds as aware moments, so ages are right in every zone."""
    message = update(age_s=5).message
    assert message is not None
    assert message.date == datetime.fromtimestamp(NOW_S - 5, UTC)
