"""Peers are set beside ours fairly, and are never needed."""

from __future__ import annotations

import json
import sys

import pytest

from tests.bench.market import PACKET_BYTES
from tests.bench.part import Size
from tests.bench.peers import beside, environments
from tests.bench.peers.beside import Ours, job, peers
from tests.bench.peers.child import Child
from tests.bench.peers.environments import NotInstalled, python_of

PEER = """
import json, sys
print("a library says something")
print(json.dumps({"peer": "stand-in", "versions": "stand-in 1"}), flush=True)
while name := sys.stdin.readline().strip():
    if name == "die":
        sys.exit(3)
    print("and again")
    print(json.dumps({"peer": "stand-in", "cpu_s": 0.5, "variant": name}), flush=True)
"""


@pytest.fixture
def script(tmp_path):
    """A peer that measures nothing."""
    path = tmp_path / "peer.py"
    path.write_text(PEER)
    return str(path)


def test_a_peer_runs_a_round_when_it_is_told_to(script, tmp_path):
    """What libraries print is passed over; the peer ends with its context."""
    with Child(sys.executable, script, tmp_path / "job") as child:
        assert child.versions == "stand-in 1"
        assert [child.round(name)["variant"] for name in ("live", "core")] == ["live", "core"]
    assert child._process.returncode == 0


def test_a_peer_that_dies_is_not_waited_for(script, tmp_path):
    """The round fails and says with what it has ended."""
    with Child(sys.executable, script, tmp_path / "job") as child, pytest.raises(AssertionError, match="3"):
        child.round("die")


def test_without_any_peer_ours_is_measured_alone(monkeypatch):
    """What cannot be fetched is told with its reason, beside what was expected."""

    def nowhere(name, version):
        raise NotInstalled(f"no way to {name}")

    monkeypatch.setattr(beside, "python_of", nowhere)
    table = peers(Size.TINY).table
    assert table.count("│ not measured") == 4
    assert "nautilus_trader 1.221.0 not measured: no way to nautilus_trader" in table
    assert "≥ 4×" in table


def test_a_peer_gets_the_same_packets_legs_and_levels(tmp_path):
    """Every leg of every condor, its levels in rupees, and the packets that ours reads."""
    ours = Ours(24, 1_200)
    ours.close()
    told = json.loads(job(ours, tmp_path).read_text())
    packets = (tmp_path / "frames").read_bytes()
    assert packets == b"".join(ours.stream.frames)
    assert len(packets) == 1_200 * PACKET_BYTES
    assert len(told["legs"]) == 24 * 4 == 4 * len(told["condors"])
    for alert, rearm, stop, target in told["condors"].values():
        assert stop < alert < rearm < 0 < target
        assert alert == pytest.approx(0.4 * stop)


@pytest.mark.deep
def test_what_cannot_be_fetched_says_why(monkeypatch, tmp_path):
    """No index, no package; and nothing is left that would look like an environment the next time."""
    monkeypatch.setattr(environments, "_HOME", tmp_path)
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(NotInstalled, match="prahari-nowhere"):
        python_of("prahari-nowhere", "1.0")
    assert not (tmp_path / "prahari-nowhere-1.0" / "installed").exists()
