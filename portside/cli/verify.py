"""`verify`: runs the pre-flight checks of a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portside.cli.options import collect, environment_argument, json_option, local_option, replace_option
from portside.cli.targets import configured_target, read_configuration
from portside.errors import ConfigurationError, UsageError, UserError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.findings.finding import Finding
    from portside.preflight.run import Verification

_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """The options of the checks; `templates` is a folder to check without calling AWS."""

    drift: bool
    replace: tuple[str, ...]
    proof_profile: str | None
    templates: Path | None


@click.command()
@environment_argument
@local_option
@json_option
@click.option("--drift", is_flag=True, help="Also detect manual changes; takes minutes on AWS.")
@replace_option
@click.option(
    "--proof-profile", metavar="PROFILE", help="The AWS profile for stage's records, if it is in another account."
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Check the templates in FOLDER, such as cdk.out, without calling AWS.",
)
@collect(VerifyOptions, "options")
def verify(environment: str, local: bool, as_json: bool, options: VerifyOptions) -> None:
    """Run the pre-flight checks of a deployment of ENV.

    Checks the configuration, credentials, stacks, images, secrets, certificate, host name, addresses, quotas, the new
    templates, and the resources that they would replace or delete. A check that could not read something is SKIP, with
    the reason. Exit code 1 if a check fails. With --templates it checks the templates of a folder only: no AWS, no
    app.py.
    """
    if options.templates:
        others = {"--local": local, "--drift": options.drift, "--replace": options.replace}
        others["--proof-profile"] = options.proof_profile
        for option in (name for name, given in others.items() if given):
            raise UsageError(f"{option}: not with --templates", "Only the templates of the folder are read.")
        from portside.preflight.run import of_folder

        _report(of_folder(environment, options.templates), None, as_json=as_json)
        return
    from portside.aws.session import NoCredentials, NotReachable
    from portside.preflight.context import Options
    from portside.preflight.run import verify as verify_all
    from portside.preflight.run import without_configuration, without_credentials

    checks = Options(drift=options.drift, replace=frozenset(options.replace), proof_profile=options.proof_profile)
    stopped: UserError | None = None
    try:
        read_configuration(local=local, acting_on=[environment]).environment(environment)
        with console.step(f"Verifying {environment}"):
            configured = configured_target(environment, local=local, warns=True)
            found = verify_all(configured.target, configured.configuration, options=checks)
    except ConfigurationError as wrong:
        found, stopped = without_configuration(environment, wrong), wrong
    except (NoCredentials, NotReachable) as refused:
        found, stopped = without_credentials(environment, refused), refused
    _report(found, stopped, as_json=as_json)


def _report(found: Verification, stopped: UserError | None, *, as_json: bool) -> None:

    if as_json:
        console.print_json(found.as_json() | ({"error": stopped.as_error()} if stopped else {}))
    elif not isinstance(stopped, ConfigurationError):
        _show(found)
    if stopped:
        # The same message and exit code in every command; for a wrong configuration it lists every problem.
        raise stopped
    if found.failed:
        subjects = list(dict.fromkeys(check.subject for check in found.failed))
        more = f" and {len(subjects) - _MOST_NAMED} more" if len(subjects) > _MOST_NAMED else ""
        raise UserError(
            f"{found.environment}: {len(found.failed)} of {len(found.checks)} checks failed: "
            f"{', '.join(subjects[:_MOST_NAMED])}{more}",
            "The fix is below each FAIL.",
        )


def _show(found: Verification) -> None:
    """Print every check, grouping those skipped for one reason, then the summary and the failures again."""
    from portside.findings.check import SKIP, printed

    made = [(printed(each), each.subject, _with_fix(each)) for each in found.checks if each.state is not SKIP]
    skipped = [("SKIP", ", ".join(subjects), reason) for reason, subjects in found.skipped.items()]
    console.print_checks([*made, *skipped])
    console.print_message(f"\n{found.summary}")
    if len(made) > len(found.failed):
        console.print_checks([(printed(each), each.subject, _with_fix(each)) for each in found.failed])


def _with_fix(check: Finding) -> str:
    return f"{check.what}\n{check.fix}" if check.fix else check.what
