"""Whether `./agora diagnose` tells faults apart: each is injected into an embedded AWS, and its verdict is scored.

    .venv/bin/python -m benchmarks.faults [NAME …] [--write]

One environment is deployed from a copy of this repository, with an embedded AWS of its own. Each fault is injected, the
service is deployed (by `./agora deploy`, by the CDK, or anew as it is), `./agora diagnose dev --local --json` is asked,
its fix is followed, and the service is deployed again. Printed commands of AWS are run as they are printed. Scored are:
the first verdict's cause and service, which `deploy` must have told as well, whether nothing is wrong after the fix,
the seconds that `diagnose` took, and those that `deploy` took to its verdict since the deployment of the service had
failed. `--write` puts the table into docs/diagnose.md.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_aws import control, process
from local_aws.process import LocalAws
from operations.diagnosis.cause import Cause
from operations.stack_states import read_template
from src.form import ROOT, load_form, stack_part
from tests.e2e.aws import DEV, Clients, clients
from tests.e2e.clone import Clone

PAGE = ROOT / "docs" / "diagnose.md"
BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"
_LONGEST_SECONDS = 90
_PAUSE_SECONDS = 0.1
_GAVE_UP = ") deployment failed"


@dataclass
class Bench:
    """A deployed dev, and the means to break and mend it."""

    clone: Clone
    aws: LocalAws
    of: Clients
    kept: dict[str, Any] = field(default_factory=dict)
    """What a fault took away, for who puts it back."""

    def fault(self, container: str, name: str, value: str | None = None) -> None:
        """Let the tasks of a container fail from now on."""
        control.set_fault(DEV, container, name, value, aws=self.aws)

    def clear(self) -> None:
        """Mend what was broken by faults: the program, the registry, the network."""
        control.clear_faults(DEV, aws=self.aws)

    def resources(self, part: str, kind: str) -> list[str]:
        """The ids of what the stack of a part holds, by type."""
        found = self.of("cloudformation").describe_stack_resources(StackName=f"agora-dev-{part}")["StackResources"]
        return [each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind]

    def service(self, container: str) -> tuple[str, str]:
        """Cluster and name of a service in ECS."""
        _, cluster, name = self.resources(stack_part(container), "AWS::ECS::Service")[0].rsplit("/", 2)
        return cluster, name

    def described(self, container: str) -> dict[str, Any]:
        """What ECS says of a service."""
        cluster, name = self.service(container)
        found: dict[str, Any] = self.of("ecs").describe_services(cluster=cluster, services=[name])["services"][0]
        return found

    def roll(self, container: str) -> bool:
        """Deploy a service anew as it is, and wait for the end of that; whether it went well."""
        cluster, name = self.service(container)
        updated = self.of("ecs").update_service(cluster=cluster, service=name, forceNewDeployment=True)["service"]
        wanted = next(each["id"] for each in updated["deployments"] if each["status"] == "PRIMARY")
        until = time.monotonic() + _LONGEST_SECONDS
        while time.monotonic() < until:
            deployments = {each["id"]: each for each in self.described(container)["deployments"]}
            if "IN_PROGRESS" not in {each.get("rolloutState") for each in deployments.values()}:
                return wanted in deployments and deployments[wanted].get("rolloutState") == "COMPLETED"
            time.sleep(_PAUSE_SECONDS)
        return False

    def wait_until_gone(self, stack: str) -> None:
        """Wait until CloudFormation has deleted a stack."""
        self.of("cloudformation").get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})

    def deploy(self, *arguments: str) -> bool:
        """Deploy dev as a person does; whether it went well."""
        done = self.clone.agora("deploy", "dev", "--local", "--json", *arguments)
        self.kept |= {"said": done.stderr, "ended": datetime.now(UTC)}
        self.kept["verdicts"] = done.json().get("failure", {}).get("verdicts", []) if done.stdout else []
        return done.exit_code == 0

    def seconds_since_failure(self, container: str) -> float:
        """From ECS's word that a deployment of the service has failed to the end of `deploy`, which is its verdict."""
        events = self.described(container)["events"]
        failed: datetime = max(each["createdAt"] for each in events if _GAVE_UP in each["message"])
        ended: datetime = self.kept["ended"]
        return (ended - failed).total_seconds()

    def publish(self, container: str) -> None:
        """Publish another image of a container, so that a deployment starts its tasks anew."""
        assert self.clone.agora("local", "publish", "edge", container).exit_code == 0

    def diagnose(self) -> tuple[dict[str, Any], int, float]:
        """What `diagnose` answers, its exit code, and the seconds that it took."""
        began = time.monotonic()
        done = self.clone.agora("diagnose", "dev", "--local", "--json")
        answer = done.json() if done.stdout else {"verdicts": [], "said": done.stderr}
        return answer, done.exit_code, time.monotonic() - began

    def run_printed(self, fix: str) -> bool:
        """Run a fix that is a command of AWS, as it was printed; whether it was one."""
        command = fix.split("  # ")[0]
        if not command.startswith("aws ") or command.startswith("aws sso"):
            return False
        _, service, verb, *options = shlex.split(command)
        client = self.of(service)
        operation = verb.replace("-", "_")
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        names = {name.lower(): name for name in shape.members}
        arguments: dict[str, Any] = {}
        for option, value in zip(options[::2], options[1::2], strict=True):
            name = names[option.removeprefix("--").replace("-", "")]
            arguments[name] = int(value) if shape.members[name].type_name == "integer" else value
        getattr(client, operation)(**arguments)
        return True


