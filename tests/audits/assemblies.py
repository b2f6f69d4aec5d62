"""The audited templates: every environment, in the step that takes the running one over and after it, with a bastion.

cdk-nag looks at the constructs while they are synthesized, so its report is made here, once for all audits.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from constructs import IConstruct

from portside.stacks.synthesize import build_app
from tests.unit.invariants import Acknowledgment
from tests.unit.stacks_support import BASTION, ENVIRONMENTS, configuration_with, environment, images_of

# Findings must be judged by the tests, all at once.
_GO_ON = {"@aws-cdk/core:failSynthOnValidationErrors": False}
# Whether the exports of the previous app are kept.
STEPS = {"moving": True, "settled": False}
AUDITED = [(name, step) for name in ENVIRONMENTS for step in STEPS]

# The CDK's own, on flow logs: it writes their options in another case than CloudFormation's schema has.
BY_THE_CDK = {"CloudFormation-Validate::F3002", "CloudFormation-Validate::F3003"}

_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
_FOLDER = tempfile.TemporaryDirectory(prefix="agora-audits-")
ASSEMBLIES = Path(_FOLDER.name)


@dataclass(frozen=True)
class Audited:
    """An assembly with cdk-nag's report, and the acknowledgments that were made for it."""

    folder: Path
    report: dict[str, Any]
    acknowledgments: tuple[Acknowledgment, ...]

    @property
    def unsuppressed(self) -> list[tuple[str, str]]:
        """The findings that no one has acknowledged: the rule, and the resource."""
        return [
            (violation["ruleName"], construct["constructPath"])
            for violation in self._of_cdk_nag["violations"]
            for construct in violation["violatingConstructs"]
        ]

    @property
    def acknowledged(self) -> dict[tuple[str, str], list[str]]:
        """The resources that each acknowledgment is for, by its construct and its id."""
        found: dict[tuple[str, str], list[str]] = {}
        for violation in self._of_cdk_nag.get("suppressedViolations", ()):
            resources = found.setdefault((violation["acknowledgedAt"], violation["acknowledgedId"]), [])
            resources += [construct["constructPath"] for construct in violation["violatingConstructs"]]
        return found

    @property
    def _of_cdk_nag(self) -> dict[str, Any]:
        reports = [each for each in self.report["pluginReports"] if each["pluginName"] == "AwsSolutions"]
        return dict(reports[0]) if reports else {"violations": []}


def as_it_is(name: str) -> str:
    """The step in which an environment is by the configuration."""
    return next(step for step, keeps in STEPS.items() if keeps == environment(name).keep_exports)


@functools.cache
def audited(name: str, step: str) -> Audited:
    """An environment in a step, with a bastion."""
    folder = ASSEMBLIES / f"{name}-{step}"
    settled = configuration_with(name, bastion=BASTION, keep_exports=STEPS[step])
    return audit(build_app(settled, name, images=images_of(name), outdir=str(folder), context=_GO_ON), folder)


def audit(app: cdk.App, folder: Path) -> Audited:
    """Synthesize an app into its folder under the eyes of cdk-nag."""
    from cdk_nag import AwsSolutionsChecks  # takes a second, and who reads acknowledgments only doesn't need it

    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    report = json.loads((folder / "validation-report.json").read_text())
    made = (*_made_on(app), *acknowledgments_of(folder))
    return Audited(folder, report, tuple(each for each in made if each.id not in BY_THE_CDK))


def new_app(folder: Path) -> cdk.App:
    """An empty app whose findings don't end its synthesis."""
    return cdk.App(outdir=str(folder), context=_GO_ON, tree_metadata=False)


def acknowledgments_of(folder: Path) -> tuple[Acknowledgment, ...]:
    """The rules acknowledged on the stacks of an assembly and on their resources."""
    return tuple(
        Acknowledgment(path.removeprefix("/"), rule, reason)
        for file in sorted(folder.glob("*.metadata.json"))
        for path, entries in json.loads(file.read_text()).items()
        for rule, reason in _acknowledged(entries)
    )


def _made_on(construct: IConstruct) -> Iterable[Acknowledgment]:
    entries = ({"type": each.type, "data": each.data} for each in construct.node.metadata)
    return [Acknowledgment(construct.node.path, rule, reason) for rule, reason in _acknowledged(entries)]


def _acknowledged(entries: Iterable[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    return [pair for entry in entries if entry["type"] == _ACKNOWLEDGED for pair in entry["data"].items()]
