"""Adds the stack of each container: a service, or a task that ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from portside.config.environment import Environment
from portside.config.service_groups import CALLERS_OF, CALLS_OF, KeptGroups
from portside.config.service_props import Schedule, ServiceProps
from portside.config.stacks import request_parameter, service_stack, task_stack
from portside.images.resolution import Resolution
from portside.stacks.database_stack import DatabaseStack
from portside.stacks.ecs_stack import EcsStack
from portside.stacks.load_balanced_service_stack import LoadBalancedServiceStack, RoutedServiceStack
from portside.stacks.load_balancer_stack import LoadBalancerStack
from portside.stacks.network_stack import NetworkStack
from portside.stacks.own_stacks import OwnResources
from portside.stacks.service_stack import ServiceSettings, ServiceStack

if TYPE_CHECKING:
    from portside.stacks.job_stack import JobStack


@dataclass(frozen=True)
class Shared:
    """The context of the stacks of all containers; `place` are the properties that all stacks have."""

    app: cdk.App
    environment: Environment
    images: Resolution | None
    place: Mapping[str, Any]
    network: NetworkStack
    database: DatabaseStack | None
    ecs: EcsStack
    load_balancer: LoadBalancerStack | None
    own: Mapping[str, OwnResources]
    rehearsed: bool

    def task_settings(self, props: ServiceProps) -> dict[str, Any]:
        """The fields of `TaskSettings`."""
        return {
            "database": self.database.database if self.database else None,
            "own": self.own,
            "ecs_exec": self.environment.ecs_exec,
            "log_retention_days": self.environment.log_retention_days,
            "alarm_topic_arn": self.environment.alarm_topic_arn,
            "image": self.images.images.get(props.container_location) if self.images else None,
            "rehearsed": self.rehearsed,
        }


def add_task_stack(shared: Shared, props: ServiceProps) -> JobStack:
    """Add the stack of a job or scheduled task."""
    from portside.stacks.job_stack import JobSettings

    return _task_class(props)(
        shared.app,
        task_stack(shared.environment, props.container_name).name,
        shared.network.vpc,
        shared.ecs.cluster,
        props,
        JobSettings(**shared.task_settings(props), request_parameter=request_parameter(shared.environment, props)),
        **shared.place,
    )


def _task_class(props: ServiceProps) -> type[JobStack]:
    # The CDK's modules of these stacks take time to load, and most apps have no such stack.
    if isinstance(props.runs, Schedule):
        from portside.stacks.scheduled_task_stack import ScheduledTaskStack

        return ScheduledTaskStack
    from portside.stacks.job_stack import JobStack

    return JobStack


def add_service_stack(
    shared: Shared, props: ServiceProps, groups: Mapping[str, Any], made: Mapping[str, ServiceStack]
) -> ServiceStack:
    """Add the stack of a service; `made` are those of the services before it."""
    environment = shared.environment
    settings = ServiceSettings(
        **shared.task_settings(props),
        **groups,
        deployment_alarms=shared.load_balancer.alarms if shared.load_balancer else (),
        # While a running environment is being adopted, its callers have no security group yet.
        open_to=environment.vpc_cidr if environment.keep_exports else None,
    )
    name = service_stack(environment, props.container_name).name
    usual = (shared.app, name, shared.network.vpc, shared.ecs.cluster, props)
    keywords = {"settings": settings, **shared.place}
    if not props.public or shared.load_balancer is None:
        return ServiceStack(*usual, **keywords)
    listener = shared.load_balancer.listener
    if props.routes and listener is None:
        listener = next(each.listener for each in made.values() if isinstance(each, LoadBalancedServiceStack))
    if listener:
        return RoutedServiceStack(*usual, listener, **keywords)
    return LoadBalancedServiceStack(
        *usual,
        shared.load_balancer.alb,
        environment.certificate_arn,
        props.health_check_path,
        **keywords,
    )


def groups_of(
    props: ServiceProps, services: tuple[ServiceProps, ...], ecs: EcsStack, kept: KeptGroups
) -> dict[str, Any]:
    """The security groups that a service has or has rules for, with those that are kept for it."""
    callers = {
        each.container_name for each in services if props.container_name in {call.service for call in each.calls}
    }
    kept_here = {group_id: ecs.kept[group_id] for group_id, users in kept.items() if props.container_name in users}
    own = f"{CALLERS_OF}{props.container_name}"
    return {
        "callers": ecs.callers | ({props.container_name: kept_here[own]} if own in kept_here else {}),
        "calls_group": ecs.calls.get(props.container_name),
        "many_callers": {
            **{caller: group for caller, group in ecs.calls.items() if caller in callers},
            **{
                group_id.removeprefix(CALLS_OF): group
                for group_id, group in kept_here.items()
                if group_id.startswith(CALLS_OF)
            },
        },
    }
