"""Tasks live and fail as on Fargate, and CloudFormation waits for them."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from portside.emulator.client import control, process
from portside.emulator.fargate.stub import TOKEN_HEADER
from tests.unit.local_aws_support import (
    IMAGE,
    NETWORK,
    SERVICE_OUTPUT,
    Account,
    account,
    embedded_aws,
    network,
    service,
    until,
)

__all__ = ["account", "embedded_aws", "network"]

EXITED = "EssentialContainerExited"
BY_SCHEDULER = "ServiceSchedulerInitiated"
ESSENTIAL = "^Essential container in task exited$"
UNHEALTHY = "^Task failed container health checks$"


def _subnet(account: Account) -> str:
    return account.outputs("network")["Subnet"]


def _get(url: str, accept: str = "*/*", token: str = "") -> tuple[int, str]:
    asked = urllib.request.Request(url, headers={"accept": accept, TOKEN_HEADER: token})
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_service_is_created_when_its_tasks_run_and_are_healthy(account: Account) -> None:
    assert account.deploy("api", service(desired=2, subnet=_subnet(account)), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    found = account.service("api")
    assert (found["runningCount"], found["desiredCount"]) == (2, 2)
    (deployment,) = found["deployments"]
    assert deployment["rolloutState"] == "COMPLETED"
    assert found["events"][0]["message"] == f"(service {found['serviceName']}) has reached a steady state."
    for task in account.tasks(found["serviceArn"]):
        assert task["healthStatus"] == "HEALTHY"
        assert task["containers"][0]["imageDigest"].startswith("sha256:")
        details = {each["name"]: each["value"] for each in task["attachments"][0]["details"]}
        assert details["privateIPv4Address"].startswith("10.20.0.")


def test_the_creation_of_a_stack_with_the_name_of_a_deleted_one_is_answered_when_it_is_complete(
    account: Account,
) -> None:
    control.set_fault(account.number, "agora-api", "slow-start", "0.3", aws=account.aws)
    body = json.dumps({"Resources": service(subnet=_subnet(account))})
    cloudformation = account.client("cloudformation")
    for _ in range(2):
        cloudformation.create_stack(StackName="again", TemplateBody=body)
        (found,) = cloudformation.describe_stacks(StackName="again")["Stacks"]
        # The CDK CLI would ask again only after 5 s.
        assert found["StackStatus"] == "CREATE_COMPLETE"
        account.delete("again")


def test_a_running_task_answers_and_shows_its_version_but_no_secret(account: Account) -> None:
    account.client("secretsmanager").create_secret(Name="page-secret", SecretString="hidden-value")
    environment = {"APP_VERSION": "4.2.0-rc2", "COMMIT_SHA": "abc1234"}
    resources = service(secrets={"DSN": _arn(account, "page-secret")}, environment=environment)
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE"
    (stub,) = control.tasks(account.number, aws=account.aws)
    status, about = _get(f"{stub['url']}/health", token=stub["token"])
    assert status == 200
    assert json.loads(about)["version"] == "4.2.0-rc2"
    page = _get(stub["url"], "text/html", stub["token"])[1]
    assert "hidden-value" not in about + page
    assert "<footer>4.2.0-abc1234</footer>" in page
    assert _get(f"{stub['url']}/health")[0] == 403, "only the load balancer answers anyone"


def _arn(account: Account, name: str) -> str:
    return str(account.client("secretsmanager").describe_secret(SecretId=name)["ARN"])


# Fault, stop code, reason, exit code, and what the container's own reason or the log must tell.
FAILURES = [
    ("missing-image", "TaskFailedToStart", f"^CannotPullContainerError: .*{IMAGE}:1.0.1: not found$", None, ""),
    ("no-image-permission", "TaskFailedToStart", "^CannotPullContainerError: .*manifests 1.0.1]: 403 Forb", None, ""),
    (
        "wrong-platform",
        "TaskFailedToStart",
        "^CannotPullContainerError: .* image Manifest does not contain descriptor matching platform 'linux/amd64'$",
        None,
        "",
    ),
    (
        "slow-registry",
        "TaskFailedToStart",
        '^CannotPullContainerError: .*Head "https://ghcr.io/v2/sage-bionetworks/agora-api/manifests/1.0.1": dial tcp .*'
        ": i/o timeout$",
        None,
        "",
    ),
    ("registry-limit", "TaskFailedToStart", "^CannotPullContainerError: .* 429 Too .* toomanyrequests", None, ""),
    ("missing-secret", "TaskFailedToStart", "^ResourceInitializationError: unable to pull.*can't find", None, ""),
    (
        "secret-denied",
        "TaskFailedToStart",
        "^ResourceInitializationError: .*AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/"
        "test-execution/.* not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsm",
        None,
        "",
    ),
    ("missing-json-field", "TaskFailedToStart", "^ResourceInitializationError.*json key password$", None, ""),
    (
        "bad-command",
        "TaskFailedToStart",
        r'^CannotStartContainerError: .* exec: "docker-entrypoint.sh": executable file not found in \$PATH',
        None,
        "",
    ),
    ("exec-format", EXITED, ESSENTIAL, 255, "exec /usr/local/bin/docker-entrypoint.sh: exec format error"),
    ("crash-at-start", EXITED, ESSENTIAL, 1, "Error: required setting is missing"),
    ("crash-after-start", EXITED, ESSENTIAL, 1, "TypeError: Cannot read properties of undefined"),
    ("out-of-memory", EXITED, ESSENTIAL, 137, "OutOfMemoryError: Container killed due to memory usage"),
    ("killed", EXITED, ESSENTIAL, 137, ""),
    ("never-healthy", BY_SCHEDULER, UNHEALTHY, None, ""),
    ("health-timeout", BY_SCHEDULER, UNHEALTHY, None, ""),
    ("target-refused", BY_SCHEDULER, UNHEALTHY, None, "listening on 127.0.0.1:8080, not on container port 3333"),
    ("no-capacity", "TaskFailedToStart", "^Capacity is unavailable at this time. Please try again later", None, ""),
    (
        "no-address",
        "TaskFailedToStart",
        "^Unexpected EC2 error while attempting to Create Network Interface .* 'subnet-1': InsufficientFreeAddresses",
        None,
        "",
    ),
    ("callee-unknown", BY_SCHEDULER, UNHEALTHY, None, "Error: getaddrinfo ENOTFOUND agora-other"),
    ("callee-refused", BY_SCHEDULER, UNHEALTHY, None, "Error: connect ECONNREFUSED 127.255.0.3:3333"),
    ("role-denied", EXITED, ESSENTIAL, 1, "not authorized to perform: s3:GetObject on resource"),
    (
        "database-unreachable",
        BY_SCHEDULER,
        UNHEALTHY,
        None,
        "MongoServerSelectionError: connect ETIMEDOUT docdb.example:27017",
    ),
    ("database-auth", EXITED, ESSENTIAL, 1, "MongoServerError: Authentication failed."),
    ("database-tls", EXITED, ESSENTIAL, 1, "connection <monitor> to docdb.example:27017 closed"),
    ("database-missing", EXITED, ESSENTIAL, 1, "not authorized on app to execute command"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "stop_code", "reason", "exit_code", "logged"), FAILURES)
def test_a_fault_fails_the_update_and_leaves_the_previous_revision_serving(
    account: Account, fault: str, stop_code: str, reason: str, exit_code: int | None, logged: str
) -> None:
    secret = f"fault-{fault}"
    account.client("secretsmanager").create_secret(Name=secret, SecretString='{"password": "x"}')
    secrets = {"PASSWORD": f"{_arn(account, secret)}:password::"}
    calls = {"MONGODB_HOST": "docdb.example", "API_URL": "http://agora-other:3333/v1"}
    before_change = service(secrets=secrets, environment=calls)
    assert account.deploy("api", before_change, SERVICE_OUTPUT) == "CREATE_COMPLETE"
    before = account.service("api")
    control.set_fault(account.number, "agora-api", fault, aws=account.aws)
    changed = service(secrets=secrets, environment=calls, image=f"{IMAGE}:1.0.1")
    assert account.deploy("api", changed, SERVICE_OUTPUT) == "UPDATE_ROLLBACK_COMPLETE"
    assert "'ECS Deployment Circuit Breaker was triggered'" in account.why_failed("api")
    after = account.service("api")
    assert after["taskDefinition"] == before["taskDefinition"]
    assert after["runningCount"] == 1
    (running,) = account.tasks(after["serviceArn"])
    assert running["taskDefinitionArn"] == before["taskDefinition"]
    failed = next(each for each in after["deployments"] if each["rolloutState"] == "FAILED")
    stopped = [task for task in account.tasks(after["serviceArn"], "STOPPED") if task["startedBy"] == failed["id"]]
    assert len(stopped) == 2, "the threshold of the circuit breaker"
    for task in stopped:
        assert task["stopCode"] == stop_code
        assert re.search(reason, task["stoppedReason"])
        assert task["containers"][0].get("exitCode") == exit_code
        if stop_code == "TaskFailedToStart":
            assert task["containers"][0]["reason"] == task["stoppedReason"]
        assert logged in f"{task['containers'][0].get('reason', '')}\n{_logged(account, task)}"
    assert failed["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."


def _logged(account: Account, task: dict[str, Any]) -> str:
    """The log of the task's container; empty if it never started."""
    stream = f"agora-api/agora-api/{task['taskArn'].rsplit('/', 1)[-1]}"
    try:
        events = account.client("logs").get_log_events(logGroupName="test-logs", logStreamName=stream)["events"]
    except account.client("logs").exceptions.ResourceNotFoundException:
        return ""
    return "\n".join(each["message"] for each in events)


