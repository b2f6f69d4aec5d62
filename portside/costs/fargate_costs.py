"""The costs of Fargate tasks: of services, schedules and jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from portside.config.cron import InvalidExpression, parse_expression
from portside.costs.prices import HOURS
from portside.costs.quantity import Priced, Quantity, by_use, number

SERVICE, TASK, TARGET = "AWS::ECS::Service", "AWS::ECS::TaskDefinition", "AWS::ApplicationAutoScaling::ScalableTarget"
_SCHEDULE = "AWS::Scheduler::Schedule"
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
_DEFAULT_DESIRED_COUNT = 1
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
_FREE_STORAGE_GB = 20

Properties = Mapping[str, Any]


def of_service(service_id: str, service: Properties, priced: Priced) -> Iterator[Quantity]:
    """The costs of a service with the fewest tasks and as many as expected; of Spot where it may use it.

    Raises `KeyError` or `TypeError` for a task definition of another stack.
    """
    task = priced.of_type(TASK)[service["TaskDefinition"]["Ref"]]
    least, expected = _tasks(service_id, service, priced)
    (least, least_spot), (expected, expected_spot) = _split(service, least), _split(service, expected)
    yield from _of_tasks(task, least, expected, priced)
    yield from _of_tasks(task, least_spot, expected_spot, priced, spot=True)


def of_ending_tasks(task_id: str, task: Properties, priced: Priced) -> Iterator[Quantity]:
    """The costs of tasks that no service keeps running: they start by a schedule, or as often as assumed."""
    reference = json.dumps({"Ref": task_id})
    if any(reference in json.dumps(each.get("TaskDefinition")) for each in priced.of_type(SERVICE).values()):
        return
    schedules = [each for each in priced.of_type(_SCHEDULE).values() if reference in json.dumps(each)]
    runs = sum(map(_starts, schedules)) if schedules else priced.assumed["job_runs"]
    hours = runs * priced.assumed["run_minutes"] / 60
    yield from _of_tasks(task, 0, hours / HOURS, priced)


def _starts(schedule: Properties) -> float:
    try:
        return parse_expression(str(schedule.get("ScheduleExpression"))).starts_a_month
    except InvalidExpression:
        return 1


def _tasks(service_id: str, service: Properties, priced: Priced) -> tuple[float, float]:
    for target in priced.of_type(TARGET).values():
        if f'"{service_id}"' in json.dumps(target.get("ResourceId")):
            return priced.between(number(target.get("MinCapacity")), number(target.get("MaxCapacity")))
    count = number(service.get("DesiredCount", _DEFAULT_DESIRED_COUNT))
    return count, count


def _split(service: Properties, count: float) -> tuple[float, float]:
    """The tasks on demand and on Spot; those above the bases are divided by the weights, on average."""
    strategy = service.get("CapacityProviderStrategy") or [{"CapacityProvider": "FARGATE", "Weight": 1}]
    weights = sum(number(each.get("Weight", 0)) for each in strategy)
    bases = sum(number(each.get("Base", 0)) for each in strategy)
    spot = 0.0
    for each in strategy:
        if each.get("CapacityProvider") == "FARGATE_SPOT":
            share = number(each.get("Weight", 0)) / weights if weights else 0
            spot += min(number(each.get("Base", 0)), count) + share * max(count - bases, 0)
    return count - spot, spot


def _of_tasks(
    task: Properties, least: float, expected: float, priced: Priced, *, spot: bool = False
) -> Iterator[Quantity]:
    cpu, memory = number(task.get("Cpu")) / 1024, number(task.get("Memory")) / 1024
    is_arm = task.get("RuntimePlatform", {}).get("CpuArchitecture") == "ARM64"
    kind = "Fargate Spot" if spot else "Fargate ARM" if is_arm else "Fargate"
    storage = max(number(task.get("EphemeralStorage", {}).get("SizeInGiB", 0)) - _FREE_STORAGE_GB, 0)
    yield Quantity(f"{kind}, vCPU", cpu * least, cpu * expected)
    yield Quantity(f"{kind}, GB of memory", memory * least, memory * expected)
    yield Quantity("Fargate, GB of storage", storage * least, storage * expected)
    yield by_use("GuardDuty, vCPU", cpu * expected * priced.assumed["guardduty"])
