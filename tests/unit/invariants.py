"""Rules for every template and workflow, as functions that say in sentences where it does not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portside.testing.invariants import Json, Templates, flat, leaves, place, properties, resources

_PINNED_ACTION = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_REASON_WORDS = 5


@dataclass(frozen=True)
class Acknowledgment:
    """A finding of cdk-nag that was accepted: on which construct, by which id, and why."""

    at: str
    id: str
    reason: str


def containers_unwatched(templates: Templates, without_check: Mapping[str, str]) -> list[str]:
    """Containers without a health check, limits or a log that is kept for a set time.

    `without_check` has the reasons of those that have no health check, by name.
    """
    found = []
    for stack, key, resource in resources(templates, "AWS::ECS::TaskDefinition"):
        task = properties(resource)
        found += [
            f"{place(stack, key, resource)}: a task without {limit}"
            for limit in ("Cpu", "Memory")
            if not task.get(limit)
        ]
        for container in task["ContainerDefinitions"]:
            where = f"{stack}: container {container['Name']}"
            if not container.get("HealthCheck") and not is_reason(without_check.get(container["Name"], "")):
                found.append(f"{where}: no health check, and no reason for it")
            if not (container.get("Memory") or container.get("MemoryReservation")):
                found.append(f"{where}: no memory reservation")
            if container.get("Privileged"):
                found.append(f"{where}: privileged")
            found += _unkept_log(where, container.get("LogConfiguration"), templates[stack])
    for stack, key, resource in resources(templates, "AWS::ECS::Service"):
        connect = properties(resource).get("ServiceConnectConfiguration")
        if connect and connect.get("Enabled", True):
            where = f"{place(stack, key, resource)}: its Service Connect proxy"
            found += _unkept_log(where, connect.get("LogConfiguration"), templates[stack])
    return found


def unexplained_wildcards(templates: Templates, acknowledgments: Iterable[Acknowledgment] = ()) -> list[str]:
    """Rights on everything, or of everyone, that no one has given a reason for on the same role or policy.

    The reason is cdk-nag's: `AwsSolutions-IAM5[Action::…]` or `[Resource::…]`, acknowledged where the policy is made.
    """
    accepted = {(each.at, each.id.rpartition("AwsSolutions-IAM5")[2]) for each in acknowledgments}
    found = []
    for stack, key, resource in resources(templates):
        where, path = place(stack, key, resource), str(resource.get("Metadata", {}).get("aws:cdk:path", ""))
        for statement in _statements(resource):
            if statement.get("Effect") != "Allow":
                continue
            if "NotAction" in statement or "NotResource" in statement or "NotPrincipal" in statement:
                found.append(f"{where}: allows everything except the named actions")
            if "Principal" in statement:
                if "*" in flat(statement["Principal"]) and not statement.get("Condition"):
                    found.append(f"{where}: allows everyone")
                continue
            wide = [f"[Action::{each}]" for each in map(flat, _listed(statement.get("Action"))) if "*" in each]
            wide += [f"[Resource::{each}]" for each in map(flat, _listed(statement.get("Resource"))) if "*" in each]
            found += [
                f"{where}: {each[1:-1]} in a right without a reason"
                for each in wide
                if not any((at, each) in accepted for at in _itself_and_above(path))
            ]
    return found


def unpinned_actions(workflows: Mapping[str, Json]) -> list[str]:
    """Actions, reusable workflows and images of others that are not pinned by commit or digest."""
    found = []
    for file, workflow in workflows.items():
        for name, value in leaves(workflow):
            last = name.rpartition(".")[2]
            if last == "uses" and not _is_pinned(value):
                found.append(f"{file}: {name}: not pinned by commit, got {value!r}")
            if last in ("image", "container") and isinstance(value, str) and "@sha256:" not in value:
                found.append(f"{file}: {name}: not pinned by digest, got {value!r}")
    return found


def unsound_acknowledgments(
    acknowledgments: Collection[Acknowledgment], findings: Mapping[tuple[str, str], Collection[str]]
) -> list[str]:
    """Acknowledgments that have no reason, cover too much, or outlived what they were for.

    `findings` has the resources that each acknowledgment, by its construct and id, is for.
    """
    found = []
    for each in acknowledgments:
        where = f"{each.at or 'the app'}: {each.id}"
        resources = findings.get((each.at, each.id), ())
        if not re.fullmatch(r"AwsSolutions::AwsSolutions-[A-Z]+\d+(\[.+\])?", each.id):
            found.append(f"{where}: not a rule of AwsSolutions by its full name, without which there is no record")
        if "/" not in each.at:
            found.append(f"{where}: on a whole stack or app instead of a resource")
        if not is_reason(each.reason):
            found.append(f"{where}: no reason that a reviewer could judge, got {each.reason!r}")
        if not resources:
            found.append(f"{where}: nothing is found there any more")
        elif len(resources) > 1:
            found.append(f"{where}: covers {len(resources)} resources, not one")
    for reason in {each.reason for each in acknowledgments}:
        rules = {each.id.partition("[")[0] for each in acknowledgments if each.reason == reason}
        if len(rules) > 1:
            found.append(f"{', '.join(sorted(rules))}: one text for different rules, {reason!r}")
    return sorted(found)


def is_reason(text: str) -> bool:
    """Whether a text gives a reason, judged by its length: five words in addition to "false positive"."""
    return len(re.sub(r"(?i)\bfalse[ -]positives?\b", "", text).split()) >= _REASON_WORDS


def _unkept_log(where: str, log: Json | None, template: Json) -> list[str]:
    if not log:
        return [f"{where}: no log"]
    group = template["Resources"].get(flat(log.get("Options", {}).get("awslogs-group")).strip("<>"))
    if log.get("LogDriver") != "awslogs" or group is None or group["Type"] != "AWS::Logs::LogGroup":
        return [f"{where}: its log is no group of its stack"]
    if not properties(group).get("RetentionInDays"):
        return [f"{where}: nothing says how long its log is kept"]
    return []


def _statements(resource: Json) -> Iterator[Json]:
    own = properties(resource)
    documents = [own.get(name) for name in ("PolicyDocument", "ResourcePolicy", "KeyPolicy")]
    documents += [policy.get("PolicyDocument") for policy in own.get("Policies") or () if isinstance(policy, dict)]
    for document in documents:
        if isinstance(document, Mapping):
            yield from _listed(document.get("Statement"))


def _itself_and_above(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _is_pinned(action: object) -> bool:
    text = str(action)
    if text.startswith("docker://"):
        return "@sha256:" in text
    return text.startswith(("./", "$/")) or bool(_PINNED_ACTION.fullmatch(text))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
