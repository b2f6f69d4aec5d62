"""Deleting stacks that app.py no longer describes, by the CDK's command line and with its bootstrap roles."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.aws.model import Stack
from portside.aws.reader import Reader
from portside.aws.stack_reading import read_stacks, read_template
from portside.aws.target import Target
from portside.config.environment import Environment
from portside.deploy.bootstrap_roles import bootstrap_role
from portside.deploy.progress import following
from portside.errors import UserError
from portside.plan.unconfigured import UnconfiguredStack
from portside.synthesis import cdk_cli

# A version of the manifest that every command line of the CDK's 2 reads:
# https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html
_MANIFEST_VERSION = "36.0.0"


@dataclass(frozen=True)
class _Apart(Target):
    """A target whose assembly is not that of the configuration."""

    folder: Path = Path()

    @property
    def assembly_dir(self) -> Path:
        return self.folder


class _ByName(Reader):
    """Reads stacks that are not configured, also for a role that may not list all stacks."""

    def named(self, names: Iterable[str]) -> dict[str, Stack]:
        return read_stacks(self.clients("cloudformation"), list(names))


def remove_stacks(target: Target, stacks: Sequence[UnconfiguredStack], *, with_data: bool = False) -> None:
    """Delete deployed stacks, `with_data` also what their templates retain or protect.

    Raises `UserError` where CloudFormation could not delete one.
    """
    cloudformation = target.clients("cloudformation")
    names = [stack.name for stack in stacks]
    templates = {name: read_template(cloudformation, name) for name in names}
    if with_data:
        templates = {name: deletable(template) for name, template in templates.items()}
    states = read_stacks(cloudformation, names)
    apart = _Apart(**vars(target), folder=target.assembly_dir.with_name(f"{target.key}-removal"))
    write_assembly(apart.folder, target.environment, templates, {name: state.tags for name, state in states.items()})
    # A deployment of the same template takes the protection from termination away, by the role that may do so.
    is_protected = any(stack.is_protected for stack in stacks)
    acts: list[Callable[..., None]] = [*([cdk_cli.deploy] if with_data or is_protected else []), cdk_cli.destroy]
    reader = _ByName(target.clients, target.environment, ())
    for act in acts:
        with following(reader, names, every_seconds=target.polling_seconds) as progress:
            act(apart, names, progress.hear)
    if left := read_stacks(cloudformation, names):
        raise UserError(f"still there: {', '.join(left)}", "Run the same command again.")


def deletable(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template whose resources are neither retained nor protected from deletion."""
    resources = {}
    for logical_id, resource in template.get("Resources", {}).items():
        properties = dict(resource.get("Properties", {}))
        if "DeletionProtection" in properties:
            properties["DeletionProtection"] = False
        resources[logical_id] = {**resource, "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"} | (
            {"Properties": properties} if properties else {}
        )
    return {**template, "Resources": resources}


def write_assembly(
    folder: Path,
    environment: Environment,
    templates: Mapping[str, Mapping[str, Any]],
    tags: Mapping[str, Mapping[str, str]],
) -> None:
    """Write a cloud assembly of these stacks, which the CDK's command line takes in place of an app."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts = {}
    for name, template in templates.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://{environment.account}/{environment.region}",
            "properties": {
                "templateFile": f"{name}.template.json",
                "terminationProtection": False,
                "tags": dict(tags.get(name, {})),
                "assumeRoleArn": bootstrap_role(environment, "deploy"),
                "cloudFormationExecutionRoleArn": bootstrap_role(environment, "cfn-exec"),
            },
        }
    manifest = {"version": _MANIFEST_VERSION, "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