Act = Callable[[Bench], None]


@dataclass(frozen=True)
class Case:
    """A fault: how it comes about, what is to be said, and what else is mended than a printed command mends.

    `says` must be found in the fix. `by` deploys: "deploy" is the whole command, "roll" the service alone.
    """

    name: str
    service: str
    cause: Cause
    inject: Act
    says: str
    mend: Act = Bench.clear
    by: str = "roll"
    others: tuple[tuple[str, Cause], ...] = ()
    """Further verdicts that are to be among those given: service and cause."""


@dataclass(frozen=True)
class Score:
    """How a fault was told."""

    case: Case
    said: str
    right_cause: bool
    right_service: bool
    fix_works: bool
    seconds: float
    since_failure: float | None = None
    """From the failure of the deployment to the verdict of `deploy`, in seconds; None where it was not asked."""


def injected(service: str, fault: str, cause: Cause, says: str, *, value: str | None = None, by: str = "roll") -> Case:
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
        injected("agora-app", "missing-image", Cause.IMAGE_MISSING, r"\./agora deploy dev", by="deploy"),
        injected("agora-api-docs", "no-image-permission", Cause.IMAGE_DENIED, "public"),
        injected("agora-api-next", "wrong-platform", Cause.IMAGE_PLATFORM, "linux/amd64"),
        injected("agora-app", "slow-registry", Cause.REGISTRY_SLOW, r"\./agora deploy dev"),
        injected("agora-api", "registry-limit", Cause.REGISTRY_LIMIT, "Wait"),
        Case("secret deleted", "agora-app", Cause.SECRET_MISSING, _delete_secret, "create-secret", _nothing),
        injected("agora-app", "secret-denied", Cause.SECRET_DENIED, "put-role-policy"),
        injected("agora-app", "missing-json-field", Cause.SECRET_FIELD, "json_field"),
        Case(
            "field not in secret",
            "agora-app",
            Cause.SECRET_FIELD,
            _ask_for_field,
            "put-secret-value",
            _add_field,
        ),
    ]


def _programs() -> list[Case]:
    return [
        injected("agora-app", "crash-at-start", Cause.CRASH_AT_START, "program", value="3", by="deploy"),
        injected("agora-api-next", "crash-at-start", Cause.CRASH_AT_START, "program"),
        injected("agora-api", "crash-after-start", Cause.CRASH_LATER, "program"),
        injected("agora-app", "out-of-memory", Cause.OUT_OF_MEMORY, r"memory=\d+", by="deploy"),
        injected("agora-api", "killed", Cause.KILLED, r"memory=\d+"),
        injected("agora-api-docs", "bad-command", Cause.BAD_COMMAND, "program"),
        injected("agora-app", "exec-format", Cause.EXEC_FORMAT, "linux/amd64"),
        injected("agora-app", "callee-unknown", Cause.ENDPOINT_MISSING, r"\./agora (?:re)?deploy dev"),
        injected("agora-app", "callee-refused", Cause.CALLEE_OUT, "redeploy dev api"),
        injected("agora-api-next", "role-denied", Cause.TASK_ROLE_DENIED, "Permission"),
        injected("agora-api", "database-unreachable", Cause.DATABASE_UNREACHABLE, "docdb", by="deploy"),
        injected("agora-api-next", "database-auth", Cause.DATABASE_REFUSED, "modify-db-cluster"),
    ]


