"""Locks the packages of a team's own stacks and tests, which the package's own lock constrains."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from portside import state_file
from portside.errors import UsageError, UserError
from portside.program import PROGRAM
from portside.scaffold import lock

NAMED = "requirements-own.in"
LOCKED = "requirements-own.txt"


def lock_own(repository: Path) -> list[str]:
    """Write `requirements-own.txt` from `requirements-own.in`. Returns the locked packages with their versions.

    A package that `requirements.txt` has keeps its version there, and is omitted here. Raises `UserError`.
    """
    if not (repository / NAMED).is_file():
        raise UsageError(
            f"{NAMED}: does not exist in {repository}",
            f"Write the packages that your stacks need into it, one a line, such as redis==8.0.1: then {PROGRAM} lock",
        )
    base = lock.versions((repository / "requirements.txt").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        constraints, written = Path(folder, "constraints.txt"), Path(folder, LOCKED)
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in base.items()))
        if (repository / LOCKED).is_file():
            # uv keeps the versions that it finds there, if it can.
            written.write_bytes((repository / LOCKED).read_bytes())
        words = ["--uv", "pip", "compile", "--quiet", "--generate-hashes", "--universal", "--python-version", "3.11"]
        words += ["--no-header", "--no-annotate", "--constraint", str(constraints), "--output-file", str(written)]
        with as_file(files("portside.scaffold") / "files" / "install_packages") as program:
            done = subprocess.run(
                [sys.executable, "-I", str(program), *words, NAMED],
                cwd=repository,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            raise UserError(
                f"{NAMED}: can't be locked:\n{(done.stderr or done.stdout).strip()}",
                "Versions of requirements.txt can't be changed: they are those that this portside was tested with. "
                f"Correct {NAMED}, or the network settings of pip, and run it again.",
            )
        entries = lock.without(written.read_text(encoding="utf-8"), base)
    header = f"# Written from {NAMED}: {PROGRAM} lock\n"
    state_file.write(repository / LOCKED, header + entries, what="the lock of your packages", mode=0o644)
    return [f"{name} {version}" for name, version in lock.versions(entries).items()]
