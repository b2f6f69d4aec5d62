"""Alarms, which notify the environment's topic of problems, and when they are solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

EVERY_MINUTE = Duration.minutes(1)
DEPLOYMENT_ALARM_MINUTES = 2
"""The duration of a problem after which a deployment is rolled back.

ECS waits this long after every rollout, so it is as short as possible. ECS ignores an alarm that is
on before a deployment starts, so a release with a fix can be deployed.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
"""


@dataclass(frozen=True, kw_only=True)
class AlarmProps:
    """An alarm for a metric that is at or above, or below, a threshold for `minutes`."""

    name: str
    description: str
    minutes: int
    above: float | None = None
    below: float | None = None
    without_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING
    ignores_few_samples: bool = False


def add_alarm(
    scope: Construct, construct_id: str, metric: cloudwatch.IMetric, props: AlarmProps, topic_arn: str | None
) -> str:
    """Add an alarm that notifies a topic, and return its name.

    The metric's period is one minute. $0.10 a month for each metric, https://aws.amazon.com/cloudwatch/pricing/.
    """
    operators = cloudwatch.ComparisonOperator
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        alarm_name=props.name,
        alarm_description=props.description,
        metric=metric,
        threshold=cast(float, props.above if props.below is None else props.below),
        comparison_operator=operators.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        if props.below is None
        else operators.LESS_THAN_THRESHOLD,
        evaluation_periods=props.minutes,
        treat_missing_data=props.without_data,
        evaluate_low_sample_count_percentile="ignore" if props.ignores_few_samples else None,
    )
    if topic_arn:
        # A literal ARN, so that no stack depends on the stack of the topic.
        resource = cast(cloudwatch.CfnAlarm, alarm.node.default_child)
        resource.alarm_actions = resource.ok_actions = [topic_arn]
    return props.name
