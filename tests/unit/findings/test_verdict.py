"""Which cause is reported, whose it is, and what must be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portside.aws.model import Agent, Container, Deployment, Event, TargetGroup, Task, Unread
from portside.aws.snapshot import RecordedDeployment
from portside.config.service_props import DATABASE
from portside.findings.verdict import judge
from tests.unit.diagnosis_support import (
    ACCOUNT,
    DEFINITION,
    FAILED,
    RUNS,
    asked,
    calling,
    evidence,
    exited,
    gave_up,
    record,
    service,
    stack,
    target_group,
    task,
    verdict_on,
)
from tests.unit.operations_support import NOON, minutes_after_noon

REF = "ghcr.io/sage-bionetworks/agora-app@sha256:12"
PULL = "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:agora-sentry-dsn"
ASM = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
    "unable to retrieve secret from asm: service call has been retried 1 time(s): "
)
NODE_STACK = ("    at Object.<anonymous> (/app/main.js:14:11)", "Node.js v22.20.0")
NO_LOG_GROUP = (
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to "
    "create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1"
)
RUNC = (
    "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed to "
    "create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
)
IN_THE_ACCOUNT = f"--region us-east-1  # in account {ACCOUNT}"


@pytest.mark.parametrize(
    ("words", "cause", "fix"),
    [
        (f"{PULL}failed to resolve ref {REF}: {REF}: not found", "IMAGE_MISSING", "./agora deploy dev"),
        (f"{PULL}failed to resolve ref {REF}: manifest unknown", "IMAGE_MISSING", "./agora deploy dev"),
        (f"{PULL}pulling from host ghcr.io failed with status code [m]: 403 Forbidden", "IMAGE_DENIED", "public"),
        (f"{PULL}failed to authorize: unauthorized: authentication required", "IMAGE_DENIED", "public"),
        (
            f"{PULL}image Manifest does not contain descriptor matching platform 'linux/amd64'",
            "IMAGE_PLATFORM",
            "linux/amd64",
        ),
        (f"{PULL}Head https://ghcr.io: dial tcp 140.82.112.33:443: i/o timeout", "REGISTRY_SLOW", "deploy"),
        (f"{PULL}failed to do request: context deadline exceeded", "REGISTRY_SLOW", "deploy"),
        (f"{PULL}429 Too Many Requests - Server message: toomanyrequests: allowed", "REGISTRY_LIMIT", "Wait"),
        (
            f"{ASM}failed to fetch secret {SECRET} from secrets manager: ResourceNotFoundException: Secrets Manager "
            "can't find the specified secret.",
            "SECRET_MISSING",
            "aws secretsmanager create-secret --name agora-sentry-dsn --secret-string '…'",
        ),
        (
            f"{ASM}failed to fetch secret {SECRET}-AbCdEf from secrets manager: ResourceNotFoundException: Secrets "
            "Manager can't find the specified secret value for staging label: AWSCURRENT",
            "SECRET_MISSING",
            "aws secretsmanager put-secret-value --secret-id agora-sentry-dsn",
        ),
        (
            f"{ASM}failed to fetch secret {SECRET} from secrets manager: InvalidRequestException: You can't perform "
            "this operation on the secret because it was marked for deletion.",
            "SECRET_MISSING",
            "aws secretsmanager restore-secret --secret-id agora-sentry-dsn",
        ),
        (
            f"{ASM}failed to fetch secret {SECRET} from secrets manager: AccessDeniedException: User: arn:aws:sts::"
            f"{ACCOUNT}:assumed-role/agora-dev-app-ExecutionRole/t is not authorized to perform: "
            "secretsmanager:GetSecretValue on resource: "
            f"{SECRET} because no identity-based policy allows the secretsmanager:GetSecretValue action",
            "SECRET_DENIED",
            "put-role-policy --role-name agora-dev-app-ExecutionRole",
        ),
        (
            f"{ASM}failed to fetch secret {SECRET}: AccessDeniedException: … with an explicit deny in a resource-based "
            "policy",
            "SECRET_DENIED",
            "get-resource-policy --secret-id agora-sentry-dsn",
        ),
        (
            f"{ASM}retrieved secret from Secrets Manager did not contain json key SENTRY_DSN",
            "SECRET_FIELD",
            "json_field in app.py",
        ),
        (
            f"{ASM}RequestError: send request failed caused by: Post https://secretsmanager: dial tcp: i/o timeout",
            "SECRETS_UNREACHABLE",
            "detect-stack-drift --stack-name agora-dev-network",
        ),
        (NO_LOG_GROUP, "LOG_GROUP_MISSING", "aws logs create-log-group --log-group-name group"),
        (
            f"ECS was unable to assume the role 'arn:aws:iam::{ACCOUNT}:role/gone' that was provided for this task.",
            "ROLE_UNUSABLE",
            "aws iam create-role --role-name gone",
        ),
        (f'{RUNC}exec: "serve": executable file not found in $PATH: unknown', "BAD_COMMAND", "program"),
        (f"{RUNC}exec /entrypoint.sh: exec format error: unknown", "EXEC_FORMAT", "linux/amd64"),
        (
            "Capacity is unavailable at this time. Please try again later or in a different availability zone",
            "NO_CAPACITY",
            "again, later",
        ),
        (
            "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled in "
            "subnet 'subnet-1': InsufficientFreeAddressesInSubnet",
            "NO_ADDRESS",
            "AUTO_SCALE_CAPACITY",
        ),
        ("You\u2019ve reached the limit on the number of vCPUs you can run concurrently", "QUOTA", "L-3032A538"),
        ("Your Spot Task was interrupted.", "SPOT_RECLAIMED", "spot_weight=0"),
        ("Timeout waiting for network interface provisioning to complete.", "AWS_TROUBLE", "again"),
        ("Task failed container health checks", "HEALTH_CHECK", "start_period_seconds"),
    ],
)
def test_the_words_of_a_stopped_task_tell_the_cause(words: str, cause: str, fix: str) -> None:
    found = verdict_on(task(words, container_reason=words))
    assert (found.outer, found.service, found.stack) == (cause, "agora-app", "agora-dev-app")
    assert fix in found.fix
    assert found.look
    assert any(words in line for line in found.evidence)


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("UPDATE_COMPLETE", "./agora redeploy dev app"),
        ("UPDATE_ROLLBACK_COMPLETE", "./agora deploy dev"),
        ("UPDATE_FAILED", "./agora deploy dev"),
    ],
)
def test_what_was_fixed_outside_is_followed_by_a_command_that_starts_tasks(status: str, command: str) -> None:
    deleted = (
        f"{ASM}failed to fetch secret {SECRET} from secrets manager: ResourceNotFoundException: Secrets Manager "
        "can't find the specified secret."
    )
    broken = service("agora-app", task(deleted, container_reason=deleted))
    verdicts = judge(evidence(broken, stacks=(stack("agora-dev-app", status),)))
    (found,) = (each for each in verdicts if each.code == "SECRET_MISSING")
    assert found.fix.endswith(f"then: {command}")


@pytest.mark.parametrize(
    ("ended", "cause", "fix"),
    [
        (exited(1, "Error: required setting is missing", *NODE_STACK), "CRASH_AT_START", "Fix the program"),
        (
            exited(1, "listening on port 4200", "TypeError: x is undefined", started=minutes_after_noon(1.99)),
            "CRASH_LATER",
            "Fix the program",
        ),
        (exited(1, "starting", started=minutes_after_noon(1)), "CRASH_LATER", "Fix the program"),
        (exited(0), "STOPPED_BY_ITSELF", "container_command"),
        (exited(127, "sh: serve: not found"), "BAD_COMMAND.NOT_FOUND", "program"),
        (exited(255, "exec /usr/local/bin/docker-entrypoint.sh: exec format error"), "EXEC_FORMAT", "linux/amd64"),
        (
            exited(137, reason="OutOfMemoryError: Container killed due to memory usage"),
            "OUT_OF_MEMORY",
            "memory=3072 of agora-app in app.py (it has 2048)",
        ),
        (
            exited(134, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
            "OUT_OF_MEMORY",
            "memory=3072",
        ),
        (exited(137), "KILLED", "stop_timeout_seconds"),
        (
            exited(
                1,
                f"AccessDenied: User: arn:aws:sts::{ACCOUNT}:assumed-role/r/t is not authorized to perform: "
                's3:GetObject on resource: "arn:aws:s3:::bucket/key" because no identity-based policy allows it',
            ),
            "TASK_ROLE_DENIED",
            'permissions=[Permission(["s3:GetObject"], ["arn:aws:s3:::bucket/key"])]',
        ),
        (
            exited(1, "Error: EROFS: read-only file system, open '/app/cache/x'"),
            "READ_ONLY",
            'ContainerVolume("/app/cache")',
        ),
        (
            exited(1, "MongoServerError: Authentication failed.", "  code: 18,"),
            "DATABASE_REFUSED",
            "--db-cluster-identifier cluster-1",
        ),
        (
            exited(1, "com.mongodb.MongoSecurityException: Exception authenticating MongoCredential"),
            "DATABASE_REFUSED",
            "arn:secret",
        ),
        (
            exited(1, "MongoServerSelectionError: connect ETIMEDOUT 10.0.0.9:27017"),
            "DATABASE_UNREACHABLE",
            "calls=[Call(DATABASE, 27017)]",
        ),
        (
            exited(1, "Error: getaddrinfo ENOTFOUND agora-nowhere"),
            "ENDPOINT_MISSING",
            "container_env_vars",
        ),
    ],
)
def test_the_last_words_of_a_program_tell_the_cause(ended: Task, cause: str, fix: str) -> None:
    found = verdict_on(ended)
    assert found.code == cause
    assert fix in found.fix


def test_an_application_that_prints_a_denied_right_while_it_starts_has_not_got_a_secret_denied() -> None:
    denied = exited(
        1,
        "AccessDenied: User: arn:aws:sts::1:assumed-role/r/t is not authorized to perform: sqs:SendMessage",
    )
    assert verdict_on(denied).code == "TASK_ROLE_DENIED"


def test_words_that_no_one_knows_are_quoted_and_not_interpreted() -> None:
    found = verdict_on(task("Something new happened"))
    assert found.code == "UNKNOWN"
    assert "AWS says only: Something new happened" in found.what
    assert "group" in found.look


def test_a_released_environment_pins_its_version_again_when_an_image_no_longer_exists() -> None:
    broken = asked(
        service("agora-app", task(f"{PULL}{REF}: not found")), image="ghcr.io/sage-bionetworks/agora-app:4.2.1-rc1"
    )
    found = judge(evidence(broken, environment="stage", is_released=True))[0]
    assert found.fix.startswith("./agora release pin 4.2.1-rc1")


def test_a_command_of_the_configuration_is_named_as_what_to_fix() -> None:
    definition = replace(DEFINITION, command=("serve", "--fast"))
    found = verdict_on(task(f'{RUNC}exec: "serve": executable file not found in $PATH'), definitions=(definition,))
    assert found.look == "app.py, container_command of agora-app"
    assert "serve --fast" in found.what


def test_a_health_check_of_another_port_than_the_program_listens_on_is_reported_as_such() -> None:
    found = verdict_on(task("Task failed container health checks", log=("Server listening on port 3000",)))
    assert "asks port 4200, but the program listens on port 3000" in found.what
    assert found.look == "app.py, container_healthcheck of agora-app"


def test_a_stopped_database_must_be_started() -> None:
    broken = service("agora-app", exited(1, "MongoServerSelectionError: connect ETIMEDOUT 10.0.0.9:27017"))
    seen = evidence(broken)
    found = judge(replace(seen, database=replace(seen.database, state="stopped")))[0]
    start = "aws docdb start-db-cluster --db-cluster-identifier cluster-1"
    assert found.fix == f"{start} {IN_THE_ACCOUNT}"


def test_a_database_that_the_configuration_opens_is_checked_in_the_network() -> None:
    broken = calling(service("agora-app", exited(1, "MongoServerSelectionError: connect ETIMEDOUT h:27017")), DATABASE)
    assert judge(evidence(broken))[0].fix.startswith(
        "aws cloudformation detect-stack-drift --stack-name agora-dev-docdb-v8"
    )


@pytest.mark.parametrize(
    ("description", "cause", "look"),
    [
        ("Health checks failed with these codes: [404]", "TARGET_CODE", "app.py, health_check_path of agora-app"),
        ("Health checks failed with these codes: [301]", "TARGET_CODE", "app.py, health_check_path of agora-app"),
        ("Health checks failed with these codes: [500]", "TARGET_CODE", "log group group, stream stream"),
        ("Request timed out", "TARGET_TIMEOUT", "log group group, stream stream"),
        ("Health checks failed", "TARGET_REFUSED", "app.py, container_port of agora-app"),
        ("Health checks failed with these codes: [400]", "TARGET_CODE", "app.py, health_check_path of agora-app"),
        ("Health checks failed with these codes: [401]", "TARGET_CODE", "app.py, health_check_path of agora-app"),
        ("Health checks failed due to an internal error", "AWS_TROUBLE.LOAD_BALANCER", "https://health.aws.amazon.com"),
        (
            "Target is in an Availability Zone that is not enabled for the load balancer",
            "REFUSED.ZONE",
            "subnets of the load balancer and of the service",
        ),
        (
            "Target group is not configured to receive traffic from the load balancer",
            "BY_HAND.TARGET",
            "target group of agora-app in EC2, load balancers",
        ),
        ("Something new", "UNKNOWN.TARGET", "log group group, stream stream"),
    ],
)
def test_what_the_load_balancer_says_tells_the_cause(description: str, cause: str, look: str) -> None:
    reported = Event(
        minutes_after_noon(2), f"(service S) (port 80) is unhealthy in (target-group g) due to (reason {description})."
    )
    broken = service(
        "agora-app", task("Task failed ELB health checks in (target-group g)", code="ServiceSchedulerInitiated")
    )
    found = judge(evidence(replace(broken, events=(*broken.events, reported))))[0]
    assert (found.code, found.look) == (cause, look)
    assert f"load balancer: {description}" in found.evidence


def test_a_security_group_that_lets_no_load_balancer_in_is_the_reason_why_requests_time_out() -> None:
    group = target_group("unhealthy", "Request timed out", lets_in=False)
    found = judge(evidence(service("agora-app", task(), groups=(group,))))[0]
    assert found.code == "SECURITY_GROUP"
    assert "authorize-security-group-ingress" in found.fix


def test_an_unhealthy_target_is_wrong_although_no_task_has_stopped() -> None:
    group = target_group("unhealthy", "Health checks failed with these codes: [500]")
    assert judge(evidence(service("agora-app", task(), groups=(group,))))[0].code == "TARGET_CODE"


def test_an_unhealthy_target_of_a_caller_of_a_failed_service_is_a_consequence_and_comes_last() -> None:
    out = replace(service("agora-app"), desired=0, running=0)
    group = target_group("unhealthy", "Health checks failed with these codes: [502]")
    apex = calling(service("agora-apex", task(name="agora-apex"), groups=(group,)), "agora-app")
    first, second = judge(evidence(apex, out))
    assert (first.service, first.code) == ("agora-app", "NO_TASK_WANTED")
    assert (second.service, second.code, second.callee) == ("agora-apex", "CALLEE_OUT", "agora-app")
    assert second.what.endswith("because of agora-app")
    assert second.fix == first.fix


def test_a_callee_whose_failed_deployment_left_the_old_one_serving_is_no_reason() -> None:
    callee = service("agora-app", exited(1), task())
    group = target_group("unhealthy", "Health checks failed with these codes: [502]")
    apex = calling(service("agora-apex", task(name="agora-apex"), groups=(group,)), "agora-app")
    causes = {each.service: each.code for each in judge(evidence(apex, callee))}
    assert causes == {"agora-app": "CRASH_AT_START", "agora-apex": "TARGET_CODE"}


def test_the_root_is_found_through_others_that_only_suffer() -> None:
    api = service("agora-api", exited(1, name="agora-api"), running=0)
    app = calling(
        service("agora-app", exited(1, "Error: connect ECONNREFUSED 127.255.0.3:3333"), running=0), "agora-api"
    )
    group = target_group("unhealthy", "Health checks failed with these codes: [502]")
    apex = calling(service("agora-apex", task(name="agora-apex"), groups=(group,)), "agora-app")
    verdicts = judge(evidence(apex, app, api))
    assert verdicts[0].service == "agora-api"
    assert all(each.what.endswith("because of agora-api") for each in verdicts[1:])


def test_a_refused_connection_to_a_callee_names_it() -> None:
    broken = calling(service("agora-app", exited(1, "Error: connect ECONNREFUSED 127.255.0.3:3333")), "agora-api")
    (found,) = judge(evidence(broken, service("agora-api", task(name="agora-api"))))
    assert (found.code, found.callee) == ("CALLEE_OUT", "agora-api")
    assert "agora-api does not take its connections on port 3333" in found.what


def test_a_name_that_did_not_exist_when_the_caller_started_is_no_fault_of_the_callee() -> None:
    broken = calling(service("agora-app", exited(1, "Error: getaddrinfo ENOTFOUND agora-api")), "agora-api")
    (found,) = judge(evidence(broken, service("agora-api", task(name="agora-api"))))
    assert (found.code, found.fix) == ("ENDPOINT_MISSING", "./agora redeploy dev app")
    assert "agora-api did not exist in Service Connect" in found.what


def test_two_faults_at_once_are_both_told_each_with_its_service() -> None:
    first = service("agora-api", task(f"{PULL}403 Forbidden", name="agora-api"))
    second = service("agora-app", exited(1))
    assert {(each.service, each.code) for each in judge(evidence(first, second))} == {
        ("agora-api", "IMAGE_DENIED"),
        ("agora-app", "CRASH_AT_START"),
    }


def test_one_service_with_two_causes_has_a_verdict_on_each_and_its_tasks_counted() -> None:
    slow = task(f"{PULL}i/o timeout")
    crash = exited(1)
    verdicts = judge(evidence(service("agora-app", crash, replace(crash, id="b"), slow)))
    assert [each.outer for each in verdicts] == ["REGISTRY_SLOW", "CRASH_AT_START"]
    assert "2 tasks stopped so" in verdicts[1].evidence


def test_since_is_when_it_first_happened() -> None:
    earlier = replace(exited(1), id="b", stopped=minutes_after_noon(1.5))
    assert verdict_on(exited(1), earlier).since == minutes_after_noon(1.5)


def test_a_fault_that_healed_is_reported_and_nothing_is_wrong() -> None:
    broken = replace(exited(1), deployment=RUNS)
    done = (Event(minutes_after_noon(5), f"(service S) (deployment {RUNS}) deployment completed."),)
    (found,) = judge(evidence(service("agora-app", broken, task(), events=done)))
    assert found.code == "HEALED"
    assert not found.is_wrong
    assert found.what.startswith("it has recovered; a task failed until 12:02 UTC: ")


def test_a_running_service_whose_tasks_end_repeatedly_is_not_healthy() -> None:
    killed = exited(137, reason="OutOfMemoryError: Container killed due to memory usage", deployment=RUNS)
    tasks = [replace(killed, id=str(number), stopped=minutes_after_noon(number + 2)) for number in range(3)]
    stable = [Event(minutes_after_noon(at), "(service S) has reached a steady state.") for at in (4.5, 3.5, 2.5, 1.5)]
    (found,) = judge(evidence(service("agora-app", *tasks, task(), events=tuple(stable))))
    assert (found.code, found.is_wrong) == ("OUT_OF_MEMORY", True)
    assert "repeatedly" in found.what


def test_one_long_outage_that_is_over_is_healed_however_many_tasks_it_took() -> None:
    crash = exited(1, deployment=RUNS)
    tasks = [replace(crash, id=str(number), stopped=minutes_after_noon(2 + number / 10)) for number in range(8)]
    stable = [Event(minutes_after_noon(at), "(service S) has reached a steady state.") for at in (4, 1)]
    (found,) = judge(evidence(service("agora-app", *tasks, task(), events=tuple(stable))))
    assert (found.code, found.is_wrong) == ("HEALED", False)
    assert "8 tasks failed until 12:02 UTC" in found.what


def test_tasks_of_an_earlier_failure_are_not_reported_once_a_deployment_went_well() -> None:
    done = Event(minutes_after_noon(6), "(service S) (deployment ecs-svc/3) deployment completed.")
    recovered = service("agora-app", exited(1), task())
    primary = replace(recovered.rollouts[0], id="ecs-svc/3")
    recovered = replace(recovered, events=(done, *recovered.events), rollouts=(primary,))
    assert [each.code for each in judge(evidence(recovered))] == ["NOTHING"]


def test_a_stack_that_rolled_back_is_wrong_until_a_deployment_went_well() -> None:
    rolled_back = stack("agora-dev-app", "UPDATE_ROLLBACK_COMPLETE")
    seen = evidence(service("agora-app", task()), stacks=(rolled_back,))
    (found,) = judge(seen)
    assert found.code == "UNKNOWN"
    assert "./agora diagnose dev" in found.fix
    assert judge(replace(seen, records=(record("failed", 3),)))[0].code == "UNKNOWN"
    assert judge(replace(seen, records=(record("healthy", 3),)))[0].code == "NOTHING"


def test_a_deployment_in_progress_is_nothing_wrong() -> None:
    rollout = Deployment(RUNS, "PRIMARY", "IN_PROGRESS", "in progress", 0, "definition:1", NOON)
    moving = stack("agora-dev-app", "UPDATE_IN_PROGRESS")
    (found,) = judge(evidence(service("agora-app", running=0, pending=1, rollouts=(rollout,)), stacks=(moving,)))
    assert (found.code, found.is_wrong) == ("GOING_ON", False)


def test_a_deployment_in_progress_whose_tasks_fail_is_reported_before_it_has_ended() -> None:
    rollout = Deployment(FAILED, "PRIMARY", "IN_PROGRESS", "in progress", 1, "definition:2", NOON)
    moving = stack("agora-dev-app", "UPDATE_IN_PROGRESS")
    trying = service("agora-app", exited(1), task(), rollouts=(rollout,), events=())
    (found,) = judge(evidence(trying, stacks=(moving,)))
    assert found.code == "CRASH_AT_START"
    assert "still being tried" in found.what


def test_a_placement_that_never_made_a_task_is_reported_from_the_events() -> None:
    said = "(service S) was unable to place a task. Reason: Capacity is unavailable at this time."
    trying = service("agora-app", running=0, events=(Event(minutes_after_noon(2), said),))
    assert judge(evidence(trying))[0].code == "NO_CAPACITY"


def test_an_agent_of_ecs_exec_that_stopped_is_reported() -> None:
    container = Container("agora-app", "RUNNING", agents=(Agent("ExecuteCommandAgent", "STOPPED", "no network"),))
    quiet = service("agora-app", task(containers=(container,)), exec_on=True)
    (found,) = judge(evidence(quiet))
    assert (found.code, found.fix) == ("EXEC_AGENT", "./agora redeploy dev app")
    assert judge(evidence(replace(quiet, exec_on=False)))[0].code == "NOTHING"


def test_a_service_that_no_longer_exists_after_its_first_deployment_failed_is_explained_by_its_tasks() -> None:
    deleted = service(
        "agora-app", replace(exited(1), deployment="ecs-svc/9"), status="", running=0, rollouts=(), events=()
    )
    seen = evidence(deleted, stacks=(stack("agora-dev-app", "ROLLBACK_COMPLETE"),))
    assert judge(seen)[0].code == "CRASH_AT_START"


def test_who_waits_for_a_callee_that_failed_is_not_deployed_because_of_it() -> None:
    api = service("agora-api", exited(1, name="agora-api"), status="", running=0, events=(), rollouts=())
    app = calling(service("agora-app", status="", running=0), "agora-api")
    first, second = judge(evidence(app, api, stacks=(stack("agora-dev-api", "ROLLBACK_COMPLETE"),)))
    assert first.service == "agora-api"
    assert (second.service, second.code) == ("agora-app", "NOT_DEPLOYED")
    assert "because of agora-api" in second.what


def test_an_environment_of_which_nothing_is_there_is_not_deployed() -> None:
    (found,) = judge(evidence(service("agora-api", status=""), service("agora-app", status="")))
    assert (found.code, found.what, found.fix) == ("NOT_DEPLOYED", "dev is not deployed", "./agora deploy dev")


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name agora-dev-network"),
        ("DELETE_FAILED", "aws cloudformation delete-stack --stack-name agora-dev-network --retain-resources Thing"),
        ("ROLLBACK_FAILED", "aws cloudformation delete-stack --stack-name agora-dev-network"),
        ("REVIEW_IN_PROGRESS", "aws cloudformation delete-stack --stack-name agora-dev-network"),
    ],
)
def test_a_stuck_stack_is_reported_with_how_to_free_it(status: str, fix: str) -> None:
    reasons = ("Something depends on it",) if status == "DELETE_FAILED" else ()
    found = judge(evidence(service("agora-app", task()), stacks=(stack("agora-dev-network", status, *reasons),)))[0]
    assert found.stack == "agora-dev-network"
    if status == "DELETE_FAILED":
        found = next(
            each
            for each in judge(evidence(stacks=(stack("agora-dev-network", status, *reasons),)))
            if each.code == "STACK_STUCK"
        )
    assert (found.code, found.fix.split("  # ")[0]) == ("STACK_STUCK", f"{fix} --region us-east-1")


def test_an_operation_that_does_not_end_for_hours_is_stuck_and_a_young_one_is_not() -> None:
    moving = stack("agora-dev-network", "UPDATE_IN_PROGRESS")
    young = evidence(service("agora-app", task()), stacks=(moving,))
    assert judge(young)[0].code == "GOING_ON"
    old = replace(young, at=minutes_after_noon(200))
    cancel = "aws cloudformation cancel-update-stack --stack-name agora-dev-network"
    assert judge(old)[0].fix == f"{cancel} {IN_THE_ACCOUNT}"


@pytest.mark.parametrize(
    ("kind", "reason", "cause", "fix"),
    [
        (
            "AWS::EC2::EIP",
            "Export agora-dev-vpc cannot be updated as it is in use by agora-dev-old",
            "EXPORT_IN_USE",
            "Deploy twice",
        ),
        (
            "AWS::CloudFormation::Stack",
            "Delete canceled. Cannot delete export agora-dev-vpc as it is in use by agora-dev-old.",
            "EXPORT_IN_USE",
            "KEEP_EXPORTS",
        ),
        ("AWS::EC2::EIP", "The maximum number of addresses has been reached.", "QUOTA", "--service-code ec2"),
        ("AWS::EC2::VPC", "VpcLimitExceeded", "QUOTA", "--service-code vpc"),
        (
            "AWS::ElasticLoadBalancingV2::Listener",
            "Certificate ARN 'arn:aws:acm:…' is not valid",
            "CERTIFICATE",
            "CERTIFICATE_ID of dev in app.py",
        ),
        (
            "AWS::WAFv2::WebACL",
            "User: arn:… is not authorized to perform: wafv2:CreateWebACL on resource: *",
            "DEPLOY_DENIED",
            "wafv2:CreateWebACL",
        ),
        ("AWS::Logs::LogGroup", "group already exists", "ALREADY_EXISTS", "Delete or rename"),
        ("AWS::EC2::Subnet", "The CIDR '10.0.0.0/26' is invalid.", "REFUSED", "app.py"),
    ],
)
def test_a_resource_that_aws_refused_is_reported_with_its_reason(kind: str, reason: str, cause: str, fix: str) -> None:
    broken = stack("agora-dev-network", "UPDATE_ROLLBACK_COMPLETE", reason, kind=kind)
    found = judge(evidence(service("agora-app", task()), stacks=(broken,)))[0]
    assert (found.stack, found.outer) == ("agora-dev-network", cause)
    assert fix in found.fix
    assert any(reason in line for line in found.evidence)


def test_expired_credentials_are_reported_instead_of_a_judgement() -> None:
    seen = evidence(service("agora-app", exited(1)), unknown=(Unread("stack x", "expired", "ExpiredTokenException"),))
    (found,) = judge(seen)
    assert found.code == "CREDENTIALS"
    assert "aws sso login" in found.fix


def test_what_could_not_be_read_is_no_all_clear() -> None:
    (found,) = judge(evidence(service("agora-app", task()), unknown=(Unread("subnets", "throttled", "Throttling"),)))
    assert (found.code, found.is_wrong) == ("UNKNOWN", True)
    assert "unknown: subnets, because throttled" in found.evidence


def test_what_was_found_is_reported_although_something_else_could_not_be_read() -> None:
    seen = evidence(service("agora-app", exited(1)), unknown=(Unread("subnets", "throttled", "Throttling"),))
    assert [each.code for each in judge(seen)] == ["CRASH_AT_START"]


def test_asked_about_one_service_others_are_omitted_unless_it_suffers_from_them() -> None:
    app, api = service("agora-app", exited(1)), service("agora-api", exited(1, name="agora-api"))
    assert {each.service for each in judge(evidence(app, api, only="agora-app"))} == {"agora-app"}
    assert judge(evidence(service("agora-app", task()), api, only="agora-app"))[0].code == "NOTHING"


def test_commands_of_a_rehearsal_are_marked() -> None:
    seen = evidence(service("agora-app", task(f"{PULL}{REF}: not found")), is_local=True)
    assert judge(seen)[0].fix.startswith("./agora deploy dev --local")


def test_a_problem_of_what_ran_before_is_reported_next_to_the_failed_deployment_and_nothing_is_said_to_serve_on() -> (
    None
):
    now = exited(137, reason="OutOfMemoryError: Container killed due to memory usage", id="b", deployment=RUNS)
    verdicts = judge(evidence(service("agora-app", exited(1), now, running=0)))
    assert [each.code for each in verdicts] == ["OUT_OF_MEMORY", "CRASH_AT_START"]
    assert "still serves" not in verdicts[1].fix
    assert "still serves" in verdict_on(exited(1)).fix


def test_a_rollback_is_advised_only_where_other_images_were_healthy_before() -> None:
    crashed = service("agora-app", exited(1), running=0)
    this = DEFINITION.image.rpartition("@")[2]

    def fix(*records: RecordedDeployment) -> str:
        return judge(evidence(crashed, records=records))[0].fix

    assert fix(record("healthy", -60, "sha256:11")) == "./agora rollback dev"
    nothing_to_go_back_to = "Fix the program and publish its image, then: ./agora deploy dev"
    assert fix() == nothing_to_go_back_to
    assert fix(record("failed", -60, "sha256:11")) == nothing_to_go_back_to
    assert fix(record("healthy", -60, this)) == nothing_to_go_back_to
    assert fix(replace(record("healthy", -60, "sha256:11"), synthetic=True)) == nothing_to_go_back_to


def test_what_could_not_be_cleaned_up_after_an_update_that_went_well_is_nothing_wrong() -> None:
    cleaned = stack("agora-dev-network", "UPDATE_COMPLETE", "resource sg-1 has a dependent object")
    assert judge(evidence(service("agora-app", task()), stacks=(cleaned,)))[0].code == "NOTHING"


def test_tasks_whose_logs_were_not_read_ended_like_those_that_ended_the_same_way() -> None:
    reported = exited(1, "listening on port 4200", "TypeError: x is undefined", started=minutes_after_noon(1.99))
    unread = replace(reported, id="b", log=(), stopped=minutes_after_noon(3))
    (found,) = judge(evidence(service("agora-app", unread, reported)))
    assert found.code == "CRASH_LATER"
    assert "2 tasks stopped so" in found.evidence


def test_targets_of_earlier_tasks_do_not_count() -> None:
    failed = task("Task failed ELB health checks in (target-group g)", code="ServiceSchedulerInitiated")
    said = "(service S) (port 80) is unhealthy in (target-group g) due to (reason {})."
    events = (
        Event(minutes_after_noon(2), said.format("Request timed out")),
        Event(minutes_after_noon(0.5), said.format("Health checks failed with these codes: [500]")),
    )
    found = judge(
        evidence(replace(service("agora-app", failed), events=(*service("agora-app", failed).events, *events)))
    )
    assert found[0].code == "TARGET_TIMEOUT"


def test_a_redeployment_by_a_cloudformation_rollback_does_not_hide_why_the_deployment_failed() -> None:
    undone = (Event(minutes_after_noon(5), "(service S) (deployment ecs-svc/3) deployment completed."), *gave_up())
    failed = replace(stack("agora-dev-app", "UPDATE_ROLLBACK_COMPLETE"), ended=minutes_after_noon(6))
    assert judge(evidence(service("agora-app", exited(1), events=undone), stacks=(failed,)))[0].code == (
        "CRASH_AT_START"
    )
    later = (Event(minutes_after_noon(9), "(service S) (deployment ecs-svc/4) deployment completed."), *undone)
    (past,) = judge(evidence(service("agora-app", exited(1), events=later), stacks=(failed,)))
    assert "CRASH" not in past.code, "another deployment has come since"


def test_events_whose_clock_is_a_little_behind_belong_to_the_operation_too() -> None:
    at = minutes_after_noon(3)
    undone = tuple(
        replace(each, at=at) for each in (Event(at, "(deployment ecs-svc/3) deployment completed"), *gave_up())
    )
    began = at + timedelta(milliseconds=10)
    failed = replace(stack("agora-dev-app", "UPDATE_ROLLBACK_COMPLETE"), began=began, ended=began)
    assert judge(evidence(service("agora-app", exited(1), events=undone), stacks=(failed,)))[0].code == (
        "CRASH_AT_START"
    )


def test_of_two_deployments_that_failed_one_after_the_other_the_newer_is_judged() -> None:
    again = Event(minutes_after_noon(6), "(service S) (deployment ecs-svc/3) deployment failed: tasks failed to start.")
    earlier = task(f"{PULL}{REF}: not found")
    newer = exited(1, id="b", deployment="ecs-svc/3")
    verdicts = judge(evidence(service("agora-app", newer, earlier, events=(again, *gave_up()))))
    assert [each.code for each in verdicts] == ["CRASH_AT_START"]


def test_both_are_judged_where_going_back_failed_too() -> None:
    again = Event(minutes_after_noon(6), "(service S) (deployment ecs-svc/3) deployment failed: tasks failed to start.")
    earlier, newer = task(f"{PULL}{REF}: not found"), exited(1, id="b", deployment="ecs-svc/3")
    broken = service("agora-app", newer, earlier, events=(again, *gave_up()))
    failed = replace(stack("agora-dev-app", "UPDATE_ROLLBACK_FAILED"), ended=minutes_after_noon(7))
    causes = {each.code for each in judge(evidence(broken, stacks=(failed,)))}
    assert causes >= {"IMAGE_MISSING", "CRASH_AT_START"}


def test_a_service_that_its_stack_has_and_ecs_has_not_was_deleted_by_hand() -> None:
    deleted = service("agora-app", status="", running=0)
    (found,) = judge(evidence(deleted, stacks=(stack("agora-dev-app"),)))
    assert (found.code, found.what.startswith("it was deleted by hand")) == ("BY_HAND", True)
    delete = "aws cloudformation delete-stack --stack-name agora-dev-app"
    deletes = "deletes the service's tasks, roles and alarms, no data; when that is done: ./agora deploy dev"
    assert found.fix == f"{delete} {IN_THE_ACCOUNT}; {deletes}"
    protected = replace(stack("agora-dev-app"), is_protected=True)
    unlock = "aws cloudformation update-termination-protection --no-enable-termination-protection"
    assert judge(evidence(deleted, stacks=(protected,)))[0].fix.startswith(
        f"{unlock} --stack-name agora-dev-app --region us-east-1 && {delete}"
    )


def test_a_revision_that_the_stack_did_not_make_was_given_to_the_service_by_hand() -> None:
    broken = task(f"{PULL}{REF}: not found", definition="family:3", deployment=RUNS)
    given = service("agora-app", broken, definition="arn:task-definition/family:3", made="arn:task-definition/family:2")
    (found,) = judge(evidence(given))
    assert (found.code, found.look) == ("BY_HAND", "task definition family:3 in ECS")
    assert found.fix.startswith(
        "aws ecs update-service --cluster cluster --service agora-dev-agora-app-Service-x --task-definition family:2 "
    )
    updating = stack("agora-dev-app", "UPDATE_IN_PROGRESS")
    assert "BY_HAND" not in {each.code for each in judge(evidence(given, stacks=(updating,)))}


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (target_group("unused", "not in use", is_used=False), "no load balancer sends it requests"),
        (target_group("unused", "", is_used=False, is_gone=True), "its target group app was deleted"),
    ],
)
def test_a_public_service_without_its_load_balancer_is_not_healthy(group: TargetGroup, said: str) -> None:
    group = replace(group, arn="arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/app/12")
    alone = asked(service("agora-app", task(), groups=(group,)), public=True)
    (found,) = judge(evidence(alone))
    assert (found.code, said in found.what) == ("BY_HAND", True)
    assert found.fix.startswith("aws cloudformation delete-stack --stack-name agora-dev-app")


@pytest.mark.parametrize(
    ("state", "fix"),
    [
        ("stopped", f"aws docdb start-db-cluster --db-cluster-identifier cluster-1 {IN_THE_ACCOUNT}"),
        ("stopping", "Wait until it is stopped, then start it"),
        ("starting", "Wait until it is available"),
    ],
)
def test_a_database_that_answers_no_one_is_reported_before_users_report_it(state: str, fix: str) -> None:
    seen = evidence(service("agora-app", task()))
    (found,) = judge(replace(seen, database=replace(seen.database, state=state)))
    assert (found.code, found.stack, found.fix) == ("DATABASE_UNREACHABLE", "agora-dev-docdb-v8", fix)


@pytest.mark.parametrize("state", ["available", "modifying", "backing-up", ""])
def test_a_database_that_keeps_answering_is_no_problem(state: str) -> None:
    seen = evidence(service("agora-app", task()))
    assert judge(replace(seen, database=replace(seen.database, state=state)))[0].code == "NOTHING"


def test_a_callee_that_is_not_deployed_is_the_reason_and_comes_first() -> None:
    group = target_group("unhealthy", "Health checks failed with these codes: [502]")
    apex = calling(service("agora-apex", task(name="agora-apex"), groups=(group,)), "agora-app")
    first, second = judge(evidence(apex, service("agora-app", status="", running=0, ecs_name="")))
    assert (first.service, first.code) == ("agora-app", "NOT_DEPLOYED")
    assert (second.service, second.code, second.callee) == ("agora-apex", "CALLEE_OUT", "agora-app")


def test_where_a_right_is_missing_it_must_be_granted() -> None:
    denied = Unread("services", "these credentials may not read it", "AccessDeniedException")
    (found,) = judge(evidence(service("agora-app", task()), unknown=(denied,)))
    assert "the rights that ./agora role dev prints, then: ./agora diagnose dev" in found.fix


def test_the_root_of_a_trace_is_quoted_and_not_what_wraps_it() -> None:
    log = (
        "Application run failed",
        "org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'x'",
        "Caused by: org.springframework.beans.BeanInstantiationException: Failed to instantiate",
        "Caused by: java.lang.IllegalStateException: required setting is missing",
    )
    assert verdict_on(exited(1, *log)).what.endswith("1: java.lang.IllegalStateException: required setting is missing")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        (134, "134 (SIGABRT: it aborted itself)"),
        (139, "139 (SIGSEGV: a memory fault)"),
        (143, "143 (SIGTERM: it was asked to stop)"),
        (130, "130 (SIGINT)"),
        (2, "2"),
        (255, "255"),
    ],
)
def test_an_exit_code_for_a_signal_names_it(code: int, named: str) -> None:
    assert f"with exit code {named}, and wrote nothing" in verdict_on(exited(code)).what


def test_of_a_deployment_that_continues_the_new_tasks_are_counted() -> None:
    rolling = Deployment("ecs-svc/2", "PRIMARY", "IN_PROGRESS", "", 0, "definition:2", NOON)
    starting = replace(task(), status="PENDING", deployment="ecs-svc/2", id="b")
    found = judge(evidence(service("agora-app", task(), starting, rollouts=(rolling,))))[0]
    assert (found.code, found.what) == ("GOING_ON", "being deployed: 0 of 1 new tasks run, 1 are starting")
