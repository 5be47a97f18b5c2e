"""The questions about exits: drawn with what they would do and cost, drawn anew as prices move, answered.

A yes counts for the figures of the edition that was pressed (`engine.shown`). What a rule asks says on
the card what happens when nobody answers: a profit is left alone for a while, a stop reminds, asks again,
and where the owner has set it so, acts by itself once it has been asked in vain often enough.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.effects import Alert, Answer, Audit, Card, Record
from engine.gate import SNOOZE_OTHER_S, Status, is_stop, silence_of
from engine.margin import Forecasts, forecast_audit
from engine.messages import Wish
from engine.model import Action, Mode, Urgency, Verdict
from engine.preview import worth_of
from engine.question_card import Drawing, title_of
from engine.rules.day_limits import DAY_RULES
from engine.shown import Ruling, near, rule_on, stirred
from engine.tightening import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.effects import Effect
    from engine.gate import Confirmation, Questions
    from engine.helm import Helm
    from engine.messages import MarginKnown, Tap
    from engine.model import Position, PositionId

__all__ = ["FORCED", "ExitQuestions", "forced"]

FORCED = "forced"
#: Questions about more positions are not drawn anew as prices move: a press alone looks at them.
LIVE_AT_MOST = 20
#: How often open questions are looked at, and a card drawn anew: edits have a budget.
LOOK_EVERY_S = 1.0
DRAW_EVERY_S = 5.0
#: A question that is put once more can be answered for so long at least.
AGAIN_S = 30.0
#: After so long a stop that nobody answers reminds.
REMIND_S = 30.0
#: So many questions of a stop in vain, and it acts by itself where the owner wants that.
IN_VAIN = 3
#: What was asked about longer ago than this was another time.
VAIN_LASTS_S = 600.0


@dataclass(slots=True)
class _Drawn:
    """How the card of an open question stands: when it was drawn and looked at, and what margin it tells."""

    at_s: float
    looked_s: float
    margin: str = ""
    reminded: bool = False


class ExitQuestions:
    """Asks about exits, and knows what has been shown of each.

    Args:
        helm: whose positions these are.
        questions: the register that counts one answer each.
    """

    def __init__(self, helm: Helm, questions: Questions) -> None:
        self._helm = helm
        self._questions = questions
        self._drawing = Drawing(helm)
        self._forecasts = Forecasts(real=helm.mode is not Mode.SIMULATE)
        self._drawn: dict[str, _Drawn] = {}
        self._vain: dict[PositionId, tuple[int, float]] = {}

    # ----------------------------------------------------------------------------------- asking

    def ask(
        self, positions: tuple[Position, ...], verdict: Verdict | None, now_s: float, message_id: int = 0
    ) -> tuple[Confirmation, list[Effect]]:
        """Ask whether to exit: a person's wish has no verdict, or one named `FORCED`; a rule's has its own.

        ``message_id``: the chat's message on which a person chose, 0 = none.
        """
        by_hand = verdict is None or verdict.rule == FORCED
        exits = self._drawing.exits(positions, verdict, now_s)
        asked, _ = self._questions.issue(
            Wish.EXIT, tuple(p.id for p in positions), fingerprint(positions), verdict, title_of(positions),
            now_s, forced=by_hand,
        )  # fmt: skip
        asked.show(worth_of(exits))
        record = Record("confirmation", asked.nonce, asked.to_json())
        if verdict is not None and not by_hand:  # a person's preview must not switch the rules off
            for position in positions:
                self._helm.watch.hold(position.id, silence_of(verdict))
        line, queries = self._forecasts.ask(asked.nonce, self._drawing.legs(positions, verdict))
        self._drawn = {n: d for n, d in self._drawn.items() if self._questions.get(n) is not None}
        self._drawn[asked.nonce] = _Drawn(now_s, now_s, line)
        card = self._drawing.card(asked, positions, exits, self._foot(asked, now_s), now_s)
        return asked, [record, replace(card, message_id=message_id), *queries]

    def margin(self, message: MarginKnown, now_s: float) -> list[Effect]:
        """A word on margin: the same question once more with it; nothing when it is decided already."""
        line = self._forecasts.known(message)
        asked = self._questions.get(message.nonce)
        if not line or asked is None:
            return []
        self._of(asked, now_s).margin = line
        return [forecast_audit(message, line), *self._draw(asked, now_s)]

    def look(self, now_s: float) -> list[Effect]:
        """Draw open questions anew whose prices have moved, and remind of stops."""
        effects: list[Effect] = []
        for asked in self._questions.pending():
            if asked.wish is not Wish.EXIT or now_s >= asked.expires_s:
                continue
            drawn = self._of(asked, now_s)
            effects += self._remind(asked, drawn, now_s)
            if now_s - drawn.looked_s < LOOK_EVERY_S or len(asked.positions) > LIVE_AT_MOST:
                continue
            drawn.looked_s = now_s
            if now_s - drawn.at_s >= DRAW_EVERY_S and self._moved(asked, now_s):
                effects += self._draw(asked, now_s)
        return effects

    def _moved(self, asked: Confirmation, now_s: float) -> bool:
        worth = worth_of(self._drawing.exits(self._drawing.positions(asked), asked.verdict, now_s))
        return stirred(asked.shown[max(asked.shown)], worth, self._helm.config.asking.tolerance)

    def _draw(self, asked: Confirmation, now_s: float, *, anew: bool = False) -> list[Effect]:
        """Another edition of a question; ``anew``: its buttons are offered once more.

        None of what is not there any more as it was asked about: a yes to that is void.
        """
        positions = self._drawing.positions(asked)
        if fingerprint(positions) != asked.legs:
            return []
        exits = self._drawing.exits(positions, asked.verdict, now_s)
        asked.show(worth_of(exits))
        self._of(asked, now_s).at_s = now_s
        card = self._drawing.card(asked, positions, exits, self._foot(asked, now_s), now_s)
        return [Record("shown", asked.nonce, asked.shown_json()), replace(card, again=True, anew=anew)]

    def _of(self, asked: Confirmation, now_s: float) -> _Drawn:
        """How it stands; one of an earlier life was drawn then."""
        return self._drawn.setdefault(asked.nonce, _Drawn(0.0, now_s))

    def _remind(self, asked: Confirmation, drawn: _Drawn, now_s: float) -> list[Effect]:
        if drawn.reminded or not is_stop(asked) or asked.expires_s - now_s > REMIND_S:
            return []
        drawn.reminded = True
        reason = asked.verdict.reason if asked.verdict else ""
        text = f"{asked.title}: {reason}. Yes or no? Nothing has been sent."
        return [self._waits(asked, text)]

    def _waits(self, asked: Confirmation, text: str) -> Alert:
        """The one alarm of a stop that nobody answers: question after question renews it."""
        rule = asked.verdict.rule if asked.verdict else ""
        account, _, _ = asked.positions[0].rpartition("/")
        what = f"{rule}:{account}" if rule in DAY_RULES else asked.positions[0]
        place = asked.positions[0] if len(asked.positions) == 1 else None
        return Alert(Urgency.HIGH, f"stop-waits:{what}", "A stop waits for your answer", text, place)

    def _foot(self, asked: Confirmation, now_s: float) -> tuple[str, ...]:
        """What is known of the margin, and what happens when nobody answers."""
        margin = self._drawn[asked.nonce].margin
        return (*([margin] if margin else []), *self._unanswered(asked, now_s))

    def _unanswered(self, asked: Confirmation, now_s: float) -> tuple[str, ...]:
        if asked.forced:
            return ("No answer: nothing is sent",)
        if not is_stop(asked):
            rule = asked.verdict.rule if asked.verdict else ""
            day = "today" if rule in DAY_RULES else f"{SNOOZE_OTHER_S / 60:.0f} min"
            return (f"No answer: held, {day}",)
        lines = ["No answer: reminded, asked again"]
        if self._exits_in_vain(asked):
            left = IN_VAIN - self._times(asked.positions[0], now_s)
            lines.append(f"Unanswered {left}x more: it exits")
        return tuple(lines)

    # -------------------------------------------------------------------------------- answering

    def confirm(self, asked: Confirmation, tap: Tap, now_s: float) -> list[Effect]:
        """Yes: exit, unless that is not what was shown."""
        positions = self._drawing.positions(asked)
        if why := self._void(asked, positions, now_s):
            void = self._helm.dialogue.void(asked, "Not done", why)
            return [Answer(tap.callback_id, why, alarm=True), *void]
        now = worth_of(self._drawing.exits(positions, asked.verdict, now_s))
        seen = tap.edition in asked.shown
        is_near = seen and near(asked.shown[tap.edition], now, self._helm.config.asking.tolerance)
        ruling = rule_on(
            is_near=is_near,
            asked_again=asked.again > 0,
            seen_again=seen and tap.edition >= asked.again,
            stop=is_stop(asked),
        )
        shown = asked.shown.get(tap.edition)
        data = {"nonce": asked.nonce, "edition": tap.edition, "shown": shown, "now": now, "ruling": ruling}
        match ruling:
            case Ruling.COUNTS:
                return [Audit("price", data), *self._start(asked, positions, tap, now_s)]
            case Ruling.ASK_AGAIN:
                asked.again, asked.expires_s = max(asked.shown) + 1, max(asked.expires_s, now_s + AGAIN_S)
                toast = Answer(tap.callback_id, "Not sent: prices have moved. Look again.", alarm=True)
                return [Audit("price", data), toast, *self._draw(asked, now_s, anew=True)]
            case Ruling.OLD:
                toast = Answer(
                    tap.callback_id, "Not sent: these figures are old. Look at the new ones.", alarm=True
                )
                old_s = now_s - self._of(asked, now_s).at_s  # the new card may be lost on the way
                offered = self._draw(asked, now_s, anew=True) if old_s >= DRAW_EVERY_S else []
                return [Audit("price", data), toast, *offered]
            case Ruling.VOID:
                why = "Prices have moved again; nothing was sent. /exit asks anew."
                void = self._helm.dialogue.void(asked, "Not done", why)
                return [Audit("price", data), Answer(tap.callback_id, why, alarm=True), *void]

    def _void(self, asked: Confirmation, positions: tuple[Position, ...], now_s: float) -> str:
        """Why yes means nothing any more; empty = it does."""
        if why := self._helm.exit_impossible(now_s):
            return why
        partly = asked.verdict is not None and asked.verdict.action is Action.SCALE_OUT
        helm = self._helm
        busy = helm.starts.exiting if not partly else lambda position: helm.desk.of(position) is not None
        if positions and all(busy(p.id) for p in positions):
            return "Already exiting; the running exit goes on."
        if fingerprint(positions) != asked.legs:
            return "The position has changed since you were asked. Ask again with /exit."
        return ""

    def _start(
        self, asked: Confirmation, positions: tuple[Position, ...], tap: Tap, now_s: float
    ) -> list[Effect]:
        effects: list[Effect] = [
            self._questions.settle(asked, Status.CONFIRMED),
            Answer(tap.callback_id, "Exiting."),
        ]
        running = self._helm.desk.of(positions[0].id) if len(positions) == 1 else None
        if running is not None:
            how = "is in a hurry" if running.part is None else "closes the whole position"
            lines = (f"The exit that runs {how} now.",)
            effects.append(Card(asked.nonce, f"Exiting {asked.title}", lines, final=True))
        for position in positions:
            name = asked.nonce if len(positions) == 1 else None
            verdict = asked.verdict or forced()
            effects += self._helm.starts.exit(position, verdict, tap.by.name, name, now_s)
        if len(positions) > 1:
            card = Card(asked.nonce, f"Exiting {asked.title}", ("One card each follows.",), final=True)
            effects.append(card)
        return effects

    # ------------------------------------------------------------------------------ not answered

    def in_vain(self, asked: Confirmation, verdict: Verdict, now_s: float) -> list[Effect]:
        """Nobody has answered a stop; those of a day limit are asked for as long as it takes."""
        if self._exits_in_vain(asked):
            for position in asked.positions:
                self._vain[position] = self._times(position, now_s) + 1, now_s
        alone = self._exits_in_vain(asked) and self.acts_alone(asked.positions[0], verdict, now_s)
        next_ = "if it is still met, it exits by itself now" if alone else "you are asked again"
        text = f"{asked.title}: {verdict.reason}. Nobody answered, nothing was sent; {next_}."
        return [self._waits(asked, text)]

    def _times(self, position: PositionId, now_s: float) -> int:
        """How often it was asked about in vain without a pause."""
        times, at_s = self._vain.get(position, (0, now_s))
        return times if now_s - at_s < VAIN_LASTS_S else 0

    def heard(self, positions: Iterable[PositionId]) -> None:
        """Somebody is there, or an exit of these begins: what was asked in vain before counts no more."""
        for position in positions:
            self._vain.pop(position, None)

    def acts_alone(self, position: PositionId, verdict: Verdict, now_s: float) -> bool:
        """Whether a stop has been asked about so often that it acts by itself."""
        wanted = self._helm.config.asking.stop_exits and verdict.action is Action.CLOSE_IMMEDIATELY
        return wanted and self._times(position, now_s) >= IN_VAIN

    def _exits_in_vain(self, asked: Confirmation) -> bool:
        of_a_rule = asked.verdict is not None and asked.verdict.rule not in DAY_RULES
        return self._helm.config.asking.stop_exits and of_a_rule


def forced(fraction: float | None = None) -> Verdict:
    """A person's wish; ``fraction`` = the share of the entry that is to be closed, None = all of it."""
    action = Action.CLOSE_IMMEDIATELY if fraction is None else Action.SCALE_OUT
    return Verdict(FORCED, action, Urgency.HIGH, None, None, fraction or 1.0, "Asked for by you")
