"""Taking an environment down, and leaving behind exactly what was said to stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from operations import cdk_cli, references
from operations.assembly import Stack
from operations.deploy import DeploymentFailed, explain, polling_seconds
from operations.progress import following, step
from operations.stack_states import list_stacks, read_stacks
from operations.target import Target
from src.context_flags import DESTROYING, WITH_DATA
from src.environment import Environment
from src.errors import AgoraError, UsageError


@dataclass(frozen=True)
class DestructionPlan:
    """The stacks that go, last deployed first, and those that stay with what is in them."""

    going: tuple[str, ...]
    staying: Mapping[str, tuple[str, ...]]

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def plan(target: Target, *, with_data: bool) -> tuple[tuple[Stack, ...], DestructionPlan]:
    """What would go and what would stay. The database keeps its network, without which it could not be reached.

    Raises `UsageError` for the data of prod in AWS, which this tool does not delete.
    """
    environment = target.environment
    if with_data and environment.name == "prod" and not target.is_local:
        raise UsageError(
            "the data of prod is not deleted by this tool",
            "Leave --with-data out; whoever must delete it does so in the console, with the database's owner.",
        )
    with step("Making the templates"):
        context = {DESTROYING: "true"} | ({WITH_DATA: "true"} if with_data else {})
        stacks = cdk_cli.synthesize(target, context, lambda _: None, validate=False)
    cloudformation = target.clients("cloudformation")
    deployed = read_stacks(cloudformation, [stack.name for stack in stacks])
    kept = () if with_data else kept_stacks(environment)
    return stacks, DestructionPlan(
        going=tuple(stack.name for stack in reversed(stacks) if stack.name in deployed and stack.name not in kept),
        staying={name: _resources(cloudformation, name) for name in kept if name in deployed},
    )


def kept_stacks(environment: Environment) -> tuple[str, ...]:
    """The stacks that hold data, and the one that they live in."""
    return environment.stack_name("network"), environment.stack_name(environment.database_stack)


def unknown_stacks(target: Target, stacks: Sequence[Stack]) -> list[str]:
    """Stacks of the environment that the form does not name (any longer), and that are therefore left alone."""
    names = {stack.name for stack in stacks}
    found = list_stacks(target.clients("cloudformation"), target.environment.stack_name(""))
    return [name for name in found if name not in names]


def carry_out(target: Target, stacks: Sequence[Stack], planned: DestructionPlan, *, with_data: bool) -> None:
    """Delete what goes. Raises `DeploymentFailed` with the causes when something could not be deleted."""
    began = datetime.now(UTC)
    protected = _protected(target.environment, with_data=with_data)
    try:
        for title, names, act in (
            ("protection", [name for name in protected if name in planned.going], cdk_cli.deploy),
            ("stacks", planned.going, cdk_cli.destroy),
        ):
            if names:
                _act(target, title, names, act)
    except cdk_cli.CdkFailed as failure:
        raise DeploymentFailed(target, explain(target, planned.going, began), failure) from failure
    left = read_stacks(target.clients("cloudformation"), planned.going)
    if left:
        raise AgoraError(f"still there: {', '.join(left)}", "Run the same command again.")
    _forget(target)


def _act(target: Target, title: str, names: Sequence[str], act: Any) -> None:
    with following(target.clients("cloudformation"), names, every_seconds=polling_seconds(target)) as progress:
        act(target, names, progress.hear)


def _protected(environment: Environment, *, with_data: bool) -> list[str]:
    """The stacks that are protected from deletion: the database's always, in prod all but the services'."""
    lasting = ["ecs", "load-balancer"] if environment.name == "prod" else []
    return [*map(environment.stack_name, lasting), *(kept_stacks(environment) if with_data else ())]


def _forget(target: Target) -> None:
    ssm = target.clients("ssm")
    ssm.delete_parameters(Names=[references.parameter_name(target.environment.name)])


def _resources(cloudformation: Any, name: str) -> tuple[str, ...]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    return tuple(
        f"{each['ResourceType']} {each['PhysicalResourceId']}"
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceStatus"] != "DELETE_COMPLETE"
    )
