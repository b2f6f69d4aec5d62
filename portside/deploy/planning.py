"""Planning a deployment: synthesize, compare with the deployed stacks, and refuse a plan that would fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from portside.aws.ownership import expect_ours
from portside.aws.reader import Reader
from portside.aws.stack_reading import read_templates
from portside.aws.target import Target
from portside.config.context_flags import PARALLEL
from portside.config.service_props import ServiceProps
from portside.config.stacks import service_stack, stacks_for
from portside.errors import UserError
from portside.findings.check import check_as_json
from portside.findings.finding import Finding
from portside.images.resolution import Resolution
from portside.plan.deployment_plan import DeploymentPlan, changes_of, context_of_groups, planned_groups
from portside.plan.plan import LEAVE, NOTHING, StackChange, plan_deployment
from portside.plan.unconfigured import unconfigured_of
from portside.preflight.endpoints import endpoints_of, missing
from portside.records.stack_record import expect_same_prefix
from portside.synthesis import cdk_cli
from portside.terminal.console import step
from portside.terminal.summary import named

if TYPE_CHECKING:
    from portside.preflight.run import Verification


def plan(
    target: Target, services: Sequence[ServiceProps], images: Resolution, *, prune: bool = False
) -> DeploymentPlan:
    """Synthesize with these images and compare with the deployed stacks; `prune` deletes stacks not in `app.py`.

    Raises `UserError` if a stack with a configured name belongs to another app, or the records to other stacks.
    """
    environment, reader = target.environment, Reader(target.clients, target.environment, services)
    found = reader.stacks()
    names = [stack.name for stack in stacks_for(environment, services)]
    states = {name: found[name] for name in names if name in found}
    adopted = expect_ours(states.values(), environment)
    expect_same_prefix(target)
    deployed = read_templates(
        target.clients("cloudformation"), [each.name for each in states.values() if each.is_usable]
    )
    unconfigured = unconfigured_of(target, services, found.values() if reader.lists_all else None)
    groups = planned_groups(target.clients("ssm"), environment, services, unconfigured)
    of_services = {service_stack(environment, props.container_name).name for props in services}
    known = (template for name, template in deployed.items() if name in of_services)
    context = {PARALLEL: "true"} if _endpoints_exist(known, services) else {}
    with step("Making and validating the templates"):
        stacks = cdk_cli.synthesize(target, images, context | context_of_groups(groups), lambda _: None)
    return DeploymentPlan(
        stacks=stacks,
        changes=(*plan_deployment(stacks, deployed.get, states), *changes_of(unconfigured, prune=prune)),
        unconfigured=unconfigured,
        adopted=adopted,
        groups=groups,
    )


def anything_to_do(changes: Sequence[StackChange]) -> bool:
    """Whether a plan changes anything."""
    return any(change.action not in (NOTHING, LEAVE) for change in changes)


def _endpoints_exist(deployed: Iterable[Mapping[str, Any]], services: Sequence[ServiceProps]) -> bool:
    """Whether every service that another one calls already has its Service Connect endpoint.

    A task learns of endpoints when its deployment starts, so callers wait only for new ones.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html
    """
    existing = {endpoint for template in deployed for endpoint in endpoints_of(template)}
    return not missing(services, existing)


class NotReady(UserError):
    """A pre-flight check failed; nothing was changed."""

    def __init__(self, target: Target, failed: Sequence[Finding]) -> None:
        subjects = named([check.subject for check in failed])
        super().__init__(
            f"nothing was deployed to {target.environment.name}: {subjects}",
            "\n".join(dict.fromkeys([check.fix for check in failed if check.fix]))
            + "\nOr deploy without these checks: --no-verify.",
        )
        self.failed = tuple(failed)

    def as_json(self) -> dict[str, Any]:
        """The message, and the checks that failed."""
        return {"message": self.message, "hint": self.hint, "checks": [check_as_json(check) for check in self.failed]}


def expect_nothing_in_the_way(target: Target, found: Verification) -> None:
    """Raise `NotReady` if a check failed that would make the deployment fail."""
    if found.in_the_way:
        raise NotReady(target, found.in_the_way)
