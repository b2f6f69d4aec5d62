"""Templates to look at, not to deploy: they need neither AWS nor a registry, because images are not looked up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from portside.config.configuration import ROOT
from portside.errors import UserError
from portside.synthesis.assembly import read_assembly

# In a process of its own, because loading the CDK takes a second and its Node stays.
_PROGRAM = """\
import sys
from portside.config.configuration import load_configuration
from portside.stacks.synthesize import build_app
build_app(load_configuration(acting_on=()), sys.argv[1], outdir=sys.argv[2]).synth()
"""


def templates_offline(name: str) -> dict[str, dict[str, Any]]:
    """The templates of an environment by the names of their stacks. Raises `UserError` if they can't be made."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, name, folder],
            cwd=ROOT,
            env={**os.environ, "CDK_VALIDATION": "false"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [
                f"exit status {done.returncode}"
            ]
            raise UserError(f"the templates of {name} could not be made: {said[0]}", f"Try it: ENV={name} cdk synth")
        return {stack.name: stack.template for stack in read_assembly(Path(folder))}