def _health() -> list[Case]:
    return [
        injected("agora-api", "never-healthy", Cause.HEALTH_CHECK, "start_period_seconds", by="deploy"),
        injected("agora-app", "health-timeout", Cause.HEALTH_CHECK, "start_period_seconds"),
        injected("agora-apex", "wrong-health-path", Cause.TARGET_CODE, "health_check_path"),
        injected("agora-apex", "target-error", Cause.TARGET_CODE, "program"),
        injected("agora-apex", "target-timeout", Cause.TARGET_TIMEOUT, "health_check_grace_seconds", by="deploy"),
        injected("agora-apex", "target-refused", Cause.TARGET_REFUSED, "container_port"),
        Case(
            "load balancer shut out",
            "agora-apex",
            Cause.SECURITY_GROUP,
            _shut_out,
            "authorize-security-group-ingress",
            _let_in,
        ),
    ]


def _around() -> list[Case]:
    return [
        injected("agora-api-docs", "no-capacity", Cause.NO_CAPACITY, "again, later"),
        injected("agora-api-docs", "no-address", Cause.NO_ADDRESS, "AUTO_SCALE_CAPACITY"),
        injected("agora-api-docs", "task-quota", Cause.QUOTA, "request-service-quota-increase"),
        injected("agora-api-docs", "spot-reclaimed", Cause.SPOT_RECLAIMED, "spot_weight=0", value="0"),
        injected("agora-app", "no-exec-agent", Cause.EXEC_AGENT, "redeploy dev app"),
    ]


def _by_hand() -> list[Case]:
    return [
        Case(
            "log group deleted",
            "agora-api-docs",
            Cause.LOG_GROUP_MISSING,
            _delete_log_group,
            "create-log-group",
            _nothing,
        ),
        Case("role deleted", "agora-api-docs", Cause.ROLE_UNUSABLE, _delete_role, "create-role", _nothing),
        Case(
            "scaled to nothing",
            "agora-app",
            Cause.NO_TASK_WANTED,
            _scale_to_nothing,
            "desired-count 1",
            _nothing,
            by="nothing",
            others=(("agora-apex", Cause.CALLEE_OUT),),
        ),
        Case(
            "service deleted",
            "agora-api-docs",
            Cause.BY_HAND,
            _delete_service,
            "delete-stack",
            lambda bench: bench.wait_until_gone("agora-dev-api-docs"),
            by="hand",
        ),
        Case(
            "listener deleted", "agora-apex", Cause.BY_HAND, _delete_listener, "delete-stack", _wait_for_apex, by="hand"
        ),
        Case(
            "another revision", "agora-api", Cause.BY_HAND, _change_revision, "update-service", _nothing, by="nothing"
        ),
        Case("database stopped", "", Cause.DATABASE_UNREACHABLE, _stop_database, "start-db-", _nothing, by="nothing"),
    ]


def _stacks() -> list[Case]:
    certificate = "e8093404-7db1-4042-90d0-01eb5bde1ffc"
    other = "11111111-2222-3333-4444-555555555555"
    return [
        Case(
            "another certificate",
            "agora-apex",
            Cause.CERTIFICATE,
            lambda bench: bench.clone.edit_form(certificate, other),
            "CERTIFICATE_ID",
            lambda bench: bench.clone.restore_form(),
            by="cdk",
        ),
        Case("rollback failed", "", Cause.STACK_STUCK, _get_stuck, "continue-update-rollback", _nothing, by="free"),
        Case("export in use", "", Cause.EXPORT_IN_USE, _import_export, "In two steps", _forget_import, by="form"),
    ]


def _refusals() -> list[Case]:
    def throttle(bench: Bench) -> None:
        control.set_api_fault("ecs", "describe_services", "ThrottlingException", aws=bench.aws)

    def expire(bench: Bench) -> None:
        control.set_api_fault("ecs", "*", "ExpiredTokenException", aws=bench.aws)

    def stop(bench: Bench) -> None:
        control.clear_api_faults(aws=bench.aws)

    return [
        Case("calls are throttled", "", Cause.UNKNOWN, throttle, "diagnose dev", stop, by="nothing"),
        Case("credentials expired", "", Cause.CREDENTIALS, expire, "aws sso login", stop, by="nothing"),
    ]


def _at_once() -> list[Case]:
    return [
        Case(
            "two at once",
            "agora-api",
            Cause.IMAGE_DENIED,
            _two_at_once,
            "public",
            others=(("agora-api-docs", Cause.CRASH_AT_START),),
            by="roll both",
        ),
        Case(
            "heals by itself",
            "agora-api",
            Cause.HEALED,
            lambda bench: bench.fault("agora-api", "crash-at-start", "2x"),
            "Nothing has to be done",
        ),
        Case("nothing", "", Cause.NOTHING, _start_all_anew, "Nothing has to be done", by="nothing"),
    ]


