"""The faults of the benchmark: how each is caused, which verdict is expected, and how it is fixed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.fault_bench import LONGEST_SECONDS, PAUSE_SECONDS, Bench
from portside.aws.stack_reading import read_template
from portside.config.configuration import load_configuration
from portside.emulator.client import control
from tests.e2e.aws import DEV

Act = Callable[[Bench], None]


@dataclass(frozen=True)
class Case:
    """A fault: how it comes about, what must be said, and what else is fixed than a printed command fixes.

    `says` must be found in the fix. `by` deploys: "deploy" is the whole command, "roll" the service alone.
    """

    name: str
    service: str
    cause: str
    inject: Act
    says: str
    fix: Act = Bench.clear
    by: str = "roll"
    others: tuple[tuple[str, str], ...] = ()
    """Further verdicts that must be among those given: service and cause."""


def injected(service: str, fault: str, cause: str, says: str, *, value: str | None = None, by: str = "roll") -> Case:
    """A fault of the embedded AWS, which is over when it is switched off."""
    return Case(fault, service, cause, lambda bench: bench.fault(service, fault, value), says, by=by)


def cases() -> list[Case]:
    """All of them."""
    return [
        *_images_and_secrets(),
        *_programs(),
        *_health(),
        *_around(),
        *_by_hand(),
        *_stacks(),
        *_refusals(),
        *_at_once(),
    ]


def _images_and_secrets() -> list[Case]:
    return [
        injected("agora-app", "missing-image", "IMAGE_MISSING", r"\./agora deploy dev", by="deploy"),
        injected("agora-api-docs", "no-image-permission", "IMAGE_DENIED", "public"),
        injected("agora-api-next", "wrong-platform", "IMAGE_PLATFORM", "linux/amd64"),
        injected("agora-app", "slow-registry", "REGISTRY_SLOW", r"\./agora deploy dev"),
        injected("agora-api", "registry-limit", "REGISTRY_LIMIT", "Wait"),
        Case("secret deleted", "agora-app", "SECRET_MISSING", _delete_secret, "create-secret", _nothing),
        injected("agora-app", "secret-denied", "SECRET_DENIED", "put-role-policy"),
        injected("agora-app", "missing-json-field", "SECRET_FIELD", "json_field"),
        Case(
            "field not in secret",
            "agora-app",
            "SECRET_FIELD",
            _ask_for_field,
            "put-secret-value",
            _add_field,
        ),
    ]


def _programs() -> list[Case]:
    return [
        injected("agora-app", "crash-at-start", "CRASH_AT_START", "program", value="3", by="deploy"),
        injected("agora-api-next", "crash-at-start", "CRASH_AT_START", "program"),
        injected("agora-api", "crash-after-start", "CRASH_LATER", "program"),
        injected("agora-app", "out-of-memory", "OUT_OF_MEMORY", r"memory=\d+", by="deploy"),
        injected("agora-api", "killed", "KILLED", r"memory=\d+"),
        injected("agora-api-docs", "bad-command", "BAD_COMMAND", "program"),
        injected("agora-app", "exec-format", "EXEC_FORMAT", "linux/amd64"),
        injected("agora-app", "callee-unknown", "ENDPOINT_MISSING", r"\./agora (?:re)?deploy dev"),
        injected("agora-app", "callee-refused", "CALLEE_OUT", "redeploy dev api"),
        injected("agora-api-next", "role-denied", "TASK_ROLE_DENIED", "Permission"),
        injected("agora-api", "database-unreachable", "DATABASE_UNREACHABLE", "docdb", by="deploy"),
        injected("agora-api-next", "database-auth", "DATABASE_REFUSED", "modify-db-cluster"),
    ]


def _health() -> list[Case]:
    return [
        injected("agora-api", "never-healthy", "HEALTH_CHECK", "start_period_seconds", by="deploy"),
        injected("agora-app", "health-timeout", "HEALTH_CHECK", "start_period_seconds"),
        injected("agora-apex", "wrong-health-path", "TARGET_CODE", "health_check_path"),
        injected("agora-apex", "target-error", "TARGET_CODE", "program"),
        injected("agora-apex", "target-timeout", "TARGET_TIMEOUT", "health_check_grace_seconds", by="deploy"),
        injected("agora-apex", "target-refused", "TARGET_REFUSED", "container_port"),
        Case(
            "load balancer shut out",
            "agora-apex",
            "SECURITY_GROUP",
            _shut_out,
            "authorize-security-group-ingress",
            _allow_traffic,
        ),
    ]


def _around() -> list[Case]:
    return [
        injected("agora-api-docs", "no-capacity", "NO_CAPACITY", "again, later"),
        injected("agora-api-docs", "no-address", "NO_ADDRESS", "AUTO_SCALE_CAPACITY"),
        injected("agora-api-docs", "task-quota", "QUOTA", "request-service-quota-increase"),
        injected("agora-api-docs", "spot-reclaimed", "SPOT_RECLAIMED", "spot_weight=0", value="0"),
        injected("agora-app", "no-exec-agent", "EXEC_AGENT", "redeploy dev app"),
    ]


def _by_hand() -> list[Case]:
    return [
        Case(
            "log group deleted",
            "agora-api-docs",
            "LOG_GROUP_MISSING",
            _delete_log_group,
            "create-log-group",
            _nothing,
        ),
        Case("role deleted", "agora-api-docs", "ROLE_UNUSABLE", _delete_role, "create-role", _nothing),
        Case(
            "scaled to nothing",
            "agora-app",
            "NO_TASK_WANTED",
            _scale_to_nothing,
            "desired-count 1",
            _nothing,
            by="nothing",
            others=(("agora-apex", "CALLEE_OUT"),),
        ),
        Case(
            "service deleted",
            "agora-api-docs",
            "BY_HAND",
            _delete_service,
            "delete-stack",
            _when_deleted("agora-dev-api-docs"),
            by="hand",
        ),
        Case(
            "listener deleted",
            "agora-apex",
            "BY_HAND",
            _delete_listener,
            "delete-stack",
            _when_deleted("agora-dev-apex"),
            by="hand",
        ),
        Case("another revision", "agora-api", "BY_HAND", _change_revision, "update-service", _nothing, by="nothing"),
        Case("database stopped", "", "DATABASE_UNREACHABLE", _stop_database, "start-db-", _nothing, by="nothing"),
    ]


def _stacks() -> list[Case]:
    certificate = "e8093404-7db1-4042-90d0-01eb5bde1ffc"
    other = "11111111-2222-3333-4444-555555555555"
    return [
        Case(
            "another certificate",
            "agora-apex",
            "CERTIFICATE",
            lambda bench: bench.clone.edit_configuration(certificate, other),
            "CERTIFICATE_ID",
            lambda bench: bench.clone.restore_configuration(),
            by="cdk",
        ),
        Case("rollback failed", "", "STACK_STUCK", _get_stuck, "continue-update-rollback", _nothing, by="free"),
        Case("export in use", "", "EXPORT_IN_USE", _import_export, "In two steps", _forget_import, by="form"),
    ]


def _refusals() -> list[Case]:
    def throttle(bench: Bench) -> None:
        control.set_api_fault("ecs", "describe_services", "ThrottlingException", aws=bench.aws)

    def expire(bench: Bench) -> None:
        control.set_api_fault("ecs", "*", "ExpiredTokenException", aws=bench.aws)

    def stop(bench: Bench) -> None:
        control.clear_api_faults(aws=bench.aws)

    return [
        Case("calls are throttled", "", "UNKNOWN", throttle, "diagnose dev", stop, by="nothing"),
        Case("credentials expired", "", "CREDENTIALS", expire, "aws sso login", stop, by="nothing"),
    ]


def _at_once() -> list[Case]:
    return [
        Case(
            "two at once",
            "agora-api",
            "IMAGE_DENIED",
            _two_at_once,
            "public",
            others=(("agora-api-docs", "CRASH_AT_START"),),
            by="roll both",
        ),
        Case(
            "recovers on its own",
            "agora-api",
            "HEALED",
            lambda bench: bench.fault("agora-api", "crash-at-start", "2x"),
            "Nothing has to be done",
        ),
        Case("nothing", "", "NOTHING", _restart_all, "Nothing has to be done", by="nothing"),
    ]


def _nothing(bench: Bench) -> None:
    """The printed fix is enough."""


def _restart_all(bench: Bench) -> None:
    """Restart all services, so that failures of earlier cases are not reported as healed."""
    for props in load_configuration().services_of("dev"):
        assert bench.roll(props.container_name)


def _delete_secret(bench: Bench) -> None:
    bench.of("secretsmanager").delete_secret(SecretId="agora-sentry-dsn", ForceDeleteWithoutRecovery=True)


def _ask_for_field(bench: Bench) -> None:
    bench.clone.edit_configuration(
        'ServiceSecret("agora-sentry-dsn", "SENTRY_DSN")', 'ServiceSecret("agora-sentry-dsn", "SENTRY_DSN", "dsn")'
    )
    bench.deploy()
    bench.of("secretsmanager").put_secret_value(SecretId="agora-sentry-dsn", SecretString="{}")


def _add_field(bench: Bench) -> None:
    value = json.dumps({"dsn": "invented"})
    bench.of("secretsmanager").put_secret_value(SecretId="agora-sentry-dsn", SecretString=value)


def _shut_out(bench: Bench) -> None:
    network = bench.described("agora-apex")["networkConfiguration"]["awsvpcConfiguration"]
    ec2 = bench.of("ec2")
    bench.kept["rules"] = []
    for group in ec2.describe_security_groups(GroupIds=network["securityGroups"])["SecurityGroups"]:
        rules = [rule for rule in group["IpPermissions"] if rule.get("FromPort") == 80]
        bench.kept["rules"] += [(group["GroupId"], rules)] if rules else []
        ours = [{"Name": "group-id", "Values": [group["GroupId"]]}]
        found = ec2.describe_security_group_rules(Filters=ours)["SecurityGroupRules"]
        ids = [rule["SecurityGroupRuleId"] for rule in found if not rule["IsEgress"] and rule.get("FromPort") == 80]
        if ids:
            ec2.revoke_security_group_ingress(GroupId=group["GroupId"], SecurityGroupRuleIds=list(dict.fromkeys(ids)))
    bench.fault("agora-apex", "target-timeout")


def _allow_traffic(bench: Bench) -> None:
    for group, rules in bench.kept["rules"]:
        bench.of("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    bench.clear()


def _delete_log_group(bench: Bench) -> None:
    for group in bench.resources("api-docs", "AWS::Logs::LogGroup"):
        if "TaskDef" in group:
            bench.of("logs").delete_log_group(logGroupName=group)


def _delete_role(bench: Bench) -> None:
    iam = bench.of("iam")
    role = next(each for each in bench.resources("api-docs", "AWS::IAM::Role") if "ExecutionRole" in each)
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=role)


def _scale_to_nothing(bench: Bench) -> None:
    cluster, name = bench.service("agora-app")
    earlier = {each["id"] for each in bench.described("agora-apex")["events"]}
    bench.of("ecs").update_service(cluster=cluster, service=name, desiredCount=0)
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        events = [each for each in bench.described("agora-apex")["events"] if each["id"] not in earlier]
        if any("[502]" in each["message"] for each in events[:3]):
            return
        time.sleep(PAUSE_SECONDS)


def _delete_service(bench: Bench) -> None:
    cluster, name = bench.service("agora-api-docs")
    bench.of("ecs").delete_service(cluster=cluster, service=name, force=True)


def _delete_listener(bench: Bench) -> None:
    for arn in bench.resources("apex", "AWS::ElasticLoadBalancingV2::Listener"):
        bench.of("elbv2").delete_listener(ListenerArn=arn)


def _when_deleted(stack: str) -> Act:
    return lambda bench: bench.wait_until_deleted(stack)


def _change_revision(bench: Bench) -> None:
    """Give a service a revision with another variable, as someone in a hurry does in the console."""
    ecs = bench.of("ecs")
    cluster, name = bench.service("agora-api")
    found = ecs.describe_task_definition(taskDefinition=bench.described("agora-api")["taskDefinition"])[
        "taskDefinition"
    ]
    taken = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    revision = {key: value for key, value in found.items() if key in taken}
    revision["containerDefinitions"][0]["environment"].append({"name": "HURRY", "value": "yes"})
    made = ecs.register_task_definition(**revision)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=name, taskDefinition=made)


def _stop_database(bench: Bench) -> None:
    cluster = bench.resources("docdb-v8", "AWS::DocDB::DBCluster")[0]
    bench.of("docdb").stop_db_cluster(DBClusterIdentifier=cluster)


def _get_stuck(bench: Bench) -> None:
    control.set_stack_fault(DEV, "agora-dev-load-balancer", "UPDATE_ROLLBACK_FAILED", aws=bench.aws)


def _import_export(bench: Bench) -> None:
    """Let another stack import what the network exports, and take that export away."""
    cloudformation = bench.of("cloudformation")
    template = read_template(cloudformation, "agora-dev-network")
    exported = {name: each["Export"]["Name"] for name, each in template["Outputs"].items() if "Export" in each}
    output, export = next(iter(exported.items()))
    value = {"Fn::ImportValue": export}
    kept = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    cloudformation.create_stack(StackName="agora-dev-old", TemplateBody=json.dumps({"Resources": {"Kept": kept}}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="agora-dev-old", WaiterConfig={"Delay": 1})
    del template["Outputs"][output]
    cloudformation.update_stack(StackName="agora-dev-network", TemplateBody=json.dumps(template))
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        (found,) = cloudformation.describe_stacks(StackName="agora-dev-network")["Stacks"]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return
        time.sleep(PAUSE_SECONDS)


def _forget_import(bench: Bench) -> None:
    """First deploy with the exports kept, then remove who imports them."""
    bench.deploy()
    bench.of("cloudformation").delete_stack(StackName="agora-dev-old")


def _two_at_once(bench: Bench) -> None:
    bench.fault("agora-api", "no-image-permission")
    bench.fault("agora-api-docs", "crash-at-start")
