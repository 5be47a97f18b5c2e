"""A file that is imported while the monitor lives: its positions are watched at once, none of them twice."""

from __future__ import annotations

import csv
import io

from engine.io.importer import import_csv
from engine.io.stores.supabase_gate import Gate
from engine.io.stores.supabase_import import SupabaseImport
from engine.words import Secret
from tests.e2e.supabase_world import living, supabase_world
from tests.e2e.test_supabase import NO_RULES, fresh, pytestmark
from tests.support.stage import FIRST

__all__ = ["pytestmark"]  # the same warts of the client's


async def test_an_imported_position_is_watched(database, tmp_path):
    """The file has what is watched already and one leg more; importing it again changes nothing."""
    async with supabase_world(database, tmp_path / "house") as world, living(world, NO_RULES) as person:
        await person.until(lambda: person.units(FIRST) is not None and world.server.realtime.live)
        known = list(csv.DictReader(io.StringIO(world.stage.trades_csv())))
        new = fresh(world, known[0]) | {"strategy_id": 777, "order_id": "new"}
        path = tmp_path / "more.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, known[0].keys())
            writer.writeheader()
            writer.writerows([*known, new])
        gate = Gate(world.server.url, Secret(world.server.keys.secret))
        report = await import_csv(path, SupabaseImport(gate))
        assert (len(report.added), len(report.already)) == (1, len(known))
        await person.until(lambda: person.units(777) is not None)
        assert person.units(777) == [-int(known[0]["quantity"])]
        rows = await world.rows()
        assert not (await import_csv(path, SupabaseImport(gate))).added
        assert await world.rows() == rows
        assert person.units(FIRST) is not None
        await gate.close()
