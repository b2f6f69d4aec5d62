"""The proof rules in a commit's configuration: `app.py` runs with only the files of that commit.

Therefore a module or data file that `app.py` reads counts as committed, and environment variables are not set.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portside.config.configuration import ROOT, Configuration
from portside.config.environment import Environment
from portside.errors import UserError
from portside.extension import installed
from portside.git import git, git_bytes

# `git replace` would let a clone read other content than the commit has.
VARIABLES = {"GIT_NO_REPLACE_OBJECTS": "1"}

# The packages that read app.py, which a separate repository of a configuration doesn't contain.
NEVER_READ = ("benchmarks/", "cdk.out/", "docs/", "node_modules/", "tests/")
"""Folders that no template depends on."""
_MACHINERY = ("portside", "src")
_LONGEST_SECONDS = 60
_SYMBOLIC_LINK, _SUBMODULE = "120000", "160000"
_PROGRAM = """
import json, sys
from pathlib import Path
from portside.errors import UserError
from portside.config.configuration import load_configuration
folder, answer, app = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
try:
    from portside.extension import Extension, install
    install(Extension(app=app))
except (ImportError, TypeError):
    pass  # a commit from before APP
def read(**options):
    return load_configuration(folder / "app.py", root=folder, **options).environments
try:
    try:
        environments = read(acting_on=())
    except TypeError:
        environments = read()  # a commit from before acting_on
except UserError as error:
    sys.exit(error.message)
answer.write_text(json.dumps({
    name: [str(each.kind), each.account, each.region, each.proved_by, each.proof_waived]
    for name, each in environments.items()
}))
"""


_RULES_OF_TREES: dict[str, Mapping[str, Rules]] = {}


@dataclass(frozen=True)
class Rules:
    """The settings that decide whether an environment needs a proof, and from which environment."""

    kind: str
    account: str
    region: str
    proved_by: str | None
    proof_waived: str

    @classmethod
    def of(cls, environment: Environment) -> Rules:
        """The rules of an environment in the current configuration."""
        kind, place = str(environment.kind), (environment.account, environment.region)
        return cls(kind, *place, environment.proved_by, environment.proof_waived)


def rules_of(configuration: Configuration) -> dict[str, Rules]:
    """The rules of each environment of a configuration."""
    return {name: Rules.of(environment) for name, environment in configuration.environments.items()}


def committed_rules(root: Path, revision: str = "HEAD") -> Mapping[str, Rules]:
    """The rules of each environment in a commit. Raises `UserError` if they can't be read."""
    prefix = git("rev-parse", "--show-prefix", folder=root, variables=VARIABLES)
    tree = git("rev-parse", "--verify", f"{revision}^{{commit}}:{prefix}", folder=root, variables=VARIABLES)
    # The same tree has the same rules in every clone.
    if tree not in _RULES_OF_TREES:
        _RULES_OF_TREES[tree] = _rules_in(root, tree)
    return _RULES_OF_TREES[tree]


def _rules_in(root: Path, tree: str) -> Mapping[str, Rules]:
    with tempfile.TemporaryDirectory() as scratch:
        folder, answer = Path(scratch, "tree"), Path(scratch, "rules.json")
        _write_tree(root, tree, folder)
        if not (folder / "app.py").is_file():
            raise UserError("the commit has no app.py")
        for name in _MACHINERY:
            # An installed package is imported from where it is.
            if not (folder / name).exists() and (ROOT / name).exists():
                (folder / name).symlink_to(ROOT / name)
        _run(folder, answer)
        return {name: Rules(*values) for name, values in json.loads(answer.read_text(encoding="utf-8")).items()}


def _run(folder: Path, answer: Path) -> None:
    variables = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    variables |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(folder), str(answer), installed().app],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"the committed app.py was not read within {_LONGEST_SECONDS} s") from error
    if done.returncode or not answer.is_file():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise UserError(f"the committed app.py can't be read: {lines[-1] if lines else 'it exited'}")


def _write_tree(root: Path, tree: str, folder: Path) -> None:
    """Write the files that templates can depend on, with the exact bytes of the commit.

    Filters, attributes and the index of the clone are ignored.
    """
    listed = git("ls-tree", "-r", "-z", "--full-tree", tree, folder=root, variables=VARIABLES).split("\0")
    entries = [(*each.partition("\t")[0].split(), each.partition("\t")[2]) for each in listed if each]
    files = [
        (mode, identity, path)
        for mode, _, identity, path in entries
        if mode != _SUBMODULE and not path.startswith(NEVER_READ)
    ]
    made = {folder / path.rpartition("/")[0] for _, _, path in files}
    for each in made:
        each.mkdir(parents=True, exist_ok=True)
    asked = "\n".join(identity for _, identity, _ in files).encode()
    content = git_bytes("cat-file", "--batch", folder=root, variables=VARIABLES, stdin=asked)
    position = 0
    for mode, _, path in files:
        header, _, _ = content[position : position + 200].partition(b"\n")
        begin = position + len(header) + 1
        position = begin + int(header.split()[2]) + 1
        file = folder / path
        if mode == _SYMBOLIC_LINK:
            # A link to a path outside the tree points to uncommitted content.
            with contextlib.suppress(OSError, ValueError):
                file.symlink_to(os.fsdecode(content[begin : position - 1]))
                if not file.resolve().is_relative_to(folder.resolve()):
                    file.unlink()
        else:
            file.write_bytes(content[begin : position - 1])
