"""The page that tells an alarm again, and what its message says once somebody has seen it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.bubbles import seen_button
from bot.layout import Page, cut, escape, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.layout import Keyboard
    from engine.effects import Alert
    from engine.escalation import Alarm

#: So many are named; the others are counted.
NAMED = 10
_LOUDEST = 4
_TEXT_LIMIT = 1_500


def alarms_page(waiting: Sequence[Alarm], due: Sequence[Alarm], wall_s: float) -> Page:
    """Tell again what waits; ``due`` are those that made it necessary. The longer, the louder."""
    mark = "🔴" * min(max(alarm.told for alarm in due), _LOUDEST)
    if len(waiting) == 1:
        [one] = waiting
        html = f"{mark} <b>NOT SEEN for {span(wall_s - one.raised_s)}: {escape(cut(one.title, 200))}</b>"
        foot = " · ".join([*_about(one), f"id {one.id}", f"told {one.told} times"])
        text = escape(cut(one.text, _TEXT_LIMIT))
        return Page(f"{html}\n{text}\n<i>{escape(foot)}</i>", ((seen_button(one.id),),))
    lines = [f"{mark} <b>NOT SEEN: {len(waiting)} alerts wait</b>"]
    for alarm in waiting[:NAMED]:
        about = " · ".join([*_about(alarm), span(wall_s - alarm.raised_s)])
        lines.append(f"• {escape(cut(alarm.title, 120))} <i>({escape(about)})</i>")
    if len(waiting) > NAMED:
        lines.append(f"and {len(waiting) - NAMED} more")
    lines.append("/status shows where everything stands.")
    return Page("\n".join(lines), _seen_all(waiting))


def storm_page(count: Alert, waiting: Sequence[Alarm]) -> Page:
    """How many HIGH alerts have come beyond those told; its button ends all that wait until now."""
    html = f"🔴 <b>{escape(count.title)}</b>\n{escape(count.text)}"
    return Page(html, _seen_all(waiting))


def seen_page(html: str, keyboard: Keyboard, by: str) -> Page:
    """The message of an alarm once it was seen: by whom, and its other buttons."""
    rest = tuple(row for row in keyboard if not any(button.data.startswith("s:") for button in row))
    return Page(f"{html}\n✅ <i>Seen by {escape(by)}</i>", rest)


def toast(ended: int, barred: int) -> str:
    """What the press of a Seen button is answered with."""
    if barred:
        return (
            f"{barred} of them need an operator of their account and ring on."
            if ended
            else ("Not ended: that needs an operator of its account.")
        )
    return "Seen. It rings no more." if ended else "Seen already, or over."


def _seen_all(waiting: Sequence[Alarm]) -> Keyboard:
    until_ms = max(int(alarm.raised_s * 1000) for alarm in waiting) + 1
    return ((seen_button(f"t{until_ms}", len(waiting)),),)


def _about(alarm: Alarm) -> list[str]:
    return [alarm.position.removeprefix("default/")] if alarm.position else []
