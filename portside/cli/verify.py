"""The command that runs the pre-flight checks of a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from portside.cli.options import environment_argument, json_option, local_option, looking_at, read_configuration
from portside.errors import ConfigurationError, UsageError, UserError

if TYPE_CHECKING:
    from portside.findings.finding import Finding
    from portside.preflight.run import Verification

_MOST_NAMED = 5


@click.command()
@environment_argument
@local_option
@json_option
@click.option("--drift", is_flag=True, help="Also detect manual changes; takes minutes on AWS.")
@click.option(
    "--replace",
    "replace",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Allow the replacement or deletion of this stateful resource.",
)
@click.option(
    "--proof-profile", metavar="PROFILE", help="The AWS profile for stage's records, if it is in another account."
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Check the templates in FOLDER, such as cdk.out, without calling AWS.",
)
def verify(
    environment: str,
    local: bool,
    as_json: bool,
    drift: bool,
    replace: tuple[str, ...],
    proof_profile: str | None,
    templates: Path | None,
) -> None:
    """Run the pre-flight checks of a deployment of ENV.

    Checks the configuration, credentials, stacks, images, secrets, certificate, host name, addresses, quotas, the new
    templates, and the resources that they would replace or delete. What could not be read is SKIP, with the reason.
    Exit code 1 if a check fails. With --templates it checks the
    templates of a folder only: no AWS, no app.py.
    """
    if templates:
        others = {"--local": local, "--drift": drift, "--replace": replace, "--proof-profile": proof_profile}
        for option in (name for name, given in others.items() if given):
            raise UsageError(f"{option}: not with --templates", "Only the templates of the folder are read.")
        from portside.preflight.run import of_folder

        _report(of_folder(environment, templates), None, as_json=as_json)
        return
    from portside.aws.session import NoCredentials, NotReachable
    from portside.preflight.context import Options
    from portside.preflight.run import verify as verify_all
    from portside.preflight.run import without_configuration, without_credentials
    from portside.terminal.console import step

    options = Options(drift=drift, replace=frozenset(replace), proof_profile=proof_profile)
    stopped: UserError | None = None
    try:
        read_configuration(local=local).environment(environment)
        with step(f"Verifying {environment}"):
            acting = looking_at(environment, local=local)
            found = verify_all(acting.target, acting.configuration, options=options)
    except ConfigurationError as wrong:
        found, stopped = without_configuration(environment, wrong), wrong
    except (NoCredentials, NotReachable) as refused:
        found, stopped = without_credentials(environment, refused), refused
    _report(found, stopped, as_json=as_json)


def _report(found: Verification, stopped: UserError | None, *, as_json: bool) -> None:
    from portside.terminal import console

    if as_json:
        console.print_json(found.as_json() | ({"error": stopped.as_error()} if stopped else {}))
    elif not isinstance(stopped, ConfigurationError):
        _show(found)
    if stopped:
        # In every command the same sentence and exit code; of a wrong configuration it says all that there is.
        raise stopped
    if found.failed:
        subjects = list(dict.fromkeys(check.subject for check in found.failed))
        more = f" and {len(subjects) - _MOST_NAMED} more" if len(subjects) > _MOST_NAMED else ""
        raise UserError(
            f"{found.environment}: {len(found.failed)} of {len(found.checks)} checks failed: "
            f"{', '.join(subjects[:_MOST_NAMED])}{more}",
            "What to do is below each FAIL.",
        )


def _show(found: Verification) -> None:
    """Print every check, those that were skipped for one reason together, then the summary and the failures again."""
    from portside.findings.check import SKIP, printed
    from portside.terminal import console

    made = [(printed(each), each.subject, _with_fix(each)) for each in found.checks if each.state is not SKIP]
    skipped = [("SKIP", ", ".join(subjects), reason) for reason, subjects in found.skipped.items()]
    console.print_checks([*made, *skipped])
    console.print_lines(f"\n{found.summary}")
    if len(made) > len(found.failed):
        console.print_checks([(printed(each), each.subject, _with_fix(each)) for each in found.failed])


def _with_fix(check: Finding) -> str:
    return f"{check.what}\n{check.fix}" if check.fix else check.what
