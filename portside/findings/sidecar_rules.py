"""Sidecars that failed, rather than the service's own program."""

from __future__ import annotations

from portside.aws.model import Container
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext, more_memory

# The proxy that ECS adds to a task of a service that uses Service Connect.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html
_PROXY = "ecs-service-connect"
# How a container ends that ECS stops because another one failed: asked to (SIGTERM), or killed after its stop timeout.
_STOPPED_BY_ECS = frozenset({None, 0, 137, 143})


def sidecar(context: RuleContext) -> Finding | None:
    """The sidecar that failed, if the service's own container did not."""
    task, own = context.task, context.container
    if task is None or own is None or not own.name or _has_failed(own):
        return None
    other = next((each for each in task.containers if each.name != own.name and _has_failed(each)), None)
    if other is None:
        return None
    how = _how(other)
    evidence = (
        *context.evidence,
        f"{other.name}: {how}",
        f"{own.name}: {own.health or 'no health check'}, {_ended(own)}",
    )
    if "OutOfMemory" in other.reason:
        return context.found(
            "OUT_OF_MEMORY.SIDECAR",
            f"out of memory: its sidecar container {other.name} was killed ({context.memory} MiB for the whole task)",
            look=context.field("memory"),
            fix=f"memory={more_memory(context)} of {context.name} in app.py (it has {context.memory}), "
            f"then: {context.deploy}",
            evidence=evidence,
        )
    if other.name.startswith(_PROXY):
        return context.found(
            "AWS_TROUBLE.PROXY",
            f"the Service Connect proxy in its task ({other.name}) {how}; its own program did not fail",
            look=f"container {other.name} of task {task.id} in ECS",
            fix=f"{context.start_again}  # again; if it happens again, the proxy needs more: memory="
            f"{more_memory(context)} of {context.name} in app.py",
            evidence=evidence,
        )
    return context.found(
        "UNKNOWN.SIDECAR",
        f"its sidecar container {other.name} {how}; its own program did not fail",
        look=f"container {other.name} of task {task.id} in ECS",
        fix=f"Fix what the log of {other.name} names, then: {context.start_again}",
        evidence=evidence,
    )


def _has_failed(container: Container) -> bool:
    # Reasons that AWS gives before anything started are matched by the rules about starting.
    killed = container.exit_code is not None and "OutOfMemory" in container.reason
    return container.health == "UNHEALTHY" or container.exit_code not in _STOPPED_BY_ECS or killed


def _how(container: Container) -> str:
    if container.exit_code not in _STOPPED_BY_ECS:
        return f"exited with code {container.exit_code}"
    return f"exited: {container.reason}" if container.reason else "became unhealthy"


def _ended(container: Container) -> str:
    return "running" if container.exit_code is None else f"exit code {container.exit_code}"
