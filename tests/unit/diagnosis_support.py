"""Evidence as AWS would have given it, with what a test is about changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from portside.aws.model import (
    Asked,
    AskedCall,
    AskedSecret,
    ContainerFacts,
    DatabaseFacts,
    DefinitionFacts,
    Event,
    RecordFacts,
    RolloutFacts,
    ServiceFacts,
    StackFacts,
    StackFailure,
    SubnetFacts,
    TargetFacts,
    TargetGroupFacts,
    TaskFacts,
)
from portside.aws.reader import Evidence
from portside.findings.verdict import Verdict, judge
from tests.unit.operations_support import NOON, minutes_after_noon

ACCOUNT = "607346494281"
FAILED, RUNS = "ecs-svc/2", "ecs-svc/1"
DEFINITION = DefinitionFacts(
    arn="definition:2",
    image="ghcr.io/sage-bionetworks/agora-app@sha256:12",
    command=(),
    ports=(4200,),
    memory=2048,
    health_command="CMD-SHELL curl -fsS http://localhost:4200/health || exit 1",
    secrets=(),
    execution_role=f"arn:aws:iam::{ACCOUNT}:role/agora-dev-app-ExecutionRole",
    task_role=f"arn:aws:iam::{ACCOUNT}:role/agora-dev-app-TaskRole",
)


def task(
    reason: str = "",
    *,
    code: str = "TaskFailedToStart",
    exit_code: int | None = None,
    container_reason: str = "",
    log: tuple[str, ...] = (),
    name: str = "agora-app",
    **more: Any,
) -> TaskFacts:
    """A task of the deployment that failed; without a reason one that runs."""
    container = ContainerFacts(name, "STOPPED" if reason else "RUNNING", exit_code, container_reason)
    found = TaskFacts(
        id="0123456789abcdef",
        definition=DEFINITION.arn,
        status="STOPPED" if reason else "RUNNING",
        created=minutes_after_noon(1),
        stopped=minutes_after_noon(2) if reason else None,
        stop_code=code if reason else "",
        stopped_reason=reason,
        deployment=FAILED if reason else RUNS,
        containers=(container,),
        log_group="group",
        log_stream="stream",
        log=log,
    )
    return replace(found, **more)


def exited(exit_code: int, *log: str, reason: str = "", **more: Any) -> TaskFacts:
    """A task whose program ended."""
    return task(
        "Essential container in task exited",
        code="EssentialContainerExited",
        exit_code=exit_code,
        container_reason=reason,
        log=log,
        **more,
    )


def gave_up() -> tuple[Event, ...]:
    """The events of a service whose deployment failed and was rolled back, the newest first."""
    return (
        Event(minutes_after_noon(4), f"(service S) (deployment {RUNS}) deployment completed."),
        Event(minutes_after_noon(3), f"(service S) rolling back to deployment {RUNS}."),
        Event(minutes_after_noon(3), f"(service S) (deployment {FAILED}) deployment failed: tasks failed to start."),
    )


def service(name: str = "agora-app", *tasks: TaskFacts, **more: Any) -> ServiceFacts:
    """A service that runs steadily; with tasks that failed, one whose last deployment failed by them."""
    failed = any(each.has_failed for each in tasks)
    found = ServiceFacts(
        name=name,
        stack=f"agora-dev-{name.removeprefix('agora-')}",
        asked=Asked(
            image=f"ghcr.io/sage-bionetworks/{name}:edge",
            port=4200,
            cpu=512,
            memory=2048,
            tasks=1,
            public=False,
            health_path="/health",
            health_command="",
            secrets=(AskedSecret("agora-sentry-dsn", "SENTRY_DSN", None),),
        ),
        cluster="cluster",
        ecs_name=f"agora-dev-{name}-Service-x",
        status="ACTIVE",
        desired=1,
        running=1,
        definition=DEFINITION.arn,
        events=gave_up() if failed else (),
        rollouts=(RolloutFacts(RUNS, "PRIMARY", "COMPLETED", "", 0, "definition:1", NOON),),
        tasks=tasks,
        definitions=(DEFINITION,),
    )
    return replace(found, **more)


def asked(found: ServiceFacts, **more: Any) -> ServiceFacts:
    """The service, of which the form asks something else."""
    return replace(found, asked=replace(found.asked, **more))


def calling(found: ServiceFacts, *callees: str) -> ServiceFacts:
    """The service, which calls others."""
    return asked(found, calls=tuple(AskedCall(callee, 3333) for callee in callees))


def target_group(state: str, description: str, **more: Any) -> TargetGroupFacts:
    """The target group of a service with one target."""
    target = TargetFacts("10.0.0.4", 80, state, "", description)
    return replace(TargetGroupFacts("arn:group", 80, "/health", "200", 5, (target,), True), **more)


def stack(name: str = "agora-dev-app", status: str = "UPDATE_COMPLETE", *reasons: str, **more: Any) -> StackFacts:
    """A stack, in which something failed for these reasons."""
    failures = tuple(
        StackFailure("Thing", more.get("kind", "AWS::EC2::EIP"), "UPDATE_FAILED", reason, minutes_after_noon(2))
        for reason in reasons
    )
    return StackFacts(name, status, more.get("reason", ""), minutes_after_noon(1), minutes_after_noon(1), failures)


def record(result: str, minutes: float, *digests: str) -> RecordFacts:
    """A deployment that began so many minutes after noon, with images of these digests."""
    began = minutes_after_noon(minutes)
    return RecordFacts(1, "deploy", "edge", "jane", result, began, minutes_after_noon(minutes + 1), digests)


def evidence(*services: ServiceFacts, stacks: tuple[StackFacts, ...] = (), **more: Any) -> Evidence:
    """An environment with these services; their stacks are well, where not given."""
    given = {each.name for each in stacks}
    usual = tuple(stack(each.stack) for each in services if each.stack not in given and each.status)
    found = Evidence(
        environment="dev",
        account=ACCOUNT,
        region="us-east-1",
        is_local=False,
        at=minutes_after_noon(10),
        since=None,
        only=None,
        database=DatabaseFacts("agora-dev-docdb-v8", 27017, "cluster-1", "available", "arn:secret"),
        stacks=(*stacks, *usual),
        services=services,
        subnets=(SubnetFacts("subnet-1", "10.0.0.0/26", "us-east-1a", 0),),
    )
    return replace(found, **more)


def verdict_on(*tasks: TaskFacts, **more: Any) -> Verdict:
    """The first verdict on a service whose deployment failed by these tasks."""
    return judge(evidence(service("agora-app", *tasks, **more)))[0]
