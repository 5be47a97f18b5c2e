"""The rule that the core is pure is kept for every module of it, new ones included."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_module_of_the_core_is_named_in_the_import_rules() -> None:
    """A new file in engine/ that nobody lists could import the outside world unseen."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    listed = {name for rule in contracts for name in rule.get("source_modules", ())}
    core = {f"engine.{path.stem}" for path in (ROOT / "engine").glob("[!_]*.py")}
    assert core <= listed, sorted(core - listed)
