"""The container: without an engine it can be seen that its steps name what is there, and that it runs."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from engine.expected import EXPECTED, SECRETS
from tests.support.commands import ROOT, run

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
HADOLINT = Path(sys.executable).with_name("hadolint")


def steps():
    """(instruction, rest) of each step; lines that go on are one."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text())
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line and not line.startswith("#")]


def of(instruction):
    """The rest of each step of a kind."""
    return [rest for name, rest in steps() if name == instruction]


def compose():
    """The compose file, read."""
    return yaml.safe_load(COMPOSE.read_text())


def test_a_linter_that_knows_dockerfiles_finds_nothing():
    """hadolint, with all of its rules."""
    assert run(HADOLINT, DOCKERFILE) == ("", 0)


def test_what_the_image_copies_is_all_that_the_monitor_needs(tmp_path):
    """Its COPY steps into an empty directory: from there the monitor and the tools start."""
    for rest in of("COPY"):
        source, target = rest.split()[-2:]
        if not rest.startswith("--from"):
            place = tmp_path / target.removeprefix("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, place)
    home = tmp_path / of("WORKDIR")[0].removeprefix("/")
    for module in ("bot", "engine"):
        said, status = run(sys.executable, "-m", module, "--help", cwd=home)
        assert status == 0, said


def test_the_image_installs_hashed_wheels_only_and_runs_as_nobody_in_particular():
    """No package is built or taken unseen; the user is a number, so that an orchestrator can check it."""
    (pip,) = (rest for rest in of("RUN") if "pip install" in rest)
    assert "--require-hashes" in pip
    assert "--only-binary :all:" in pip
    assert of("USER") == ["10001:10001"]
    assert not [rest for rest in (*of("ENV"), *of("ARG")) if re.search("TOKEN|KEY|SECRET", rest)]


def test_the_health_check_is_a_tool_that_there_is():
    """What the image calls is a command of ours."""
    (check,) = of("HEALTHCHECK")
    words = re.findall(r'"([^"]+)"', check)
    assert words[:3] == ["python", "-m", "engine"]
    assert run(sys.executable, *words[1:], "--help").status == 0


def test_every_secret_reaches_the_monitor_as_a_file():
    """Whoever adds one is reminded here; none is in the environment, where every child would have it."""
    secrets = compose()["services"]["monitor"]["secrets"]
    assert sorted(secrets) == sorted({*SECRETS, "DHAN_CLIENT_ID"})
    assert set(secrets) <= set(compose()["secrets"])


@pytest.mark.parametrize("name", ["monitor", "redis", "prometheus"])
def test_each_service_has_a_root_that_is_only_read_and_no_capability(name):
    """Whatever gets in finds nothing to write to and nothing to raise itself with."""
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_the_monitor_starts_without_being_asked_for_more():
    """Redis and Prometheus are profiles; no port is open to more than this host."""
    services = compose()["services"]
    assert {name: service.get("profiles") for name, service in services.items()} == {
        "monitor": None, "redis": ["redis"], "prometheus": ["prometheus"],
    }  # fmt: skip
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_paths_and_secrets_of_the_compose_file_are_there_and_known():
    """What is mounted exists, and each secret of the monitor is a setting by its name."""
    read = compose()
    monitor = read["services"]["monitor"]
    build = monitor["build"]
    assert (COMPOSE.parent / build["context"] / build["dockerfile"]).samefile(DOCKERFILE)
    mounted = [v.split(":")[0] for service in read["services"].values() for v in service.get("volumes", ())]
    assert all((COMPOSE.parent / path).exists() for path in mounted if path.startswith("."))
    assert set(monitor["secrets"]) <= set(EXPECTED)
    assert {name for service in read["services"].values() for name in service.get("secrets", ())} == set(
        read["secrets"]
    )
