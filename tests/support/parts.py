"""A condor in four combinations, its levels and its prices, for the tests of partial exits.

At best it makes ₹12,220, so the levels stand at ₹3,055, ₹6,110 and ₹9,165. Twelve rupees a unit are ₹780 a
combination, twenty-four ₹1,560, thirty-six ₹2,340.
"""

from __future__ import annotations

from dataclasses import replace

from engine.model import Mode
from tests.engine.makers import condors
from tests.support.rig import Rig

SCALING = "[default]\nprofit_scaling = true\n"
ENTRY = (20, 45, 40, 18)
ONE = (20, 39, 34, 18)  # ₹12 a unit
TWO = (20, 33, 28, 18)  # ₹24 a unit
THREE = (20, 27, 22, 18)  # ₹36 a unit
LOSS = (6, 10, 190, 60)


def rig(mode=Mode.EXECUTE, lots=4, rules=SCALING):
    """A monitor that watches the condor, at its entry prices."""
    made = Rig(mode, condors(lots), rules=rules)
    made.rows = [replace(row, id=number) for number, row in enumerate(made.rows, start=1)]
    made.wait(1, *ENTRY)
    return made


def held(made):
    """Lots of each leg at the broker."""
    return [made.net[each.key] // 65 for each in made.legs]


def watched(made):
    """Lots of each leg as they are watched."""
    (found,) = made.monitor.holdings.positions.values()
    return [each.quantity // 65 for each in found.legs]


def memory(made):
    (name,) = made.monitor.holdings.positions
    return made.monitor.watch.memory(name)


def verdicts(made):
    return [intent.verdict for intent in made.monitor.desk.intents.values()]
