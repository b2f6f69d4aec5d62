"""Preparing the embedded AWS for an environment: what is set up once by hand in a real account."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from portside.aws.model import Stack as DeployedStack
from portside.aws.stack_reading import read_stack
from portside.aws.target import Target, local_state_dir, local_target
from portside.config.environment import Environment
from portside.config.image_reference import LOCAL_BUILD, stub_reference
from portside.config.mistakes import suggestion
from portside.config.service_names import find_service
from portside.config.service_props import ServiceProps
from portside.deploy.clone_lock import clone_lock
from portside.emulator.client import control, process, seed
from portside.errors import UsageError
from portside.extension import installed
from portside.images.resolution import Resolution
from portside.synthesis import cdk_cli
from portside.terminal.console import say, step

BOOTSTRAP_STACK = "CDKToolkit"
_BOOTSTRAP_SECONDS = 60


def prepare(environment: Environment, services: Sequence[ServiceProps], images: Sequence[str]) -> Target:
    """Start the embedded AWS if it does not run, and give it the environment's certificate, secrets and images."""
    aws = process.up(local_state_dir(), announce=say, proxies=installed().proxies)
    target = local_target(environment)
    # Stage and prod share an account.
    with clone_lock("bootstrap-local", wait=True):
        if not _is_bootstrapped(target):
            with step("Bootstrapping the account for the CDK"):
                cdk_cli.bootstrap(target, lambda _: None)
    seed.seed(
        aws,
        environment.account,
        environment.region,
        certificate_arn=environment.certificate_arn,
        # Environments share certificates, and app.py does not have their names.
        domain=f"*.{environment.fqdn.partition('.')[2]}" if environment.fqdn else "",
        secrets=secrets_of(services),
        images=images,
    )
    return target


def _is_bootstrapped(target: Target) -> bool:
    """Whether the account has a complete bootstrap stack. The remains of an interrupted bootstrap are deleted."""
    cloudformation, s3 = target.clients("cloudformation"), target.clients("s3")
    found = _settled_bootstrap(cloudformation)
    bucket = f"cdk-hnb659fds-assets-{target.environment.account}-{target.environment.region}"
    has_bucket = bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    if found is not None and found.is_usable and has_bucket:
        return True
    if found is not None:
        say(f"{BOOTSTRAP_STACK} is {found.status}: an earlier bootstrap was interrupted. It is created again.")
        cloudformation.delete_stack(StackName=BOOTSTRAP_STACK)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=BOOTSTRAP_STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    if has_bucket:
        # The stack retains its bucket, so that its next creation would find the name taken.
        _delete_bucket(s3, bucket)
    return False


def _settled_bootstrap(cloudformation: Any) -> DeployedStack | None:
    """The bootstrap stack, once an operation that an interrupted command began has finished."""
    until = time.monotonic() + _BOOTSTRAP_SECONDS
    while True:
        found = read_stack(cloudformation, BOOTSTRAP_STACK)
        if found is None or found.is_settled or found.status == "REVIEW_IN_PROGRESS" or time.monotonic() > until:
            return found
        time.sleep(0.2)


def _delete_bucket(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def secrets_of(services: Sequence[ServiceProps]) -> Mapping[str, tuple[str, ...] | None]:
    """The secrets that people create, and the JSON fields that are read of each; None where it is a plain text."""
    fields: dict[str, list[str]] = {}
    for props in services:
        for name, field in props.read_secrets:
            found = fields.setdefault(name, [])
            if field is not None and field not in found:
                found.append(field)
    return {name: tuple(found) or None for name, found in fields.items()}


def images_of(services: Sequence[ServiceProps], lock: Resolution | None) -> list[str]:
    """The images of the services, by the lock if there is one; a stub instead of a local build."""
    images = []
    for location in (props.container_location for props in services):
        if location.startswith(LOCAL_BUILD):
            images.append(stub_reference(location))
        elif lock and not lock.stand_in and location in lock.images:
            images.append(lock.images[location].reference)
        else:
            images.append(location)
    return images


def switch_faults(target: Target, services: Sequence[ServiceProps], faults: Sequence[str]) -> None:
    """Switch on faults written as SERVICE=FAULT or SERVICE=FAULT:VALUE; those of earlier runs are cleared first."""
    from portside.emulator.client.control import FAULTS

    parsed = []
    for text in faults:
        name, _, named = text.partition("=")
        fault, _, value = named.partition(":")
        try:
            service = find_service(target.environment, services, name)
        except UsageError as error:
            raise UsageError(f"--fault {text}: {error.message}", error.hint) from None
        if fault not in FAULTS:
            raise UsageError(f"--fault {text}: no fault {fault!r}", suggestion(fault, list(FAULTS)))
        parsed.append((service.container_name, fault, value or None))
    aws = process.running(local_state_dir())
    control.clear_faults(target.environment.account, aws=aws)
    for container, switched, setting in parsed:
        control.set_fault(target.environment.account, container, switched, setting, aws=aws)
