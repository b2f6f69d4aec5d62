"""A task that EventBridge Scheduler starts."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from portside.config.service_props import Schedule, ServiceProps
from portside.stacks.alarms import EVERY_MINUTE, AlarmProps, add_alarm
from portside.stacks.job_stack import JobStack

# Enough for a minute without capacity or a throttled call; the next start comes anyway.
_RETRIES, _RETRY_SECONDS = 3, 900


class ScheduledTaskStack(JobStack):
    """A task that EventBridge Scheduler starts, with alarms for failures. The rest is as in `JobStack`.

    The schedule has a group of its own, because the metrics of schedules are by group.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html
    """

    def __init__(self, scope: Construct, construct_id: str, *arguments: Any, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, *arguments, **kwargs)
        props: ServiceProps = arguments[-2]
        assert isinstance(props.runs, Schedule)
        group = scheduler.CfnScheduleGroup(self, "ScheduleGroup", name=self.stack_name)
        self.schedule = self._schedule(props.runs, group)
        self.alarms = [self._alarm_on_failed_starts(props), self._alarm_on_failed_tasks(props)]

    def _schedule(self, runs: Schedule, group: scheduler.CfnScheduleGroup) -> scheduler.CfnSchedule:
        definition = self.task_definition.task_definition_arn
        return scheduler.CfnSchedule(
            self,
            "Schedule",
            name=self.stack_name,
            group_name=group.ref,
            schedule_expression=runs.expression,
            schedule_expression_timezone=runs.time_zone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.cluster.cluster_arn,
                role_arn=self._scheduler_role(definition).role_arn,
                ecs_parameters=scheduler.CfnSchedule.EcsParametersProperty(
                    task_definition_arn=definition,
                    launch_type="FARGATE",
                    task_count=1,
                    enable_execute_command=self.ecs_exec,
                    network_configuration=scheduler.CfnSchedule.NetworkConfigurationProperty(
                        awsvpc_configuration=scheduler.CfnSchedule.AwsVpcConfigurationProperty(
                            subnets=self.network["subnets"],
                            security_groups=self.network["securityGroups"],
                            assign_public_ip=self.network["assignPublicIp"],
                        )
                    ),
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=_RETRIES, maximum_event_age_in_seconds=_RETRY_SECONDS
                ),
            ),
        )

    def _scheduler_role(self, definition: str) -> iam.Role:
        """A role that can run this task definition in this cluster, with its two roles."""
        return iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
            # Part of the role: EventBridge Scheduler assumes it when the schedule is created.
            inline_policies={
                "RunTask": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["ecs:RunTask"],
                            resources=[definition],
                            conditions={"ArnEquals": {"ecs:cluster": self.cluster.cluster_arn}},
                        ),
                        iam.PolicyStatement(
                            actions=["iam:PassRole"],
                            resources=[self._task_role.role_arn, self._execution_role.role_arn],
                            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
                        ),
                    ]
                )
            },
        )

    def _alarm_on_failed_starts(self, props: ServiceProps) -> str:
        dropped = cloudwatch.Metric(
            namespace="AWS/Scheduler",
            metric_name="InvocationDroppedCount",
            dimensions_map={"ScheduleGroup": self.stack_name},
            statistic="Sum",
            period=EVERY_MINUTE,
        )
        return self._alarm(
            "FailedStarts", "failed-starts", dropped, f"EventBridge could not start {props.container_name}"
        )

    def _alarm_on_failed_tasks(self, props: ServiceProps) -> str:
        """An alarm on tasks whose container ended with another exit code than 0, or never started.

        ECS has no metric of exit codes. A rule counts the events that match it.
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
        """
        ended = {"lastStatus": ["STOPPED"], "clusterArn": [self.cluster.cluster_arn]}
        family = {"taskDefinitionArn": [self.task_definition.task_definition_arn]}
        own = {"name": [props.container_name]}
        rule = events.CfnRule(
            self,
            "FailedTasks",
            description=f"Counts failed tasks of {props.container_name}",
            event_pattern={
                "source": ["aws.ecs"],
                "detail-type": ["ECS Task State Change"],
                "detail": {
                    **ended,
                    **family,
                    "$or": [
                        {"containers": {**own, "exitCode": [{"anything-but": 0}]}},
                        {"stopCode": ["TaskFailedToStart"]},
                    ],
                },
            },
        )
        failed = cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="TriggeredRules",
            dimensions_map={"RuleName": rule.ref},
            statistic="Sum",
            period=EVERY_MINUTE,
        )
        return self._alarm("FailedTasksAlarm", "failed-tasks", failed, f"A task of {props.container_name} failed")

    def _alarm(self, construct_id: str, name: str, metric: cloudwatch.IMetric, description: str) -> str:
        props = AlarmProps(name=f"{self._name}-{name}", description=description, above=1, minutes=1)
        return add_alarm(self, construct_id, metric, props, self._settings.alarm_topic_arn)
