"""A clone of this repository that a test may edit, and its own embedded AWS."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.emulator.client import process
from tests.apps import AGORA
from tests.interrupts import handle_interrupts

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("agora", "cdk.json", "CHANGELOG.md", "src", "portside", "agora_own")
APP_PARTS = ("app.py", "releases", "stacks.py")
LONGEST_SECONDS = 240

# Variables that would redirect a command away from the embedded AWS, colour the output, or differ from test to test.
_UNWANTED = ("AWS_", "CDK_", "AGORA_", "ENV", "FORCE_COLOR", "NO_COLOR", "GITHUB_TOKEN", "PYTEST_")


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """Its machine-readable output."""
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Clone:
    """A copy of the repository in its own folder, with the configuration of `tests/apps/agora`.

    It shares this one's virtual environment.
    """

    folder: Path

    @classmethod
    def at(cls, folder: Path, *, templates: Path | None = None, app: Path = AGORA) -> Clone:
        """Copy what is deployed, and what deploys it. A folder for kept `templates` may be shared with other clones."""
        (folder / ".agora").mkdir(parents=True)
        if templates:
            templates.mkdir(exist_ok=True)
            (folder / ".agora" / "templates").symlink_to(templates)
        configured = (app / part for part in APP_PARTS if (app / part).exists())
        for source in [*(ROOT / part for part in PARTS), *configured]:
            if source.is_dir():
                # With the byte code: the first command in each clone would compile everything.
                shutil.copytree(source, folder / source.name)
            else:
                shutil.copy2(source, folder / source.name)
        return cls(folder)

    def copied_to(self, folder: Path) -> Clone:
        """The clone again, with all that its embedded AWS holds, which must not run."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Clone(folder)

    def up(self) -> None:
        """Start its embedded AWS."""
        answer = self.agora("local", "up")
        assert answer.exit_code == 0, answer.stderr

    def stop(self) -> None:
        """Stop its embedded AWS, which keeps what it holds."""
        process.down(self.folder / ".agora" / "local", lambda _: None)

    def edit_configuration(self, old: str, new: str) -> None:
        """Change the configuration as a user would; what must be changed must be there exactly once."""
        configuration = self.folder / "app.py"
        text = configuration.read_text()
        assert text.count(old) == 1, f"{old!r} is in app.py {text.count(old)} times"
        configuration.write_text(text.replace(old, new))

    def restore_configuration(self) -> None:
        """Undo every edit."""
        shutil.copy2(AGORA / "app.py", self.folder / "app.py")

    def environment(self, **more: str) -> dict[str, str]:
        """The environment variables of a user with no settings.

        With one exception: the CDK validates templates, which takes most of a synthesis, only where `CDK_VALIDATION`
        says it.
        """
        clean = {key: value for key, value in os.environ.items() if not key.startswith(_UNWANTED)}
        path = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return clean | {"PYTHONPATH": str(self.folder), "PATH": path, "CDK_VALIDATION": "false"} | more

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ./agora with arguments, in a separate process group, without waiting for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "agora_own", *arguments],
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=handle_interrupts,
        )

    def agora(self, *arguments: str, **environment: str) -> Answer:
        """Run ./agora with arguments and wait until it finishes."""
        process = self.start(*arguments, **environment)
        try:
            stdout, stderr = process.communicate(timeout=LONGEST_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return Answer(process.returncode, stdout, stderr)

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> Answer:
        """Run another program in the clone."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def paste(self, line: str, **environment: str) -> Answer:
        """A printed line as a shell runs it line; ./agora without its set-up, which the clone does not have."""
        tool = f"{shlex.quote(sys.executable)} -m portside "
        return self.run(["bash", "-c", line.replace("./agora ", tool)], environment)

    def exports(self, environment: str) -> dict[str, str]:
        """The output of `./agora local env`, as a shell reads it."""
        answer = self.agora("local", "env", environment)
        assert answer.exit_code == 0, answer.stderr
        script = f"{answer.stdout}\nenv -0"
        shown = subprocess.run(
            ["bash", "-c", script], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
        )
        variables = dict(entry.split("=", 1) for entry in shown.stdout.split("\0") if "=" in entry)
        return {key: value for key, value in variables.items() if key not in ("PWD", "SHLVL", "_", "PATH")}
