"""The command that prints what an account's owner gives to those who deploy."""

from __future__ import annotations

import click

from operations.commands.options import environment_argument, read_form

DOCUMENTS = ("trust", "deploy", "operator", "destroy")


@click.command()
@environment_argument
@click.option("--repository", metavar="OWNER/NAME", help="Which GitHub repository deploys; by default this clone's.")
@click.option("--only", type=click.Choice(DOCUMENTS), help="Print this document alone, as IAM takes it.")
def role(environment: str, repository: str | None, only: str | None) -> None:
    """Print who may deploy ENV, and all else in its account, and with which rights: JSON for the account's owner.

    trust and deploy make the role of GitHub's jobs. operator is what people need beside deploy, and destroy what taking
    an environment down needs beside both. AWS is not asked.
    """
    from operations import console
    from operations.deploy_role import role_documents

    deploys = _repository(repository) if only in (None, "trust") else None
    documents = role_documents(read_form(local=False), environment, deploys)
    if deploys:
        jobs = f"GitHub's environments {' and '.join(documents.environments)}"
        console.say(f"Account {documents.account}, for jobs of {deploys} in {jobs}.")
    console.print_json(documents.as_json()[only] if only else documents.as_json())


def _repository(given: str | None) -> str:
    from operations.deploy_role import parse_repository, repository_of
    from operations.git import GitFailed, git
    from src.errors import UsageError
    from src.form import ROOT

    if given:
        return parse_repository(given)
    try:
        found = repository_of(git("remote", "get-url", "origin", folder=ROOT))
    except GitFailed:
        found = None
    if not found:
        raise UsageError(
            "which repository deploys is not known: this clone's origin is not on GitHub",
            "Name it: --repository OWNER/NAME.",
        )
    return found
