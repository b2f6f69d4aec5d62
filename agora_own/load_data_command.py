"""`./agora load-data`: loads Agora's data into an environment's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.answers import confirm, confirm_change, say_all
from portside.cli.options import (
    ChangeOptions,
    ProofOptions,
    changing_options,
    environment_argument,
    proof_options,
)
from portside.cli.proof import clear_task, starting_services
from portside.cli.targets import locked_target
from portside.errors import UsageError
from portside.terminal import console

if TYPE_CHECKING:
    from agora_own.load_data import LoadPlan
    from portside.aws.target import Target
    from portside.config.configuration import Configuration
    from portside.images.resolved_image import ResolvedImage


@click.command("load-data")
@environment_argument
@click.option(
    "--version", "data_version", metavar="N", help="The version of the data; without it that of the last load."
)
@changing_options
@proof_options
def load_data(environment: str, data_version: str | None, change: ChangeOptions, proof: ProofOptions) -> None:
    """Load data into ENV's database with the agora-data image.

    Checks the preconditions first, shows the log of the task, waits until it stops, then redeploys the services
    that cache.

    In production the image must be in a committed lock, and must have exited with code 0
    in the environment that proves it.
    """
    from agora_own import load_data as loading
    from agora_own.loader_image import LOADER
    from portside.images.service_images import ServiceImage
    from portside.records.origin import read_origin
    from portside.records.proving_record import no_proof_to_come

    with locked_target(environment, local=change.local, only_if_running=True) as configured:
        target, configuration = configured.target, configured.configuration
        version = data_version or loading.last_version(target.clients("ssm"), target.environment)
        if not version:
            raise UsageError(
                f"no data of {target.environment.name} was loaded by this tool, so there is no version to repeat",
                f"Name it: {target.commands.tool('load-data', '--version', 'N')}",
            )
        image = _loader_image(target, configuration)
        planned = loading.plan(target, configured.services, image, version)
        if not change.as_json:
            show_load_plan(planned)
        origin = read_origin(target)
        say_all([no_proof_to_come(configuration, target, origin)], "yellow")
        cleared = clear_task(
            configured,
            ServiceImage(LOADER, image.name, image.tag, image.digest),
            starting_services(configured, planned.caching),
            reason=proof.unproven,
            profile=proof.proof_profile,
        )
        if change.dry_run:
            if change.as_json:
                console.print_json(planned.as_json())
            return
        loading.expect_met(planned)
        cleared.confirm(confirm)
        question = f"Load data version {version} into {target.environment.name} {target.place}?"
        confirm_change(question, target.environment, change)
        done = loading.load(target, configuration, planned, origin, terms=cleared.terms())
        if change.as_json:
            console.print_json(done.as_json())
        else:
            console.print_lines(f"{target.environment.name} has data version {version}: {done.seconds:.0f} s.")


def show_load_plan(planned: LoadPlan) -> None:
    """Print the task to run and the results of the checks."""
    from portside.findings.check import FAIL, OK, printed
    from portside.terminal.console import say

    say(f"  runs   {planned.image.name}:{planned.image.tag} {planned.image.digest[7:19]} once, on {planned.cluster}")
    say(f"  loads  data version {planned.data_version}")
    say(f"  then   new tasks of {', '.join(planned.caching) or 'nothing'}")
    for check in planned.checks:
        style = {OK: None, FAIL: "red"}.get(check.state, "yellow")
        say(f"  {printed(check):<5}  {check.subject}: {check.what}", style)


def _loader_image(target: Target, configuration: Configuration) -> ResolvedImage:
    """The loader at the environment's version, by its lock where that has it; a rehearsal makes up what is missing."""
    from agora_own.load_preconditions import SYNAPSE_SECRET
    from agora_own.loader_image import loader_image
    from portside.images.release_lock import find_lock
    from portside.plan.images import lock_folders, look_up

    environment = target.environment
    reference = loader_image(configuration.services_of(environment.name), environment.ghcr_package_version)
    if target.local_aws is not None:
        from portside.emulator.client.seed import seed

        seed(
            target.local_aws,
            environment.account,
            environment.region,
            certificate_arn=environment.certificate_arn,
            domain=environment.fqdn,
            secrets={SYNAPSE_SECRET: None},
            images=[reference],
        )
    if environment.is_released:
        lock = find_lock(environment.ghcr_package_version, lock_folders(local=target.is_local))
        if lock and reference in lock.images and (target.is_local or not lock.stand_in):
            return lock.images[reference]
    version = environment.ghcr_package_version
    return look_up([reference], version, configuration, local=target.is_local).images[reference]
