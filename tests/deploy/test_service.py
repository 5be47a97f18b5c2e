"""The systemd unit: hardened, fed, and with a place for every secret."""

from __future__ import annotations

import re
import shutil
import sys

import pytest

from engine.expected import CREDENTIALS, EXPECTED, SECRETS
from engine.io.app import CLOSE_S
from tests.support.commands import ROOT, run

UNIT = ROOT / "deploy" / "prahari.service"
ANALYZE = shutil.which("systemd-analyze")
#: What systemd itself calls OK begins below 5; a plain unit has 9.5.
MOST_EXPOSED = 2.0

needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not here: nobody can judge the unit (apt install systemd)"
)


def words(name, text=None):
    """The values of a setting of the unit, in order."""
    return re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text() if text is None else text)


@needs_systemd
def test_systemd_finds_little_that_the_unit_leaves_open():
    """Its exposure is at most 2.0, by systemd's own reckoning."""
    limit = f"--threshold={MOST_EXPOSED * 10:.0f}"
    said, status = run(ANALYZE, "security", "--offline=true", "--no-pager", limit, UNIT)
    exposure = re.search(r"Overall exposure level for prahari.service: ([\d.]+)", said)
    assert exposure
    assert float(exposure[1]) <= MOST_EXPOSED
    assert status == 0


@needs_systemd
def test_systemd_understands_every_line_of_the_unit(tmp_path):
    """No unknown name, no value that it leaves out; the paths are made ones that are there."""
    text = UNIT.read_text().replace("/opt/prahari/.venv/bin/python", sys.executable)
    copy = tmp_path / "prahari.service"
    copy.write_text(text)
    said, _ = run(ANALYZE, "verify", "--man=no", copy)
    assert "prahari.service:" not in said.replace(f"{copy}:", "prahari.service:")


def test_every_secret_has_a_place_and_none_is_in_the_environment():
    """LoadCredential= for each, by the setting's own name; what is missing is left out by systemd."""
    given = dict(word.split(":") for word in words("LoadCredential"))
    assert set(SECRETS) | {"DHAN_CLIENT_ID"} == set(given)
    assert given == {name: f"prahari.{name}" for name in given}
    assert not [word for word in words("Environment") for name in SECRETS if name in word]


def test_the_settings_of_the_service_are_settings():
    """The example for the service names what is no secret; with the secrets all is there for a start."""
    text = (ROOT / "deploy" / "prahari.env.example").read_text()
    names = [line.split("=")[0] for line in text.splitlines() if line and not line.startswith("#")]
    assert set(names) - {"PRAHARI_FLAGS"} <= set(EXPECTED) - set(SECRETS)
    assert {*names, *(word.split(":")[0] for word in words("LoadCredential"))} >= set(CREDENTIALS)


def test_the_service_is_watched_and_gets_the_time_to_close():
    """Type=notify with a watchdog; a house that closes is not killed before its own deadline."""
    assert words("Type") == ["notify"]
    assert int(*words("WatchdogSec")) >= 15
    assert int(*words("TimeoutStopSec")) > CLOSE_S
    assert words("User") == ["prahari"]
    assert words("ExecStart") == ["/opt/prahari/.venv/bin/python -m bot $PRAHARI_FLAGS"]


def install(destination):
    """``make install-service`` into a directory, without the packages."""
    said, status = run("make", "-s", "-o", ".venv/.runtime", "install-service", f"DESTDIR={destination}")
    assert status == 0, said


def test_it_is_installed_for_the_checkout_that_it_is_installed_from(tmp_path):
    """Paths are the checkout's, directories of secrets are root's alone, and own settings are kept."""
    install(tmp_path)
    settings = tmp_path / "etc/prahari/prahari.env"
    settings.write_text("DATA_DIR=/mine\n")
    install(tmp_path)
    unit = (tmp_path / "etc/systemd/system/prahari.service").read_text()
    assert words("WorkingDirectory", unit) == [str(ROOT)]
    assert "/opt/prahari" not in unit
    assert (tmp_path / "etc/credstore").stat().st_mode & 0o777 == 0o700
    assert settings.read_text() == "DATA_DIR=/mine\n"
    assert (tmp_path / "etc/sysusers.d/prahari.conf").read_text().splitlines()[-1].startswith("u prahari ")