def _nothing(bench: Bench) -> None:
    """Nothing else has to be mended than what the fix mends."""


def _start_all_anew(bench: Bench) -> None:
    """Leave behind what went wrong in the cases before, which is told as healed for as long as ECS remembers it."""
    for props in load_form().services_of("dev"):
        assert bench.roll(props.container_name)


def _delete_secret(bench: Bench) -> None:
    bench.of("secretsmanager").delete_secret(SecretId="agora-sentry-dsn", ForceDeleteWithoutRecovery=True)


def _ask_for_field(bench: Bench) -> None:
    bench.clone.edit_form(
        'ServiceSecret("agora-sentry-dsn", "SENTRY_DSN")', 'ServiceSecret("agora-sentry-dsn", "SENTRY_DSN", "dsn")'
    )
    bench.deploy()
    bench.of("secretsmanager").put_secret_value(SecretId="agora-sentry-dsn", SecretString="{}")


def _add_field(bench: Bench) -> None:
    value = json.dumps({"dsn": "made up"})
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


def _let_in(bench: Bench) -> None:
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
    bench.of("ecs").update_service(cluster=cluster, service=name, desiredCount=0)
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until:
        if any("[502]" in each["message"] for each in bench.described("agora-apex")["events"][:3]):
            return
        time.sleep(_PAUSE_SECONDS)


def _delete_service(bench: Bench) -> None:
    cluster, name = bench.service("agora-api-docs")
    bench.of("ecs").delete_service(cluster=cluster, service=name, force=True)


def _delete_listener(bench: Bench) -> None:
    for arn in bench.resources("apex", "AWS::ElasticLoadBalancingV2::Listener"):
        bench.of("elbv2").delete_listener(ListenerArn=arn)


def _wait_for_apex(bench: Bench) -> None:
    bench.wait_until_gone("agora-dev-apex")


def _change_revision(bench: Bench) -> None:
    """Give a service a revision with another variable, as somebody in a hurry does in the console."""
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
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until:
        (found,) = cloudformation.describe_stacks(StackName="agora-dev-network")["Stacks"]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return
        time.sleep(_PAUSE_SECONDS)


def _forget_import(bench: Bench) -> None:
    """First deploy with the exports kept, then take away who imports them."""
    bench.deploy()
    bench.of("cloudformation").delete_stack(StackName="agora-dev-old")


def _two_at_once(bench: Bench) -> None:
    bench.fault("agora-api", "no-image-permission")
    bench.fault("agora-api-docs", "crash-at-start")


def _bring_about(bench: Bench, case: Case) -> None:
    case.inject(bench)
    match case.by:
        case "deploy":
            bench.publish(case.service)
            faults = [each for each in control.faults(aws=bench.aws) if each["account"] == DEV]
            # What can be known beforehand would stop some of these before they begin.
            bench.deploy("--no-verify", *(f"--fault={_written(each)}" for each in faults))
        case "cdk":
            exports = bench.clone.exports("dev")
            words = ["cdk", "deploy", "agora-dev-apex", "--exclusively", "--require-approval", "never"]
            bench.clone.run(words, exports)
        case "roll":
            bench.roll(case.service)
        case "roll both":
            bench.roll("agora-api")
            bench.roll("agora-api-docs")


def _written(fault: dict[str, Any]) -> str:
    value = f":{fault['value']}" if fault["value"] else ""
    return f"{fault['container']}={fault['fault']}{value}"


def _follow(bench: Bench, case: Case, fix: str) -> bool:
    """Do what the fix says; whether it says what is to be done, and nothing is wrong afterwards."""
    # A command to be completed by a person says so with a word in capitals or an ellipsis of its own.
    if "NUMBER" not in fix and "detect-stack-drift" not in fix and "<(" not in fix:
        bench.run_printed(fix)
    case.mend(bench)
    if case.by in ("deploy", "cdk", "form", "free", "hand"):
        well = bench.deploy()
    elif case.by == "nothing":
        well = True
    else:
        well = all(bench.roll(name) for name in [case.service, *(name for name, _ in case.others)] if name)
    until = time.monotonic() + 20
    while well:
        answer, exit_code, _ = bench.diagnose()
        if exit_code == 0:
            return bool(re.search(case.says, fix))
        if time.monotonic() > until:
            print(f"    still wrong: {[each['sentence'] for each in answer['verdicts']]}", file=sys.stderr)
            return False
    print(f"    the fix did not work: {bench.kept.get('said', '')[-600:]}", file=sys.stderr)
    return False


