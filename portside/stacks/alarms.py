"""Alarms, which tell the environment's one topic when something is wrong and when it is well again."""

from __future__ import annotations

from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

EVERY_MINUTE = Duration.minutes(1)
DEPLOYMENT_ALARM_MINUTES = 2
"""How long that must last for which a deployment is rolled back.

ECS waits this long after every rollout, so it is as short as it can be without being nervous. An alarm that is on
before a deployment starts is left out of account by ECS: a mending release gets through.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
"""


def add_alarm(
    scope: Construct,
    construct_id: str,
    metric: cloudwatch.IMetric,
    *,
    name: str,
    description: str,
    minutes: int,
    topic_arn: str | None,
    above: float | None = None,
    below: float | None = None,
    without_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    few_samples_say_nothing: bool = False,
) -> str:
    """Add an alarm that is on once a metric has been at or above, or below, a bound for `minutes`, and return its name.

    The metric's periods are of one minute. $0.10 a month for each metric, https://aws.amazon.com/cloudwatch/pricing/.
    """
    operators = cloudwatch.ComparisonOperator
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        alarm_name=name,
        alarm_description=description,
        metric=metric,
        threshold=cast(float, above if below is None else below),
        comparison_operator=operators.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        if below is None
        else operators.LESS_THAN_THRESHOLD,
        evaluation_periods=minutes,
        treat_missing_data=without_data,
        evaluate_low_sample_count_percentile="ignore" if few_samples_say_nothing else None,
    )
    if topic_arn:
        # By its ARN, which follows from its name: no stack waits for the one that has the topic.
        resource = cast(cloudwatch.CfnAlarm, alarm.node.default_child)
        resource.alarm_actions = resource.ok_actions = [topic_arn]
    return name
