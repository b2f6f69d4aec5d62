"""Prints the own stacks of every environment in JSON: `python -m portside.stacks.describe_own_stacks APP_PY NAME`.

`portside.config.own_stacks` runs it in a process of its own, because other commands don't load the CDK.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from portside.config.app_source import stopped_by
from portside.config.configuration import Configuration, load_without_services, without_duplicates
from portside.config.environment import Environment
from portside.config.mistakes import quoted
from portside.config.own_stacks import FILE, OwnStack
from portside.config.stacks import StackKind, only_stack
from portside.errors import ConfigurationError, Problem
from portside.extension import Extension, install
from portside.stacks.context import committed_context
from portside.stacks.ecs_stack import EcsStack
from portside.stacks.file_systems import check_file_systems
from portside.stacks.load_balancer_stack import LoadBalancerStack
from portside.stacks.network_stack import NetworkStack
from portside.stacks.own_stacks import OwnResources, Platform, add_own_stacks
from portside.stacks.service_roles import task_role

# The policies with which CloudFormation deletes a resource with its stack:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
_LOOKUP_HINT = "Use platform.vpc, or from_…_attributes and from_…_arn with the ids, instead of from_lookup."
_GRANT_HINT = "A grant is a function of one argument, the task role, such as bucket.grant_read_write."
_DELETING = (None, "Delete", "RetainExceptOnCreate")


def main(app_file: str, app: str) -> None:
    install(Extension(app=app))
    described: dict[str, Any] = {}
    found: dict[str, tuple[Problem, ...]] = {}
    problems: list[Problem] = []
    try:
        configuration = load_without_services(Path(app_file))
        for name, environment in configuration.environments.items():
            found[name] = ()
            try:
                described[name] = [asdict(each) for each in own_stacks_of(configuration, environment)]
            except ConfigurationError as error:
                found[name] = error.problems
        problems += without_duplicates(found, "stacks")
    except ConfigurationError as error:
        problems += error.problems
    print(json.dumps({"stacks": described, "problems": [(each.where, each.what, each.hint) for each in problems]}))


def own_stacks_of(configuration: Configuration, environment: Environment) -> list[OwnStack]:
    """The own stacks of an environment, those that others use first. Raises `ConfigurationError`."""
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=committed_context(), tree_metadata=False)
        place: dict[str, Any] = {"env": cdk.Environment(account=environment.account, region=environment.region)}
        network = NetworkStack(app, only_stack(environment, StackKind.NETWORK).name, environment.vpc_cidr, **place)
        ecs = EcsStack(
            app,
            only_stack(environment, StackKind.ECS_CLUSTER).name,
            network.vpc,
            environment.service_namespace,
            **place,
        )
        balancer = LoadBalancerStack(app, only_stack(environment, StackKind.LOAD_BALANCER).name, network.vpc, **place)
        stacks = add_own_stacks(app, configuration, environment, Platform(network.vpc, ecs.cluster, balancer.alb))
        outputs = {part: _outputs_of(own.stack) for part, own in stacks.items()}
        _try_grants(app, environment, stacks)
        try:
            assembly = app.synth()
        except Exception as error:
            raise ConfigurationError([stopped_by(error, FILE)]) from error
        looked_up = json.loads(Path(folder, "manifest.json").read_text()).get("missing", ())
        if looked_up:
            kinds = ", ".join(sorted({each["provider"] for each in looked_up}))
            raise ConfigurationError([Problem("stacks(…)", f"a lookup queries AWS, got {kinds}", _LOOKUP_HINT)])
        parts = {own.stack.stack_name: part for part, own in stacks.items()}
        for each in assembly.stacks:
            if each.stack_name in parts and stacks[parts[each.stack_name]].volumes:
                check_file_systems(each.template, len(network.vpc.private_subnets))
        return [
            OwnStack(
                part=parts[each.stack_name],
                outputs=outputs[parts[each.stack_name]],
                grants=tuple(stacks[parts[each.stack_name]].grants),
                volumes=tuple(stacks[parts[each.stack_name]].volumes),
                accepts_calls=stacks[parts[each.stack_name]].callers is not None,
                port=stacks[parts[each.stack_name]].port,
                retained=_retained(each.template),
                uses_network=network.artifact_id in [other.id for other in each.dependencies],
            )
            for each in assembly.stacks
            if each.stack_name in parts
        ]


def _try_grants(app: cdk.App, environment: Environment, stacks: Mapping[str, OwnResources]) -> None:
    """Grant everything to a role of another stack, as services do. Raises `ConfigurationError` for each that fails."""
    problems: list[Problem] = []
    names = [(part, name) for part, own in stacks.items() for name in own.grants]
    if not names:
        return
    place = cdk.Environment(account=environment.account, region=environment.region)
    role = task_role(cdk.Stack(app, "Grantee", env=place), (), ecs_exec=False)
    for part, name in names:
        try:
            stacks[part].grants[name](role)
        except Exception as error:
            said = stopped_by(error, FILE)
            problems.append(Problem(f"stacks(…): the grant {quoted(name)} of {part}", said.what, _GRANT_HINT))
    if problems:
        raise ConfigurationError(problems)


def _outputs_of(stack: cdk.Stack) -> tuple[str, ...]:
    """The names of a stack's outputs, before the CDK adds those that other stacks read."""
    outputs = [each for each in stack.node.find_all() if isinstance(each, cdk.CfnOutput)]
    return tuple(str(stack.resolve(each.logical_id)) for each in outputs)


def _retained(template: Any) -> tuple[str, ...]:
    resources = template.get("Resources", {}).values()
    return tuple(dict.fromkeys(each["Type"] for each in resources if each.get("DeletionPolicy") not in _DELETING))


if __name__ == "__main__":
    main(*sys.argv[1:])
