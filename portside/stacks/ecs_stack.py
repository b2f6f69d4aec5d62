"""The cluster that the services run on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from portside.config.service_groups import CALLERS_OF, CALLS_OF
from portside.stacks.acknowledgment import acknowledge
from portside.stacks.callers import callers_group, calls_group

_OUTPUTS = "Publish"


@dataclass(frozen=True)
class EcsProps:
    """A cluster, with a group for the callers of each of `callees`, and one for all calls of each of `many_callers`.

    `kept_groups` are ids of groups that no service needs any longer, and that are kept with their outputs.
    """

    callees: Sequence[str] = ()
    many_callers: Sequence[str] = ()
    kept_groups: Sequence[str] = ()
    container_insights: bool = False
    keep_exports: bool = False


_DEFAULTS = EcsProps()


class EcsStack(Stack):
    """The cluster, its Service Connect namespace, and the security groups between services.

    `callers` has the group of the callers of each callee, `calls` the group of each caller with many calls: the stack
    of a service doesn't depend on another's.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        namespace: str,
        props: EcsProps = _DEFAULTS,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=vpc,
            default_cloud_map_namespace=ecs.CloudMapNamespaceOptions(name=namespace, use_for_service_connect=True),
            enable_fargate_capacity_providers=True,
            container_insights_v2=ecs.ContainerInsights.ENABLED
            if props.container_insights
            else ecs.ContainerInsights.DISABLED,
            # Logged sessions need permissions for log groups in every task role. CloudTrail logs who opened a session.
            execute_command_configuration=ecs.ExecuteCommandConfiguration(logging=ecs.ExecuteCommandLogging.NONE),
        )
        if not props.container_insights:
            acknowledge(
                self.cluster,
                "AwsSolutions-ECS4",
                "billed by the metric; the alarms look at the free metrics of ECS and of the load balancer, and "
                "CONTAINER_INSIGHTS in the form switches it on for whoever needs more",
            )
        self.callers = {callee: callers_group(self, f"CallersOf-{callee}", vpc, callee) for callee in props.callees}
        self.calls = {caller: calls_group(self, vpc, caller) for caller in props.many_callers}
        self.kept = {group_id: self._keep(group_id, vpc) for group_id in props.kept_groups}
        if props.keep_exports:
            self.export_value(self.cluster.cluster_name)

    def _keep(self, group_id: str, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        """A group that was configured before, with its output for other stacks under the same name."""
        if group_id.startswith(CALLS_OF):
            group = calls_group(self, vpc, group_id.removeprefix(CALLS_OF))
        else:
            group = callers_group(self, group_id, vpc, group_id.removeprefix(CALLERS_OF))
        # The CDK creates outputs for other stacks with these names.
        scope = self.node.try_find_child(_OUTPUTS) or Construct(self, _OUTPUTS)
        read = json.dumps(self.resolve(group.security_group_id), separators=(",", ":"))
        CfnOutput(cast(Construct, scope), f"Output{read}", value=group.security_group_id)
        return group
