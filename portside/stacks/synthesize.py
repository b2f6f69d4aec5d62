"""Makes CloudFormation templates of the configuration: the CDK's entry point."""

from __future__ import annotations

import gc

# The CDK's modules are hundreds of thousands of objects that live as long as the process. Garbage collection of them
# takes a seventh of a synthesis.
gc.disable()

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aws_cdk as cdk

from portside import redact
from portside.commands import tool
from portside.config.configuration import ROOT, Configuration, load_configuration
from portside.config.context_flags import DESTROYING, KEPT_GROUPS, PARALLEL, REHEARSAL, REREAD, WITH_DATA
from portside.config.database_kinds import DatabaseKind
from portside.config.env_file import read_env_file
from portside.config.environment import OWNER_TAG, DatabaseOrigin, Environment
from portside.config.mistakes import quoted
from portside.config.service_groups import callees_of, has_many_calls, parse_groups
from portside.config.stacks import ConfiguredStack, StackKind, database_stacks, only_stack
from portside.config.start_order import awaited_callees
from portside.errors import UsageError, UserError
from portside.images.committed_locks import expect_committed
from portside.images.release_lock import lock_name
from portside.images.resolution import Resolution, read_resolution
from portside.images.synthesis_images import IMAGES_FILE, groups_for_synthesis, images_for_synthesis
from portside.stacks.bastion_stack import BastionStack
from portside.stacks.callees_first import CalleesFirst
from portside.stacks.container_stacks import Shared, add_service_stack, add_task_stack, groups_of
from portside.stacks.context import committed_context
from portside.stacks.database_stack import DatabaseStack
from portside.stacks.docdb_stack import DocdbStack
from portside.stacks.ecs_stack import EcsProps, EcsStack
from portside.stacks.load_balancer_stack import LoadBalancerProps, LoadBalancerStack
from portside.stacks.monitoring_stack import MonitoringStack
from portside.stacks.network_stack import NetworkStack
from portside.stacks.own_stacks import Platform, accept_calls, add_own_stacks
from portside.stacks.props import BastionProps, DatabaseProps
from portside.stacks.service_stack import ServiceStack

gc.freeze()
gc.enable()

_PAST_THE_ADDRESS = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_FILES_OF_PROFILES = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}


def main() -> None:
    """Synthesize the environment in the variable ENV, into the folder of the CDK command line."""
    try:
        settings = {**read_env_file(ROOT / ".env", interpolate=True), **os.environ}
        configuration, environment, images = _configuration_and_images(
            settings.get("ENV") or "", os.environ.get(IMAGES_FILE)
        )
        services = configuration.services_of(environment.name)
        app = build_app(
            configuration,
            environment.name,
            images=images,
            outdir=os.environ.get("CDK_OUTDIR", "cdk.out"),
            # A command passes the groups; without one, those of the last deployment from this clone are used.
            context={}
            if os.environ.get(IMAGES_FILE)
            else {KEPT_GROUPS: groups_for_synthesis(environment.name, services)},
        )
        if not _is_rehearsal(app):
            # `cdk deploy` without this tool has no other check.
            expect_committed(environment, services, images)
        app.synth()
        warnings = [each.sentence for each in configuration.warnings]
        for warning in filter(None, [*warnings, environment.unencrypted]):
            print(redact.current().text(f"Warning: {warning}"), file=sys.stderr)
    except UserError as error:
        print(redact.current().text(str(error)), file=sys.stderr)
        sys.exit(error.exit_code)


def _is_rehearsal(app: cdk.App) -> bool:
    """Whether the templates are for the embedded AWS: the flag is not enough, because anyone can pass it.

    No setting can direct the deployment to a real account: no other endpoint, no profile, no real key.
    """
    given = os.environ
    past = [name for name in given if name.startswith("AWS_ENDPOINT_URL_") or name in _PAST_THE_ADDRESS]
    files = [Path(given.get(name) or f"~/.aws/{file}").expanduser() for name, file in _FILES_OF_PROFILES.items()]
    return (
        _is_set(app, REHEARSAL)
        and urlsplit(given.get("AWS_ENDPOINT_URL", "")).hostname in ("127.0.0.1", "localhost")
        and given.get("AWS_ACCESS_KEY_ID", "").isdecimal()
        and not past
        and not any(file.exists() for file in files)
    )