def _events(account: Account, stack: str) -> list[str]:
    return [each["message"] for each in account.service(stack)["events"]]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("no-capacity", "Capacity is unavailable at this time. Please try again later or in a different availabil"),
        ("no-address", "Unexpected EC2 error while attempting to Create Network Interface"),
        ("task-quota", "You\u2019ve reached the limit on the number of vCPUs you can run concurrently"),
    ],
)
def test_a_task_without_a_place_is_explained_by_an_event(account: Account, fault: str, reason: str) -> None:
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    control.set_fault(account.number, "agora-api", fault, aws=account.aws)
    changed = service(image=f"{IMAGE}:1.0.1")
    assert account.deploy("api", changed, SERVICE_OUTPUT) == "UPDATE_ROLLBACK_COMPLETE"
    name = account.service("api")["serviceName"]
    begin = f"(service {name}) was unable to place a task. Reason: {reason}"
    assert any(each.startswith(begin) for each in _events(account, "api"))
    assert any(task["stopCode"] == "TaskFailedToStart" for task in account.tasks(name, "STOPPED")) == (
        fault != "task-quota"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "value", "code", "description"),
    [
        ("wrong-health-path", None, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]"),
        ("target-error", None, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [500]"),
        ("target-error", "503", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"),
        ("target-timeout", None, "Target.Timeout", "Request timed out"),
        ("target-refused", None, "Target.FailedHealthChecks", "Health checks failed"),
    ],
)
def test_the_load_balancer_says_why_a_target_is_unhealthy(
    account: Account, fault: str, value: str | None, code: str, description: str
) -> None:
    targets = account.outputs("network")["Targets"]
    resources = service(behind=targets, subnet=_subnet(account))
    resources["Service"]["Properties"]["HealthCheckGracePeriodSeconds"] = 2000
    control.set_fault(account.number, "agora-api", fault, value, aws=account.aws)
    template = json.dumps({"Resources": resources, "Outputs": {"Service": {"Value": SERVICE_OUTPUT["Service"]}}})
    account.stacks.append("api")
    creating = threading.Thread(
        target=account.client("cloudformation").create_stack, kwargs={"StackName": "api", "TemplateBody": template}
    )
    creating.start()
    elb = account.client("elbv2")
    health = until(
        lambda: [
            t["TargetHealth"] for t in elb.describe_target_health(TargetGroupArn=targets)["TargetHealthDescriptions"]
        ],
        lambda found: any(each["State"] == "unhealthy" for each in found),
    )
    creating.join()
    unhealthy = next(each for each in health if each["State"] == "unhealthy")
    assert (unhealthy["Reason"], unhealthy["Description"]) == (code, description)
    control.clear_faults(aws=account.aws)
    account.state("api")


def test_a_task_that_fails_its_load_balancer_is_stopped_for_it(account: Account) -> None:
    targets = account.outputs("network")["Targets"]
    resources = service(behind=targets, subnet=_subnet(account))
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE"
    control.set_fault(account.number, "agora-api", "wrong-health-path", aws=account.aws)
    changed = service(behind=targets, subnet=_subnet(account), image=f"{IMAGE}:1.0.1")
    assert account.deploy("api", changed, SERVICE_OUTPUT) == "UPDATE_ROLLBACK_COMPLETE"
    found = account.service("api")
    stopped = [each for each in account.tasks(found["serviceName"], "STOPPED") if each["startedBy"].startswith("ecs-")]
    assert f"Task failed ELB health checks in (target-group {targets})" in {each["stoppedReason"] for each in stopped}
    reported = f"(target-group {targets}) due to (reason Health checks failed with these codes: [404])."
    assert any(each.endswith(reported) for each in _events(account, "api"))


def test_a_target_group_whose_listener_was_deleted_is_not_in_use(account: Account) -> None:
    elb = account.client("elbv2")
    (balancer, *_) = elb.describe_load_balancers()["LoadBalancers"]
    (group,) = elb.create_target_group(Name="left", Protocol="HTTP", Port=80, TargetType="ip")["TargetGroups"]
    arn = group["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.0.0.9", "Port": 80}])
    sending: list[Any] = [{"Type": "forward", "TargetGroupArn": arn}]
    (listener,) = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=8081, DefaultActions=sending
    )["Listeners"]

    def found() -> tuple[list[str], list[str]]:
        (group,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
        health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return group["LoadBalancerArns"], [each["TargetHealth"]["State"] for each in health]

    assert found() == ([balancer["LoadBalancerArn"]], ["unhealthy"])
    elb.delete_listener(ListenerArn=listener["ListenerArn"])
    assert found() == ([], ["unused"])


def test_a_proxy_that_finds_no_callee_is_unhealthy_and_logs_as_caddy(account: Account) -> None:
    calls = {"APP_HOST": "agora-app", "APP_PORT": "4200", "API_HOST": "agora-api", "API_PORT": "3333"}
    apex = service("agora-apex", behind=account.outputs("network")["Targets"], environment=calls, port=80)
    del apex["Definition"]["Properties"]["ContainerDefinitions"][0]["HealthCheck"]
    control.set_fault(account.number, "agora-apex", "callee-unknown", aws=account.aws)
    assert account.deploy("apex", apex, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    (line,) = {
        each["message"]
        for each in account.client("logs").filter_log_events(
            logGroupName="test-logs", logStreamNamePrefix="agora-apex/", filterPattern='"no such host"'
        )["events"]
    }
    assert json.loads(line)["msg"] == "dial tcp: lookup agora-app on 169.254.169.253:53: no such host"


def test_a_fault_that_heals_itself_lets_the_deployment_recover(account: Account) -> None:
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    control.set_fault(account.number, "agora-api", "crash-at-start", times=1, aws=account.aws)
    assert account.deploy("api", service(image=f"{IMAGE}:1.0.1"), SERVICE_OUTPUT) == "UPDATE_COMPLETE"
    stopped = account.tasks(account.service("api")["serviceName"], "STOPPED")
    assert [each["containers"][0]["exitCode"] for each in stopped if each["stopCode"] == EXITED] == [1]
    assert control.faults(aws=account.aws) == []


def test_a_reclaimed_spot_task_is_replaced(account: Account) -> None:
    control.set_fault(account.number, "agora-api", "spot-reclaimed", "0.3", times=1, aws=account.aws)
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    name = account.service("api")["serviceName"]
    (stopped,) = until(lambda: account.tasks(name, "STOPPED"), lambda tasks: len(tasks) == 1)
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("SpotInterruption", "Your Spot Task was interrupted.")
    until(lambda: account.service("api")["runningCount"], lambda count: count == 1)
    assert any("has stopped 1 running tasks" in each for each in _events(account, "api"))


def test_a_service_that_fails_repeatedly_is_said_to_be_impaired(account: Account) -> None:
    resources = service()
    resources["Service"]["Properties"]["DeploymentConfiguration"]["DeploymentCircuitBreaker"]["ThresholdConfiguration"][
        "Value"
    ] = 4
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE"
    control.set_fault(account.number, "agora-api", "crash-at-start", aws=account.aws)
    account.client("ecs").update_service(
        cluster="test", service=account.service("api")["serviceName"], forceNewDeployment=True
    )
    name = account.service("api")["serviceName"]
    impaired = f"(service {name}) is unable to consistently start tasks successfully."
    until(lambda: _events(account, "api"), lambda events: impaired in events)


@pytest.mark.parametrize("fault", ["missing-secret", "secret-denied", "missing-json-field"])
def test_a_fault_of_secrets_bites_where_none_is_read(account: Account, fault: str) -> None:
    control.set_fault(account.number, "agora-api", fault, aws=account.aws)
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    assert any("unable to pull secrets" in task["stoppedReason"] for task in account.stopped())


def test_a_json_field_that_a_secret_lacks_keeps_the_task_from_starting(account: Account) -> None:
    secret = account.client("secretsmanager").create_secret(Name="fields", SecretString='{"password": "x"}')["ARN"]
    assert account.deploy("api", service(secrets={"A": f"{secret}:user::"}), SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    assert any("did not contain json key user" in task["stoppedReason"] for task in account.stopped())


@pytest.mark.parametrize("without", [0, 7], ids=["by its whole ARN", "without the random characters"])
def test_a_secret_that_will_be_deleted_keeps_the_task_from_starting_and_is_not_said_to_be_missing(
    account: Account, without: int
) -> None:
    secrets = account.client("secretsmanager")
    whole = secrets.create_secret(Name=f"leaving-{without}", SecretString="x")["ARN"]
    secrets.delete_secret(SecretId=whole, RecoveryWindowInDays=7)
    arn = whole[: len(whole) - without]
    assert account.deploy("api", service(secrets={"A": arn}), SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    reasons = {task["stoppedReason"] for task in account.stopped() if arn in task["stoppedReason"]}
    assert reasons == {
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret "
        f"{arn} from secrets manager: InvalidRequestException: You can't perform this operation on the secret because "
        "it was marked for deletion."
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "ResourceNotFoundException: Secrets Manager can't find the specified secret."),
        ("hunter2", "asm fetching authorization data: unable to unmarshal secret value, invalid schema"),
        ('{"username": "me"}', "asm fetching password: AuthorizationData is malformed, empty field"),
        ('{"username": "me", "password": "hunter2"}', ""),
    ],
    ids=["no secret", "no JSON", "no password", "both"],
)
def test_the_login_of_a_registry_must_be_there_with_both_fields(account: Account, value: str | None, said: str) -> None:
    name = f"login-{len(value or '')}"
    arn = f"arn:aws:secretsmanager:us-east-1:{account.number}:secret:{name}"
    if value:
        account.client("secretsmanager").create_secret(Name=name, SecretString=value)
    resources = service(name)
    container = resources["Definition"]["Properties"]["ContainerDefinitions"][0]
    container["RepositoryCredentials"] = {"CredentialsParameter": arn}
    assert account.deploy(name, resources, SERVICE_OUTPUT) == ("ROLLBACK_COMPLETE" if said else "CREATE_COMPLETE")
    reasons = [task["stoppedReason"] for task in account.stopped() if name in task["group"]]
    assert all(each.endswith(said) for each in reasons)
    assert bool(reasons) == bool(said)
    assert "hunter2" not in str(reasons)


def test_a_secret_is_found_without_its_random_characters_but_not_by_half_its_name(account: Account) -> None:
    secrets = account.client("secretsmanager")
    whole = secrets.create_secret(Name="partial-name", SecretString="x")["ARN"]
    without_suffix = whole[:-7]
    assert account.deploy("partial", service(secrets={"A": without_suffix}), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    half = service(secrets={"A": without_suffix.removesuffix("-name")})
    assert account.deploy("partial", half, SERVICE_OUTPUT) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_quick_operation_is_over_when_it_is_answered(account: Account) -> None:
    cloudformation = account.client("cloudformation")
    body = json.dumps({"Resources": service()})
    cloudformation.create_stack(StackName="quick", TemplateBody=body)
    account.stacks.append("quick")
    assert cloudformation.describe_stacks(StackName="quick")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_a_slow_start_is_waited_for(account: Account) -> None:
    control.set_fault(account.number, "agora-api", "slow-start", "0.3", aws=account.aws)
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"


def test_a_first_deployment_that_fails_leaves_no_service_behind(account: Account) -> None:
    resources = service(image=f"{IMAGE}:never-published")
    assert account.deploy("broken", resources, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    assert "'ECS Deployment Circuit Breaker was triggered'" in account.why_failed("broken")
    assert account.client("ecs").list_services(cluster="test")["serviceArns"] == []


def test_the_load_balancer_takes_a_task_when_its_health_path_answers(account: Account) -> None:
    targets = account.outputs("network")["Targets"]
    resources = service(behind=targets, subnet=_subnet(account))
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE"
    (target,) = account.client("elbv2").describe_target_health(TargetGroupArn=targets)["TargetHealthDescriptions"]
    assert target["TargetHealth"]["State"] == "healthy"
    (balancer,) = control.load_balancers(account.number, aws=account.aws)
    status, about = _get(balancer["url"])
    assert (status, json.loads(about)["container"]) == (200, "agora-api")


def test_a_proxy_is_unhealthy_while_its_callee_is_missing(account: Account) -> None:
    calls = {"APP_HOST": "agora-app", "APP_PORT": "4200", "API_HOST": "agora-api", "API_PORT": "3333"}
    apex = service("agora-apex", behind=account.outputs("network")["Targets"], environment=calls, port=80)
    assert account.deploy("apex", apex, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    (reason,) = {
        task["stoppedReason"].partition(" in ")[0]
        for task in account.stopped()
        if task["containers"][0]["name"] == "agora-apex"
    }
    assert reason == "Task failed ELB health checks"


def test_a_proxy_forwards_to_the_service_that_its_path_belongs_to(account: Account) -> None:
    calls = {"APP_HOST": "agora-app", "APP_PORT": "4200", "API_HOST": "agora-api", "API_PORT": "3333"}
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    assert account.deploy("app", service("agora-app", port=4200), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    apex = service("agora-apex", behind=account.outputs("network")["Targets"], environment=calls, port=80)
    assert account.deploy("apex", apex, SERVICE_OUTPUT) == "CREATE_COMPLETE", account.why_failed("apex")
    (balancer,) = control.load_balancers(account.number, aws=account.aws)
    assert json.loads(_get(balancer["url"])[1])["container"] == "agora-app"
    assert json.loads(_get(f"{balancer['url']}/api/v1/genes")[1])["container"] == "agora-api"
    assert _get(f"{balancer['url']}/api-docs/")[0] == 502


def test_a_task_that_someone_stops_is_replaced(account: Account) -> None:
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    name = account.service("api")["serviceName"]
    (task,) = account.tasks(name)
    account.client("ecs").stop_task(cluster="test", task=task["taskArn"], reason="to see what happens")
    (other,) = until(lambda: account.tasks(name), lambda tasks: [t for t in tasks if t["lastStatus"] == "RUNNING"])
    assert other["taskArn"] != task["taskArn"]
    stopped = next(each for each in account.tasks(name, "STOPPED") if each["taskArn"] == task["taskArn"])
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "to see what happens")


def test_a_task_that_crashes_later_is_replaced_too(account: Account) -> None:
    control.set_fault(account.number, "agora-api", "crash-after-start", "0.5", aws=account.aws)
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    control.clear_faults(aws=account.aws)
    name = account.service("api")["serviceName"]
    until(
        lambda: account.tasks(name, "STOPPED"),
        lambda tasks: any(t["containers"][0].get("exitCode") == 1 for t in tasks),
    )
    until(lambda: account.service("api")["runningCount"], lambda count: count == 1)


def test_a_forced_deployment_starts_new_tasks_of_the_same_revision(account: Account) -> None:
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    before = account.service("api")
    account.client("ecs").update_service(cluster="test", service=before["serviceArn"], forceNewDeployment=True)
    after = until(
        lambda: account.service("api"),
        lambda found: found["deployments"][0]["rolloutState"] == "COMPLETED" and len(found["deployments"]) == 1,
    )
    assert after["deployments"][0]["id"] != before["deployments"][0]["id"]
    assert after["taskDefinition"] == before["taskDefinition"]


def test_one_task_at_a_time_stops_the_old_one_first(account: Account) -> None:
    resources = service()
    resources["Service"]["Properties"]["DeploymentConfiguration"] |= {"MaximumPercent": 100, "MinimumHealthyPercent": 0}
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE"
    before = account.service("api")
    (old,) = account.tasks(before["serviceName"])
    control.set_fault(account.number, "agora-api", "slow-start", "2", aws=account.aws)
    account.client("ecs").update_service(cluster="test", service=before["serviceArn"], forceNewDeployment=True)
    until(lambda: account.tasks(before["serviceName"], "STOPPED"), lambda tasks: old["taskArn"] in str(tasks))
    assert account.service("api")["runningCount"] == 0
    until(lambda: account.service("api")["runningCount"], lambda count: count == 1)


def test_the_log_says_what_it_replaces_and_why_it_crashed(account: Account) -> None:
    control.set_fault(account.number, "agora-api", "crash-at-start", "3", aws=account.aws)
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    logs = account.client("logs")
    streams = logs.describe_log_streams(logGroupName="test-logs", logStreamNamePrefix="agora-api/")["logStreams"]
    lines = [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName="test-logs", logStreamName=stream["logStreamName"])["events"]
    ]
    assert f"stub for {IMAGE}:1.0.0: starting" in lines
    assert "Error: required setting is missing" in lines
    stopped = [each for each in account.stopped() if each["stopCode"] == EXITED]
    assert 3 in {each["containers"][0]["exitCode"] for each in stopped}


def test_a_missing_log_group_keeps_the_task_from_starting(account: Account) -> None:
    resources = service()
    options = resources["Definition"]["Properties"]["ContainerDefinitions"][0]["LogConfiguration"]["Options"]
    options["awslogs-group"] = "not-there"
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    assert any("failed to validate logger args" in str(task["stoppedReason"]) for task in account.stopped())


def test_two_accounts_keep_apart(account: Account) -> None:
    other = Account(account.aws, "999988887777")
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    assert control.tasks(other.number, aws=account.aws) == []
    assert other.client("ecs").list_clusters()["clusterArns"] == []


@pytest.mark.slow
def test_stopping_it_during_a_deployment_leaves_a_stack_that_can_be_deployed_again(tmp_path: Path) -> None:
    aws = process.up(tmp_path, announce=lambda _: None)
    try:
        account = Account(aws, "222233334444")
        assert account.deploy("network", NETWORK) == "CREATE_COMPLETE"
        for tag in ("1.0.0", "1.0.1"):
            control.put_image(f"{IMAGE}:{tag}", source="published", aws=aws)
        assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
        before = account.service("api")
        control.set_fault(account.number, "agora-api", "slow-start", "60", aws=aws)
        changed = service(image=f"{IMAGE}:1.0.1")
        template = {"Resources": changed, "Outputs": {"Service": {"Value": SERVICE_OUTPUT["Service"]}}}
        update = {"StackName": "api", "TemplateBody": json.dumps(template)}
        waiting = threading.Thread(target=account.client("cloudformation").update_stack, kwargs=update)
        waiting.start()
        until(
            lambda: account.tasks(before["serviceName"]), lambda tasks: "ACTIVATING" in {t["lastStatus"] for t in tasks}
        )
        control.clear_faults(aws=aws)
        process.down(tmp_path, lambda _: None)
        waiting.join()
        aws = process.up(tmp_path, announce=lambda _: None)
        assert account.state("api") == "UPDATE_ROLLBACK_COMPLETE"
        found = until(lambda: account.service("api"), lambda found: found["runningCount"] == 1)
        assert found["taskDefinition"] == before["taskDefinition"]
        assert account.deploy("api", changed, SERVICE_OUTPUT) == "UPDATE_COMPLETE"
    finally:
        process.down(tmp_path, lambda _: None)
