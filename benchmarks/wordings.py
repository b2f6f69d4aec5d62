"""The diagnosis of failures in the original messages of AWS and of programs: a JSON line a case.

    .venv/bin/python -m benchmarks.messages CASES.jsonl [--cut] [--running] > RESULTS.jsonl

A case is an update of one service of dev that failed. The account that it leaves is built for each case, and the
real reader asks it through real boto3 clients. By default the update was rolled back and the earlier revision serves
on; with --running it is still being tried, with --cut stopped reasons and events end after 255 characters.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from portside.config.configuration import Configuration, load_configuration
from portside.findings.diagnose import diagnose
from tests.answering_aws import AnsweringAws
from tests.aws_account import Account, deployed, target
from tests.aws_failures import Refused, Stopped, failed_stack, failed_update, given_up

_AT_ONCE_SECONDS, _LATER_SECONDS = 2.0, 150.0
_TERMINATED = 143
"""The exit code of a program that ends when it is asked to, as what ECS stops usually does."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the verdict of each case of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("cases", type=Path)
    parser.add_argument("--cut", action="store_true", help="cut reasons and events at 255 characters")
    parser.add_argument("--running", action="store_true", help="the deployment is still being tried")
    asked = parser.parse_args(arguments)
    configuration, aws = load_configuration(), None
    for line in filter(str.strip, asked.cases.read_text(encoding="utf-8").splitlines()):
        case = json.loads(line)
        account = stopped_task(case, configuration, cut=asked.cut, running=asked.running)
        if aws is None:
            aws = AnsweringAws(account)
        aws.account = account
        sys.stdout.write(json.dumps(verdict_on(case["id"], aws, configuration), ensure_ascii=False) + "\n")


def verdict_on(case: str, aws: AnsweringAws, configuration: Configuration) -> dict[str, Any]:
    """The first verdict of an account's diagnosis."""
    diagnosis = diagnose(aws.target(), configuration)
    first = diagnosis.verdicts[0]
    fields = first.as_json()
    return {
        "id": case,
        "code": fields["cause"],
        "subject": first.subject,
        **{name: fields[name] for name in ("sentence", "evidence", "look", "fix")},
        "nothing_wrong": not diagnosis.is_wrong,
    }


def stopped_task(
    case: Mapping[str, Any], configuration: Configuration, *, cut: bool = False, running: bool = False
) -> Account:
    """The account in which a case has happened. Raises `ValueError` for a case of a kind that is not known."""
    account, where, container = deployed("dev", configuration, cuts_text=cut), case["where"], case.get("service", "")
    if where == "state":
        account.stacks[_stack(case, account)]["StackStatus"] = case["status"]
    elif where == "stack":
        _of_a_stack(account, case, running=running)
    elif where == "event":
        failed_update(account, container, events=[case["wording"]], running=running)
    elif where == "target":
        _of_a_target(account, case, running=running)
    elif where in ("stopped", "exited"):
        failed_update(
            account, container, _stopped(case, has_own_check=_has_own_check(configuration, container)), running=running
        )
    else:
        raise ValueError(f'case {case["id"]}: where must be "stopped", "exited", "event", "target", "stack" or "state"')
    return account


def _stack(case: Mapping[str, Any], account: Account) -> str:
    return str(case.get("stack") or account.stack_of(case["service"])["StackName"])


def _has_own_check(configuration: Configuration, container: str) -> bool:
    return any(
        each.container_name == container and each.container_healthcheck for each in configuration.services_of("dev")
    )


def _of_a_stack(account: Account, case: Mapping[str, Any], *, running: bool) -> None:
    name, kind = _stack(case, account), case["rtype"]
    # A task's failure is the service's too; ECS does not see any other refusal.
    if kind == "AWS::ECS::Service" and "Circuit Breaker" in case["wording"]:
        given_up(account, case["service"])
    given = {"status": case.get("rstatus"), "stack_status": case.get("status")}
    refused = Refused(kind, case["wording"], **{field: value for field, value in given.items() if value})
    failed_stack(account, name, refused, running=running)


def _of_a_target(account: Account, case: Mapping[str, Any], *, running: bool) -> None:
    container = case["service"]
    service = account.services[container]
    group = (
        service["loadBalancers"][0]["targetGroupArn"]
        if service["loadBalancers"]
        else account.arn("elasticloadbalancing", "targetgroup/agora/1")
    )
    port = account.target_groups[group]["Port"] if group in account.target_groups else 80
    if case.get("lets_in") is False:
        for each in account.security_groups:
            if each["GroupName"] == container:
                each["IpPermissions"] = []
    ended = Stopped(
        f"Task failed ELB health checks in (target-group {group})",
        "ServiceSchedulerInitiated",
        _LATER_SECONDS,
        _TERMINATED,
        log=case.get("log", ()),
        event=f"(port {port}) is unhealthy in (target-group {group}) due to (reason {case['wording']}).",
    )
    failed_update(account, container, ended, running=running)
    if running and group in account.targets:
        account.targets[group].append(
            target("10.254.172.21", port, "unhealthy", case.get("reason", ""), case["wording"])
        )


def _stopped(case: Mapping[str, Any], *, has_own_check: bool) -> Stopped:
    exited = case["where"] == "exited"
    usual = "EssentialContainerExited" if exited else "TaskFailedToStart"
    code = case.get("stop_code", usual)
    never = code == "TaskFailedToStart" and not case.get("started")
    was_stopped = not never and not exited
    healths = "container health checks" in case.get("wording", "")
    health = (
        "UNKNOWN"
        if not has_own_check
        else "UNHEALTHY"
        if healths and "sidecar_health" not in case
        else "HEALTHY"
        if was_stopped
        else "UNKNOWN"
    )
    return Stopped(
        reason="Essential container in task exited" if exited else case["wording"],
        stop_code=code,
        seconds=None if never else _LATER_SECONDS if case.get("started") or was_stopped else _AT_ONCE_SECONDS,
        exit_code=case.get("exit_code", _TERMINATED if was_stopped else None),
        container_reason=case.get("container_reason", ""),
        health=case.get("own_health", health),
        sidecar_health=case.get("sidecar_health", "UNKNOWN" if never else "HEALTHY"),
        sidecar_exit=case.get("sidecar_exit", None if never else 0),
        log=case.get("log", ()),
    )


if __name__ == "__main__":
    main()
