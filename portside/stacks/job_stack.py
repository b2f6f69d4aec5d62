"""A task that is started on its own, and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from portside.config.service_props import ServiceProps
from portside.stacks.task_stack import TaskSettings, TaskStack


@dataclass(frozen=True)
class JobSettings(TaskSettings):
    """The settings of a job; the parameter `request_parameter` has the request that starts it."""

    request_parameter: str = ""


class JobStack(TaskStack):
    """A task that RunTask starts: it has no service and no port. `alarms` are the names of its alarms."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        cluster: ecs.ICluster,
        props: ServiceProps,
        settings: JobSettings,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, props, settings, **kwargs)
        self.cluster = cluster
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
            parameter_name=settings.request_parameter,
            description=f"The request of RunTask that starts {props.container_name}",
            string_value=self.to_json_string(request),
        )
        # A task that starts without its permissions fails.
        parameter.node.add_dependency(self._task_role, self._execution_role)
        self._add_image_outputs()
