"""`release verify`: checks that an environment runs its release."""

from __future__ import annotations

import click

from portside.cli.options import environment_argument, json_option, local_option
from portside.cli.targets import configured_target
from portside.commands import tool
from portside.errors import UserError
from portside.terminal import console


@click.command()
@environment_argument
@local_option
@json_option
def verify(environment: str, local: bool, as_json: bool) -> None:
    """Check that ENV runs the release that was chosen.

    Compares running tasks, the site's footer and the lock. Exit code 1 if they differ.
    """
    from portside.findings.check import check_as_json, printed
    from portside.plan.rollback import restored_images
    from portside.records.deployment_record import read_records
    from portside.release.verify import FAIL, check_records, expected_images, site_of
    from portside.release.verify import verify as verify_images

    configured = configured_target(environment, local=local)
    target = configured.target
    records = read_records(target.clients("ssm"), target.environment)
    expected, source = expected_images(target, configured.configuration, records)
    checks = verify_images(target, configured.services, expected, site_of(target))
    checks += check_records(target, configured.services, records)
    failed = [check for check in checks if check.state == FAIL]
    if as_json:
        console.print_json(
            {"against": source, "checks": [check_as_json(check) for check in checks], "agree": not failed}
        )
    else:
        console.print_lines(f"{target.environment.name} against {source}")
        console.print_checks([(printed(check), check.subject, check.what) for check in checks])
    if failed:
        name = target.environment.name
        hint = f"Deploy it, or see what was done: {tool('history', name)}"
        if restored_images(records, expected):
            hint = f"{name} was rolled back: merge the rollback's commit into {name}, then they agree."
        raise UserError(f"{name} does not run what it should: {', '.join(each.subject for each in failed)}", hint)