def score(bench: Bench, case: Case) -> Score:
    """Bring a fault about, ask, and follow the fix."""
    _bring_about(bench, case)
    by_deploy = case.by == "deploy"
    told_by_deploy = [(each["service"], each["cause"]) for each in bench.kept["verdicts"][:1]] if by_deploy else []
    since_failure = bench.seconds_since_failure(case.service) if by_deploy else None
    answer, exit_code, seconds = bench.diagnose()
    verdicts = answer["verdicts"]
    first = verdicts[0] if verdicts else {"cause": "none", "service": "", "sentence": answer.get("said", ""), "fix": ""}
    told = {(each["service"], each["cause"]) for each in verdicts}
    others = all((service, cause.name) in told for service, cause in case.others)
    is_wrong = case.cause not in (Cause.HEALED, Cause.NOTHING)
    return Score(
        case,
        first["sentence"],
        first["cause"] == case.cause.name
        and others
        and (exit_code == 1) == is_wrong
        and (not by_deploy or told_by_deploy == [(case.service, case.cause.name)]),
        first["service"] == case.service,
        _follow(bench, case, first["fix"]),
        seconds,
        since_failure,
    )


HEADER = ("fault", "service", "cause that is told", "cause", "service", "fix", "diagnose", "deploy")


def row(scored: Score) -> tuple[str, ...]:
    """A score in a line."""
    return (
        scored.case.name,
        scored.case.service.removeprefix("agora-") or "-",
        scored.case.cause.value,
        *("right" if right else "WRONG" for right in (scored.right_cause, scored.right_service)),
        "yes" if scored.fix_works else "NO",
        f"{scored.seconds:.1f}",
        "-" if scored.since_failure is None else f"{scored.since_failure:.1f}",
    )


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows, for a page."""
    widths = [max(len(each[column]) for each in [HEADER, *rows]) for column in range(len(HEADER))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)) + " |"
        for each in [HEADER, *rows]
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def summary(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows in a sentence."""
    causes, services, fixes = (sum(each[column] in ("right", "yes") for each in rows) for column in (3, 4, 5))
    slowest = max(float(each[6]) for each in rows)
    told = f"{len(rows)} cases: right cause {causes}, right service {services}, fix works {fixes}.\n"
    told += f"The slowest verdict of `diagnose` took {slowest:.1f} s"
    since = [float(each[7]) for each in rows if each[7] != "-"]
    return told + (f", that of `deploy`\n{max(since):.1f} s since the failure." if since else ".")


def write(rows: Sequence[tuple[str, ...]]) -> None:
    """Put rows into the page's table, in place of those of the same faults."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    inside, after = rest.split(END)
    lines = [line for line in inside.splitlines() if line.startswith("| ")][1:]
    known = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    known = [each + ("-",) * (len(HEADER) - len(each)) for each in known]
    merged = {each[:2]: each for each in [*known, *rows]}
    order = [(case.name, case.service.removeprefix("agora-") or "-") for case in cases()]
    kept = [merged[key] for key in order if key in merged]
    PAGE.write_text(f"{before}{BEGIN}\n{summary(kept)}\n\n{table(kept)}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Score the named faults, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--write", action="store_true", help="put each row, when it is measured, into docs/diagnose.md")
    options = parser.parse_args()
    chosen = [case for case in cases() if not options.names or case.name in options.names]
    # A deployment by the CDK takes longest.
    chosen.sort(key=lambda case: case.by in ("deploy", "cdk", "form", "free"))
    with tempfile.TemporaryDirectory(prefix="faults ") as folder:
        clone = Clone.at(Path(folder) / "agora")
        try:
            first = clone.agora("deploy", "dev", "--local")
            assert first.exit_code == 0, first.stderr
            aws = process.expect_running(clone.folder / ".agora" / "local")
            bench = Bench(clone, aws, clients(clone.exports("dev")))
            scores = []
            for case in chosen:
                scores.append(score(bench, case))
                last = scores[-1]
                marks = "".join("+" if each else "-" for each in (last.right_cause, last.right_service, last.fix_works))
                if options.write:
                    write([row(last)])
                print(f"{marks} {case.name} ({case.service}): {last.said} [{last.seconds:.1f} s]", file=sys.stderr)
                bench.clear()
                control.clear_api_faults(aws=bench.aws)
                clone.restore_form()
        finally:
            clone.agora("local", "down")
    print(table([row(each) for each in scores]))
    print(summary([row(each) for each in scores]))


if __name__ == "__main__":
    main()
