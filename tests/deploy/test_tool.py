"""``sudo prahari TOOL``: a tool as the service's user, with the secrets that the service has.

systemd does not run where tests run, so that two programs of the tests' own stand in for it: `systemctl cat`
prints the installed unit, and `systemd-run` does with the properties that it is given what systemd does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.test_service import install
from tests.support.commands import ROOT

SYSTEMCTL = """\
#!{python}
import sys
assert sys.argv[1:] == ["cat", "prahari.service"], sys.argv
try:
    print(open({unit!r}).read())
except OSError:
    sys.exit(1)
"""
#: Takes the properties as systemd.exec(5) says: environment, credentials out of the credstore, and the rest.
SYSTEMD_RUN = """\
#!{python}
import json, os, shlex, sys
at = sys.argv.index("--")
flags, command = sys.argv[1:at], sys.argv[at + 1:]
environ = dict(PATH=os.environ["PATH"], LANG="C.UTF-8", PYTHONPATH={root!r})
given = os.path.join({home!r}, "credentials")
os.makedirs(given, exist_ok=True)
noted = dict(flags=[flag for flag in flags if not flag.startswith("--property=")])
for flag in flags:
    name, _, word = flag.removeprefix("--property=").partition("=")
    if not flag.startswith("--property="):
        continue
    if name == "Environment":
        environ |= dict(each.split("=", 1) for each in shlex.split(word))
    elif name == "EnvironmentFile":
        lines = open(word.lstrip("-")).read().splitlines()
        environ |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    elif name == "LoadCredential":
        credential, _, source = word.partition(":")
        if os.path.exists(os.path.join({credstore!r}, source)):
            text = open(os.path.join({credstore!r}, source)).read()
            open(os.path.join(given, credential), "w").write(text)
    else:
        noted[name] = word
json.dump(noted, open(os.path.join({home!r}, "noted.json"), "w"))
os.chdir({home!r})
os.execve(command[0], command, environ | dict(CREDENTIALS_DIRECTORY=given))
"""
IDENTITY = """\
#!/bin/sh
echo {uid}
"""


class Host:
    """A host on which the service is installed, with programs of the tests' own in place of systemd's."""

    def __init__(self, home: Path) -> None:
        self.home = home
        install(home)
        self.unit = home / "etc/systemd/system/prahari.service"
        text = self.unit.read_text().replace(f"{ROOT}/.venv/bin/python", sys.executable)
        self.unit.write_text(text.replace("/var/lib/prahari", str(home / "data")).replace(
            "/etc/prahari/", f"{home}/etc/prahari/"))  # fmt: skip
        self.secret("DHAN_CLIENT_ID", "1000000001")
        self.secret("DHAN_ACCESS_TOKEN", "eyJhbGciOi-canary")
        self.secret("TELEGRAM_BOT_TOKEN", "8000000001:canary-canary-canary-canary-canary")
        (home / "etc/prahari/prahari.env").write_text(
            "TELEGRAM_CHAT_ID=4242\nTELEGRAM_USER_IDS=4242\nDHAN_API_URL=http://127.0.0.1:9/v2\n"
        )
        self.words = {"python": sys.executable, "unit": str(self.unit), "home": str(home),
                      "root": str(ROOT), "credstore": str(home / "etc/credstore")}  # fmt: skip
        self.put("systemctl", SYSTEMCTL)
        self.put("systemd-run", SYSTEMD_RUN)
        self.put("id", IDENTITY, uid=0)

    def secret(self, name: str, word: str) -> None:
        """What an operator has put into the credstore."""
        (self.home / "etc/credstore" / f"prahari.{name}").write_text(word)

    def put(self, name: str, text: str, **words: object) -> None:
        """A program on the host's PATH."""
        place = self.home / "bin"
        place.mkdir(exist_ok=True)
        (place / name).write_text(text.format(**self.words, **words))
        (place / name).chmod(0o755)

    def run(self, *words: str) -> tuple[int, str]:
        """The installed command; its status and what it has said."""
        done = subprocess.run(  # noqa: S603 - the tests' own words
            [str(self.home / "usr/local/sbin/prahari"), *words], capture_output=True, text=True, check=False,
            env={"PATH": f"{self.home / 'bin'}:{os.environ['PATH']}"}, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def host(tmp_path):
    """A host with the service."""
    return Host(tmp_path)


def test_a_tool_sees_what_the_service_sees(host):
    """Secrets of the credstore, settings of the file: it asks the broker of these, where nobody answers."""
    status, said = host.run("quote", "--security-id", "13")
    assert status == 2
    assert "Dhan" in said
    assert "no credentials are set" not in said
    assert "canary" not in said
    noted = json.loads((host.home / "noted.json").read_text())
    assert (noted["User"], noted["Group"], noted["UMask"]) == ("prahari", "prahari", "0077")
    assert noted["WorkingDirectory"] == str(ROOT)
    assert {"--pipe", "--pty", "--wait", "--collect", "--quiet"} <= set(noted["flags"])


def test_its_words_and_its_status_are_the_tools(host):
    """Blanks in a word stay, and what the tool says is what is said."""
    status, said = host.run("export", "--out", "no such place/open legs.csv")
    assert status == 2
    assert "no such place/open legs.csv: cannot be written" in said
    assert host.run("replay", "--help")[0] == 0


def test_a_missing_secret_is_named_as_ever(host):
    """Systemd leaves it out, and the settings say what is missing."""
    (host.home / "etc/credstore/prahari.DHAN_ACCESS_TOKEN").unlink()
    status, said = host.run("quote", "--security-id", "13")
    assert status == 2
    assert "DHAN_ACCESS_TOKEN is missing" in said


def test_who_is_not_root_is_told_to_be(host):
    """Nothing is asked of systemd."""
    host.put("id", IDENTITY, uid=1000)
    status, said = host.run("health")
    assert (status, said) == (
        2, "prahari: only root may hand out the service's secrets; run: sudo prahari health\n",
    )  # fmt: skip


def test_without_the_service_the_way_to_it_is_named(host):
    """The unit is not there."""
    host.unit.unlink()
    status, said = host.run("health")
    assert status == 2
    assert "sudo make install-service" in said
