"""What a pulse leaves to turns of its own."""

from __future__ import annotations

from engine.chores import STARVED_S, Chores


def test_chores_have_a_turn_now_and_then_however_much_there_is_to_decide():
    """Else nobody's peak would be kept any more while a machine is too slow, and a crash would lose it."""
    done = []

    def piece(now_s):
        done.append(now_s)
        return []

    chores = Chores(piece, piece)
    chores.begin(100.0)
    assert not chores.starve(100.0 + STARVED_S - 0.1)
    chores.begin(100.0 + STARVED_S)  # another stroke of the clock
    assert chores.starve(100.0 + STARVED_S)
    chores.go_on(100.0 + STARVED_S)
    assert done == [100.0 + STARVED_S]
    assert not chores.starve(100.0 + STARVED_S + 0.1)
