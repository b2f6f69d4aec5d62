"""How many single faults in templates are found before a deployment: by the rules here, by cfn-lint, by the CDK.

    .venv/bin/python -m benchmarks.template_faults            # a line for each fault, and the sums
    .venv/bin/python -m benchmarks.template_faults --rules    # the rules here only, in seconds

A fault counts as found when a check says more about the faulty templates than about sound ones.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk

from benchmarks.template_fault_cases import FAULTS, HELD_BACK, Fault
from portside.findings.templates.assembly import assembly_of
from portside.findings.templates.check import check
from tests.audits.reports import offline_environment, tool
from tests.unit.faulty_templates import FaultyTemplates
from tests.unit.stacks_support import Json, environment, settled_templates

_DEV = "dev"
_CARRIES_ON = {"@aws-cdk/core:failSynthOnValidationErrors": False}


def main() -> None:
    """Print what finds which fault."""
    only_rules = "--rules" in sys.argv[1:]
    sound = settled_templates(_DEV)
    faulty = {fault.name: _with(fault, sound) for fault in FAULTS}
    began = time.perf_counter()
    ours = {name: _rules_find(templates) for name, templates in faulty.items()}
    seconds = (time.perf_counter() - began) / len(faulty)
    changed = {name: _changed(templates, sound) for name, templates in faulty.items()}
    with tempfile.TemporaryDirectory() as folder:
        linted = {} if only_rules else _cfn_lint_finds(changed, sound, Path(folder))
        validated = {} if only_rules else {name: _cdk_finds(each, sound) for name, each in changed.items()}
    for fault in FAULTS:
        found = " ".join(sorted({each.partition(".")[2] for each in ours[fault.name]})) or "-"
        others = "" if only_rules else f"  cfn-lint {_mark(linted, fault)}  cdk {_mark(validated, fault)}"
        print(f"{'held back' if fault.name in HELD_BACK else '':<10}{fault.name:<42}{others}  {found}")
    for title, table in (("rules", ours), ("cfn-lint", linted), ("CDK", validated)):
        if table:
            locked = sum(bool(table[name]) for name in HELD_BACK)
            print(f"{title}: {sum(map(bool, table.values()))} of {len(FAULTS)}, {locked} of {len(HELD_BACK)} held back")
    print(f"{seconds:.3f} s for the rules over {len(sound)} templates")


def _mark(table: Mapping[str, set[str]], fault: Fault) -> str:
    return "+" if table[fault.name] else "-"


def _with(fault: Fault, sound: Mapping[str, Json]) -> dict[str, Json]:
    templates = copy.deepcopy(dict(sound))
    fault.put_into(FaultyTemplates(templates))
    return templates


def _changed(templates: Mapping[str, Json], sound: Mapping[str, Json]) -> dict[str, Json]:
    return {name: each for name, each in templates.items() if each != sound[name]}


def _rules_find(templates: Mapping[str, Json]) -> set[str]:
    about = environment(_DEV)
    return {each.code for each in check(assembly_of(templates, about.account, about.region))}


def _cfn_lint_finds(
    changed: Mapping[str, Mapping[str, Json]], sound: Mapping[str, Json], folder: Path
) -> dict[str, set[str]]:
    """The findings of cfn-lint for each faulty set of templates; the valid ones have no findings."""
    files: dict[str, str] = {}
    for name, templates in {"": sound, **changed}.items():
        for stack, template in templates.items():
            file = folder / f"{len(files)}-{stack}.template.json"
            file.write_text(json.dumps(template))
            files[str(file)] = name
    report = folder / "report.json"
    command = [tool("cfn-lint"), "--format", "json", "--output-file", str(report), "--", *files]
    subprocess.run(command, env=offline_environment(), check=False)
    said: dict[str, set[str]] = {name: set() for name in ("", *changed)}
    for each in json.loads(report.read_text()):
        stack = Path(each["Filename"]).name.partition("-")[2]
        said[files[each["Filename"]]].add(f"{each['Rule']['Id']} {each['Message']} {stack}")
    return {name: said[name] - said[""] for name in changed}


def _cdk_finds(templates: Mapping[str, Json], sound: Mapping[str, Json]) -> set[str]:
    return _validated(templates) - _validated({name: sound[name] for name in templates})


def _validated(templates: Mapping[str, Json]) -> set[str]:
    """Findings of the CDK's validation for templates, rebuilt from raw resources. A refused synthesis counts too."""
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=_CARRIES_ON)
        about = environment(_DEV)
        for name, template in templates.items():
            stack = cdk.Stack(app, name, env=cdk.Environment(account=about.account, region=about.region))
            for key, each in template["Resources"].items():
                made = cdk.CfnResource(stack, key, type=each["Type"], properties=each.get("Properties", {}))
                made.override_logical_id(key)
        try:
            app.synth()
        except RuntimeError as error:
            return {str(error)}
        report = Path(folder) / "validation-report.json"
        reports = json.loads(report.read_text())["pluginReports"] if report.exists() else []
        return {
            f"{violation['ruleName']} {construct['constructPath']}"
            for each in reports
            for violation in each["violations"]
            for construct in violation["violatingConstructs"]
        }


if __name__ == "__main__":
    main()
