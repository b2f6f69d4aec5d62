"""A task that is started on its own, and ends."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from portside.config.service_props import ServiceProps
from portside.stacks.task_stack import TaskStack


class JobStack(TaskStack):
    """A task that RunTask starts: it has no service and no port.

    The parameter `request_parameter` has the request that starts it. Its alarms, whose names are `alarms`, notify
    `alarm_topic_arn`. The rest is as in `TaskStack`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        cluster: ecs.ICluster,
        props: ServiceProps,
        *,
        request_parameter: str,
        alarm_topic_arn: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, props, **kwargs)
        self.cluster, self._topic_arn = cluster, alarm_topic_arn
        self.alarms: list[str] = []
        own_group = ec2.SecurityGroup(self, "Group", vpc=vpc, description=f"Tasks of {props.container_name}")
        groups = [own_group, *self._groups_of_calls(props, {}, None)]
        self.network: dict[str, Any] = {
            "subnets": vpc.select_subnets().subnet_ids,
            "securityGroups": [group.security_group_id for group in groups],
            "assignPublicIp": "DISABLED",
        }
        request = {
            "cluster": cluster.cluster_name,
            "taskDefinition": self.task_definition.task_definition_arn,
            "networkConfiguration": {"awsvpcConfiguration": self.network},
            "enableExecuteCommand": self.ecs_exec,
        }
        # Not outputs: values of other stacks are read again only when a resource is updated.
        parameter = ssm.StringParameter(
            self,
            "Request",
            parameter_name=request_parameter,
            description=f"The request of RunTask that starts {props.container_name}",
            string_value=self.to_json_string(request),
        )
        # A task that starts without its permissions fails.
        parameter.node.add_dependency(self._task_role, self._execution_role)
        self._add_image_outputs()
