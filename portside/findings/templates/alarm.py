"""Alarms: periods, what they look at, and what they notify."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.grants import principals
from portside.findings.templates.roles import is_notified
from portside.findings.templates.rule import doubles, over, over_assembly, wrong
from portside.findings.templates.values import fields, is_open, is_whole_list, many, objects, text, whole

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_SHORT_PERIODS = (10, 20, 30)
_DAY, _WEEK = 86_400, 604_800
_HOUR = 3_600
_ID = re.compile(r"^[a-z][A-Za-z0-9_]*$")


@over("CloudWatch::Alarm")
def periods(assembly: Assembly, alarm: Resource) -> Iterator[Finding]:
    """Periods that CloudWatch does not accept, and alarms that look back too far."""
    found = [("Period", alarm.get("Period"))]
    for index, each in enumerate(objects(alarm.get("Metrics"))):
        found.append((f"Metrics[{index}].Period", each.get("Period")))
        found.append((f"Metrics[{index}].MetricStat.Period", fields(each.get("MetricStat")).get("Period")))
    periods_known = [(path, period) for path, value in found if (period := whole(value)) is not None]
    for path, period in periods_known:
        if period not in _SHORT_PERIODS and (period <= 0 or period % 60):
            sentence = f"must be 10, 20, 30 or a multiple of 60 seconds, got {period}"
            yield wrong("ALARM_PERIOD", alarm, sentence, at=path)
    count = whole(alarm.get("EvaluationPeriods"))
    longest = max((period for _, period in periods_known), default=0)
    most = _WEEK if longest >= _HOUR else _DAY
    if count is not None and count * longest > most:
        sentence = f"looks back {count} periods of {longest} s, at most {most:,} s are accepted"
        yield wrong("ALARM_PERIOD", alarm, sentence, at="EvaluationPeriods")
    enough = whole(alarm.get("DatapointsToAlarm"))
    if enough is not None and count is not None and enough > count:
        yield wrong("ALARM_PERIOD", alarm, f"DatapointsToAlarm {enough} is over EvaluationPeriods {count}")


@over_assembly
def actions(assembly: Assembly) -> Iterator[Finding]:
    """Alarms that notify a topic of another region, or one whose policy keeps them out."""
    for alarm in assembly.of_type("CloudWatch::Alarm"):
        region = assembly.file(alarm.stack).region
        for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for arn in filter(text, many(alarm.get(key))):
                parts = arn.split(":")
                if region and len(parts) > 4 and parts[2] == "sns" and parts[3] != region:
                    yield wrong("ALARM_ACTION", alarm, f"notifies a topic in {parts[3]}, and is in {region}", at=key)
    for policy in assembly.of_type("SNS::TopicPolicy"):
        statements = policy.get("PolicyDocument", "Statement")
        closed = isinstance(statements, list) and not any(map(_lets_publish, statements))
        for topic in assembly.of_type("SNS::Topic") if closed else ():
            notified = [each for each in assembly.of_type("CloudWatch::Alarm") if is_notified(topic, each)]
            if notified and any(map(topic.is_of, many(policy.get("Topics")))):
                sentence = f"lets no alarm publish to {topic.logical_id}, which {notified[0].logical_id} notifies"
                yield wrong("TOPIC_POLICY", policy, sentence)


def _lets_publish(statement: Any) -> bool:
    if not isinstance(statement, dict) or is_open(statement.get("Principal")):
        return True
    named = principals(statement)
    return statement.get("Effect") == "Allow" and any(is_open(each) or _may_be_alarms(str(each)) for each in named)


def _may_be_alarms(principal: str) -> bool:
    return principal.startswith(("cloudwatch.", "arn:")) or principal == "*" or principal.isdecimal()


@over("CloudWatch::Alarm")
def metrics(assembly: Assembly, alarm: Resource) -> Iterator[Finding]:
    """Alarms that look at nothing, at two things, or at what is not declared."""
    has = {key for key, value in alarm.properties.items() if not is_open(value) and value != []}
    if "Metrics" in has:
        extra = sorted({"MetricName", "Namespace", "Dimensions", "Period", "Statistic", "ExtendedStatistic"} & has)
        if extra:
            yield wrong("ALARM_METRIC", alarm, f"an alarm on Metrics has no {', '.join(extra)}")
        yield from _expressions(alarm)
    elif "MetricName" in has:
        absent = [key for key in ("Namespace", "Period") if key not in alarm.properties]
        if not {"Statistic", "ExtendedStatistic"} & set(alarm.properties):
            absent.append("Statistic")
        if absent:
            yield wrong("ALARM_METRIC", alarm, f"an alarm on a metric needs {', '.join(absent)}")
        if {"Statistic", "ExtendedStatistic"} <= has:
            yield wrong("ALARM_METRIC", alarm, "has both Statistic and ExtendedStatistic")
    is_banded = str(alarm.get("ComparisonOperator")) in _BANDS
    if "ThresholdMetricId" in has and not is_banded and not is_open(alarm.get("ComparisonOperator")):
        yield wrong("ALARM_METRIC", alarm, "ThresholdMetricId is for anomaly detection, its comparison is not")


_BANDS = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")


def _expressions(alarm: Resource) -> Iterator[Finding]:
    queries = alarm.get("Metrics")
    if not isinstance(queries, list) or not is_whole_list(queries):
        return
    ids = [each.get("Id") for each in objects(queries)]
    known = [each for each in ids if isinstance(each, str)]
    for name in dict.fromkeys(known):
        if not _ID.match(name):
            yield wrong("ALARM_METRIC", alarm, f"a metric's Id begins with a small letter, got {name}")
        if known.count(name) > 1:
            yield wrong("ALARM_METRIC", alarm, f"two metrics have the Id {name}")
    returned = [each for each in objects(queries) if str(each.get("ReturnData", True)).lower() == "true"]
    if len(returned) != 1 and not any(is_open(each.get("ReturnData")) for each in objects(queries)):
        yield wrong("ALARM_METRIC", alarm, f"one of its metrics must have ReturnData, {len(returned)} have")
    for each in objects(queries):
        expression = text(each.get("Expression"))
        if len(known) == len(ids) and expression and "SELECT" not in expression and "SEARCH" not in expression:
            yield from _unknown_ids(alarm, expression, known)


# Functions are in capitals, and texts in quotes; https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
_NAMES = re.compile(r"\b[a-z][A-Za-z0-9_]*\b")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def _unknown_ids(alarm: Resource, expression: str, known: list[Any]) -> Iterator[Finding]:
    for name in dict.fromkeys(_NAMES.findall(_QUOTED.sub("", expression))):
        if name not in known:
            sentence = f"its expression names {name}, and its metrics are {', '.join(map(str, known))}"
            yield wrong("ALARM_METRIC", alarm, sentence)


@over_assembly
def names(assembly: Assembly) -> Iterator[Finding]:
    """Two alarms of a name: the second takes the first one's place, or is refused."""
    for key, *types in _NAMED:
        for each, (name, *_), other in doubles(assembly.of_type(*types), partial(_place_of, assembly, key)):
            yield wrong("NAME_TAKEN", each, f"{key} {name} is also of {other.name}")


_NAMED = (
    *(("AlarmName", "CloudWatch::Alarm", "CloudWatch::CompositeAlarm"), ("LogGroupName", "Logs::LogGroup")),
    *(("Name", "ElasticLoadBalancingV2::TargetGroup"), ("Name", "ElasticLoadBalancingV2::LoadBalancer")),
    *(("Name", "SecretsManager::Secret"), ("ServiceName", "ECS::Service"), ("RoleName", "IAM::Role")),
)


def _place_of(assembly: Assembly, key: str, resource: Resource) -> tuple[str, ...] | None:
    name, file = text(resource.get(key)), assembly.file(resource.stack)
    if name is None or not (file.account or len(assembly.files) == 1):
        return None
    return name, file.account, file.region, repr(resource.get("Cluster"))
