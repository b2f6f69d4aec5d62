"""The command that asks what can be known before a deployment."""

from __future__ import annotations

import click

from operations.commands.options import environment_argument, json_option, local_option, looking_at, read_form
from src.errors import AgoraError, FormError

_MOST_NAMED = 5


@click.command()
@environment_argument
@local_option
@json_option
@click.option("--drift", is_flag=True, help="Also look for what was changed by hand; on AWS that takes minutes.")
@click.option(
    "--replace",
    "replace",
    multiple=True,
    metavar="LOGICAL_ID",
    help="What holds state, and is meant to be replaced or deleted all the same.",
)
@click.option(
    "--proof-profile", metavar="PROFILE", help="The AWS profile that reads stage's record, where that is elsewhere."
)
def verify(
    environment: str, local: bool, as_json: bool, drift: bool, replace: tuple[str, ...], proof_profile: str | None
) -> None:
    """Say what a deployment of ENV would meet, and change nothing. Exit code 1 when something is found wanting.

    Looks at the form, credentials, stacks, images, secrets, certificate, host name, addresses, quotas, and at what the
    new templates would replace or delete. What can't be known is SKIP, with its reason.
    """
    from operations import console
    from operations.progress import step
    from operations.verification.context import Options
    from operations.verification.verify import verify as verify_all
    from operations.verification.verify import without_credentials, without_form
    from portside.aws.session import NoCredentials, NotReachable

    options = Options(drift=drift, replace=frozenset(replace), proof_profile=proof_profile)
    stopped: AgoraError | None = None
    try:
        read_form(local=local).environment(environment)
        with step(f"Verifying {environment}"):
            acting = looking_at(environment, local=local)
            found = verify_all(acting.target, acting.form, options=options)
    except FormError as wrong:
        found, stopped = without_form(environment, wrong), wrong
    except (NoCredentials, NotReachable) as refused:
        found, stopped = without_credentials(environment, refused), refused
    if as_json:
        console.print_json(found.as_json() | ({"error": stopped.as_error()} if stopped else {}))
    else:
        console.print_checks([(each.state, each.subject, _told(each.found, each.hint)) for each in found.checks])
    if stopped:
        # In every command the same sentence and exit code.
        raise stopped
    if found.failed:
        subjects = [check.subject for check in found.failed]
        more = f" and {len(subjects) - _MOST_NAMED} more" if len(subjects) > _MOST_NAMED else ""
        raise AgoraError(
            f"{environment} is found wanting: {', '.join(subjects[:_MOST_NAMED])}{more}",
            "What to do stands below each FAIL.",
        )


def _told(found: str, hint: str) -> str:
    return f"{found}\n{hint}" if hint else found
