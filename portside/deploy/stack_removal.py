"""Deleting stacks that app.py no longer describes, by the CDK's command line and with its bootstrap roles."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.aws.model import Stack
from portside.aws.ownership import expect_ours
from portside.aws.reader import Reader
from portside.aws.stack_reading import read_stacks, read_template
from portside.aws.target import Target, with_retries
from portside.config.environment import Environment
from portside.config.mistakes import suggestion
from portside.config.service_props import ServiceProps
from portside.config.stacks import stacks_for
from portside.deploy.progress import following
from portside.deploy.rights import bootstrap_role
from portside.errors import UsageError, UserError
from portside.plan.unconfigured import Removal, UnconfiguredStack, keeps_data, read_unconfigured
from portside.records.environment_lock import locked
from portside.records.origin import Origin
from portside.records.stack_record import read_stack_record, write_stack_record
from portside.synthesis import cdk_cli
from portside.terminal.console import step

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


def planned_removal(
    target: Target, services: Sequence[ServiceProps], name: str, *, with_data: bool
) -> UnconfiguredStack:
    """The stack that would be deleted. Raises `UsageError` where it can't, or must not, be deleted."""
    environment = target.environment
    if name in {stack.name for stack in stacks_for(environment, services)}:
        expect_ours(read_stacks(target.clients("cloudformation"), [name]).values(), environment)
        raise UsageError(f"stack {name} is configured", "Remove it from app.py first, and deploy: others may use it.")
    found = {stack.name: stack for stack in read_unconfigured(target, services)}
    if name not in found:
        hint = suggestion(name, list(found)) if found else f"{environment.name} has no stack that app.py does not name."
        raise UsageError(f"no stack {name} {target.place} that app.py does not name", hint)
    stack = found[name]
    is_kept = stack.removal is Removal.WITH_DATA and (keeps_data(target) or not with_data)
    if stack.removal is Removal.NEVER or is_kept:
        raise UsageError(f"stack {name}: {stack.ownership}", stack.advice)
    return stack


def destroy_stack(target: Target, stack: UnconfiguredStack, origin: Origin) -> None:
    """Delete it, locked, and take it off the record."""
    environment = target.environment
    asked, _ = with_retries(target)
    ssm = asked.clients("ssm")
    with locked(ssm, environment, origin, "destroy", local=target.is_local):
        with step(f"Removing {stack.name}"):
            remove_stacks(asked, [stack], with_data=bool(stack.state))
        write_stack_record(ssm, environment, read_stack_record(ssm, environment).without_stacks([stack.name]))


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
