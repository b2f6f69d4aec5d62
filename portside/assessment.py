"""The templates, findings and dollars of each environment of a repository with this version of the package.

    python -I -m portside.assessment FOLDER

Run by `upgrade` in the old and in the new version. It writes `FOLDER/assessment.json`, and the cloud assemblies next to
it. Other versions rely on its keys.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

# Before the CDK is imported, whose process inherits it: its own validation takes most of a synthesis.
os.environ.setdefault("CDK_VALIDATION", "false")

FILE = "assessment.json"


def main(folder: Path) -> None:
    """Assess the repository of this process."""
    from portside.config.configuration import ROOT, load_configuration
    from portside.errors import UserError

    found: dict[str, Any] = {"refused": "", "environments": {}}
    try:
        configuration = load_configuration(ROOT / "app.py", acting_on=())
        for name in configuration.environments:
            found["environments"][name] = _environment(configuration, name, folder / name)
    except UserError as error:
        found["refused"] = str(error)
    (folder / FILE).write_text(json.dumps(found), encoding="utf-8")


def _environment(configuration: Any, name: str, folder: Path) -> dict[str, Any]:
    from portside.costs.estimate import environment_costs
    from portside.findings.templates.check import check
    from portside.findings.templates.folder import read_folder
    from portside.stacks.synthesize import build_app
    from portside.synthesis.assembly import read_assembly

    # Images are not looked up: both versions have the same.
    build_app(configuration, name, outdir=str(folder)).synth()
    templates = [stack.template for stack in read_assembly(folder)]
    return {
        "assembly": str(folder),
        "dollars": environment_costs(templates, configuration.environment(name).cost_assumptions).dollars,
        "findings": [f"{each.stack}: {each.what}" for each in check(read_folder(folder))],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