def _configuration_and_images(name: str, chosen: str | None) -> tuple[Configuration, Environment, Resolution]:
    """The configuration with the images that a command chose, or else with those that are available."""
    images = read_resolution(Path(chosen)) if chosen else None
    if chosen and images is None:
        raise UsageError(
            f"{IMAGES_FILE}: no such file, got {quoted(chosen)}", f"Only a deployment sets it: unset {IMAGES_FILE}"
        )
    configuration = load_configuration(
        versions={name: images.version} if images else None, acting_on=[name] if name else None
    )
    environment = _chosen(configuration, name)
    if images is None:
        images = images_for_synthesis(environment, configuration.services_of(name))
        if images.stand_in:
            print(
                f"releases/{lock_name(images.version)} was made from stubs, which can't be pulled. "
                f"Replace it: {tool('release', 'pin', images.version, local=False)}",
                file=sys.stderr,
            )
    return configuration, environment, images


def build_app(
    configuration: Configuration,
    environment_name: str,
    *,
    images: Resolution | None = None,
    outdir: str | None = None,
    context: Mapping[str, Any] | None = None,
) -> cdk.App:
    """All stacks of one environment. The defaults of `context` are in cdk.json.

    An image that is not in `images` is deployed by its reference in the configuration.
    """
    environment = configuration.environment(environment_name)
    services = configuration.services_of(environment_name)
    app = cdk.App(outdir=outdir, context=committed_context() | dict(context or {}), tree_metadata=False)
    for key, value in environment.tags.items():
        cdk.Tags.of(app).add(key, value)
    kept = parse_groups(app.node.try_get_context(KEPT_GROUPS))
    protected = environment.is_production and not _is_set(app, DESTROYING)
    place: dict[str, Any] = {
        "env": cdk.Environment(account=environment.account, region=environment.region),
        "termination_protection": protected,
        # A tag of the stack, which CloudFormation adds to the resources.
        "tags": {OWNER_TAG: environment.owner},
    }

    network = NetworkStack(
        app,
        only_stack(environment, StackKind.NETWORK).name,
        environment.vpc_cidr,
        nat_gateways=environment.nat_gateways,
        log_retention_days=environment.log_retention_days,
        keep_exports=environment.keep_exports,
        **place,
    )
    database = _databases(app, environment, network, **place)
    ecs = EcsStack(
        app,
        only_stack(environment, StackKind.ECS_CLUSTER).name,
        network.vpc,
        environment.service_namespace,
        EcsProps(
            callees=callees_of(services),
            kept_groups=list(kept),
            many_callers=[props.container_name for props in services if has_many_calls(props)],
            container_insights=environment.container_insights,
            keep_exports=environment.keep_exports,
        ),
        **place,
    )
    load_balancer = _load_balancer(app, environment, network, place)
    platform = Platform(network.vpc, ecs.cluster, load_balancer.alb if load_balancer else None)
    own = add_own_stacks(
        app, configuration, environment, platform, protected=protected, deletable=_is_set(app, WITH_DATA)
    )
    accept_calls(own, services)
    shared = Shared(
        app, environment, images, place, network, database, ecs, load_balancer, own, rehearsed=_is_set(app, REHEARSAL)
    )
    jobs = [props for props in services if not props.is_service]
    tasks = [add_task_stack(shared, props) for props in jobs]
    services = tuple(props for props in services if props.is_service)
    made: dict[str, ServiceStack] = {}
    # Services with routes can need the listener of the one without.
    for props in sorted(services, key=lambda each: bool(each.routes)):
        made[props.container_name] = add_service_stack(shared, props, groups_of(props, services, ecs, kept), made)
    stacks = {props.container_name: made[props.container_name] for props in services}
    if not _is_set(app, PARALLEL):
        app.node.add_validation(CalleesFirst(awaited_callees(services), stacks))
    MonitoringStack(app, only_stack(environment, StackKind.MONITORING).name, shared, stacks, tasks, **place)
    if environment.bastion:
        BastionStack(
            app,
            only_stack(environment, StackKind.BASTION).name,
            network.vpc,
            BastionProps(
                key_name=environment.bastion.key_name,
                instance_type=environment.bastion.instance_type,
                ami_id=environment.bastion.ami_id,
                ami_region=environment.region,
            ),
            database_callers=database.callers if database else None,
            **place,
        )
    _let_reread(app)
    return app


