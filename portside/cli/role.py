"""`role`: prints the IAM policies for deploying."""

from __future__ import annotations

import click

from portside.cli.options import environment_argument
from portside.cli.targets import read_configuration
from portside.terminal import console

DOCUMENTS = ("trust", "deploy", "operator", "destroy")


@click.command()
@environment_argument
@click.option("--repository", metavar="OWNER/NAME", help="The GitHub repository that deploys; this clone's by default.")
@click.option("--owner-id", metavar="NUMBER", help="The owner's numeric id at GitHub, for subjects with ids.")
@click.option("--repository-id", metavar="NUMBER", help="The repository's numeric id at GitHub; with --owner-id.")
@click.option("--shared", is_flag=True, help="One role for all environments in ENV's account.")
@click.option("--only", type=click.Choice(DOCUMENTS), help="Print only this document, ready for IAM.")
def role(
    environment: str,
    repository: str | None,
    owner_id: str | None,
    repository_id: str | None,
    shared: bool,
    only: str | None,
) -> None:
    """Print IAM policies for the roles that deploy ENV.

    trust and deploy are for the role of GitHub Actions. operator has the additional rights of engineers, and
    destroy the additional rights to delete an environment. None of them can write to another environment. No AWS
    calls are made.
    """
    from portside.deploy.deploy_role import others_in_account, role_documents
    from portside.deploy.github_trust import parse_repository
    from portside.errors import UsageError

    configuration = read_configuration(local=False, acting_on=())
    configuration.environment(environment)
    needs_repository = only in (None, "trust") or owner_id is not None or repository_id is not None
    deploys = parse_repository(_repository(repository), owner_id, repository_id) if needs_repository else None
    documents = role_documents(configuration, environment, deploys, shared=shared)
    if only == "destroy" and not documents.destroy["Statement"]:
        raise UsageError(
            f"no role can destroy {environment}, which is a production environment",
            "The owner of the account must delete it.",
        )
    others = others_in_account(configuration, environment)
    if others and not shared:
        console.say(
            f"Account {documents.account} also has {' and '.join(others)}, which this role must not serve: "
            "give each its own role, or print one for all with --shared.",
            "yellow",
        )
    if deploys:
        jobs = f"GitHub's environments {' and '.join(documents.environments)}"
        console.say(f"Account {documents.account}, for jobs of {deploys} in {jobs}.")
    console.print_json(documents.as_json()[only] if only else documents.as_json())


def _repository(given: str | None) -> str:
    from portside.config.configuration import ROOT
    from portside.deploy.github_trust import repository_of
    from portside.errors import UsageError
    from portside.git import GitFailed, git

    if given:
        return given
    try:
        found = repository_of(git("remote", "get-url", "origin", folder=ROOT))
    except GitFailed:
        found = None
    if not found:
        raise UsageError(
            "the repository that deploys is unknown: this clone's origin is not on GitHub",
            "Name it: --repository OWNER/NAME.",
        )
    return found
