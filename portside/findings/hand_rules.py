"""Changes and deletions outside the stack, which CloudFormation does not notice."""

from __future__ import annotations

from portside.aws.model import Stack
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext


def deleted(context: RuleContext, stack: Stack) -> Finding | None:
    """A deleted service that its stack still lists."""
    if context.service.status or not context.service.ecs_name or not stack.is_as_made:
        return None
    return context.found(
        "BY_HAND",
        "it was deleted by hand, and its stack still lists it",
        look=f"service {context.service.ecs_name} in cluster {context.service.cluster}",
        fix=_recreate(context, stack),
        evidence=(f"stack {stack.name}: {stack.status}", "ECS: no such service"),
    )


def another_revision(context: RuleContext, stack: Stack) -> Finding | None:
    """A service with a revision that its stack did not create."""
    service = context.service
    if not service.made or not service.status or service.definition == service.made or not stack.is_as_made:
        return None
    commands = context.commands
    runs, made = (arn.rpartition("/")[2] for arn in (service.definition, service.made))
    return context.found(
        "BY_HAND",
        f"it was changed by hand to the revision {runs}, which its stack did not create",
        look=f"task definition {runs} in ECS",
        fix=commands.fix(
            commands.aws(
                "ecs", "update-service", cluster=service.cluster, service=service.ecs_name, task_definition=made
            ),
            then="what the other revision needs belongs in app.py",
        ),
        evidence=(f"ECS: {runs}", f"stack {stack.name}: {made}", *context.evidence),
    )


def entrance(context: RuleContext, stack: Stack) -> Finding | None:
    """A public service to which no load balancer sends anything."""
    if not context.service.asked.public or not stack.is_as_made:
        return None
    group = next((each for each in context.service.groups if not each.is_used), None)
    if group is None:
        return None
    name = group.arn.rpartition("targetgroup/")[2].partition("/")[0]
    state = "gone" if group.is_gone else "unused"
    sentence = (
        f"its target group {name} was deleted"
        if group.is_gone
        else "no load balancer sends it requests: its listener, or the load balancer itself, was deleted"
    )
    return context.found(
        "BY_HAND",
        sentence,
        look=f"load balancer of stack {context.snapshot.stack_prefix}-load-balancer, its listeners",
        fix=f"{_recreate(context, stack)}; if the load balancer was deleted too, its stack the same way",
        evidence=(
            f"stack {stack.name}: {stack.status}",
            f"target group {name}: {state}",
        ),
    )


def _recreate(context: RuleContext, stack: Stack) -> str:
    """The commands that delete a service's stack and create it again; it contains no data."""
    commands, name = context.commands, stack.name
    unlock = commands.aws(
        "cloudformation", "update-termination-protection", no_enable_termination_protection=True, stack_name=name
    )
    delete = commands.aws("cloudformation", "delete-stack", stack_name=name)
    return commands.fix(
        *([unlock] if stack.is_protected else []),
        delete,
        then=f"deletes the service's tasks, roles and alarms, no data; when that is done: {context.deploy}",
    )