def _load_balancer(
    app: cdk.App, environment: Environment, network: NetworkStack, place: Mapping[str, Any]
) -> LoadBalancerStack | None:
    if not environment.load_balancer:
        return None
    return LoadBalancerStack(
        app,
        only_stack(environment, StackKind.LOAD_BALANCER).name,
        network.vpc,
        LoadBalancerProps(
            deletion_protection=place["termination_protection"],
            log_retention_days=environment.log_retention_days,
            alarm_topic_arn=environment.alarm_topic_arn,
            keep_exports=environment.keep_exports,
            idle_timeout_seconds=environment.idle_timeout_seconds,
            allowed_networks=environment.allowed_networks,
            counted_rules=environment.firewall_exceptions,
            # A running environment of the previous app has its listeners in the stack of its service.
            has_listeners=not environment.adopted_stacks,
            certificate_arn=environment.certificate_arn,
        ),
        **place,
    )


def _databases(app: cdk.App, environment: Environment, network: NetworkStack, **keywords: Any) -> DatabaseStack | None:
    """Make the stacks of all databases. Returns the stack of the services' database, None without a database."""
    first: DatabaseStack | None = None
    for stack in database_stacks(environment):
        visitors = first.callers if first else None
        made = _database(app, environment, stack, network, visitors=visitors, **keywords)
        first = first or made
    return first


def _database(
    app: cdk.App, environment: Environment, stack: ConfiguredStack, network: NetworkStack, **keywords: Any
) -> DatabaseStack:
    kind = environment.database_kind
    assert kind is not None  # an environment without a kind has no such stack
    origin = environment.databases.get(stack.part, DatabaseOrigin())
    return _stack_class(kind)(
        app,
        stack.name,
        network.vpc,
        DatabaseProps(
            kind=kind,
            instance_type=environment.database_instance_class,
            instances=environment.database_instances,
            capacity=environment.database_capacity,
            storage_gib=environment.database_storage_gib,
            master_username=environment.database_username,
            database_name=environment.database_name,
            port=environment.database_port,
            engine_version=origin.engine_version or environment.database_engine_version,
            restored_from=origin if origin.is_restored else None,
            tls=environment.database_tls,
            alarm_topic_arn=environment.alarm_topic_arn,
            keep_exports=environment.keep_exports,
            deletable=_is_set(app, WITH_DATA),
            hardened=True,
        ),
        **keywords,
    )


def _stack_class(kind: DatabaseKind) -> type[DatabaseStack]:
    if kind.service == "docdb":
        return DocdbStack
    # The CDK's module takes a second to load.
    from portside.stacks.rds_stack import RdsStack

    return RdsStack


def _let_reread(app: cdk.App) -> None:
    """Change stacks without changing their resources, because only an update reads references again.

    The handle's name contains the time, so that a stack can be updated again.
    """
    stale = str(app.node.try_get_context(REREAD) or "")
    for stack in app.node.children if stale else ():
        if isinstance(stack, cdk.Stack) and stack.stack_name in stale.split(","):
            cdk.CfnWaitConditionHandle(stack, f"Reread{int(time.time())}")


def _chosen(configuration: Configuration, name: str) -> Environment:
    if not name:
        names = ", ".join(configuration.environments)
        raise UsageError("ENV: not set", f'Set it to one of {names}: "ENV=dev cdk synth".')
    return configuration.environment(name)


def _is_set(app: cdk.App, flag: str) -> bool:
    # `cdk --context` passes text.
    return app.node.try_get_context(flag) in (True, "true")
