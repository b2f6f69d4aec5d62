"""`review`: what the changes since a commit do to each environment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portside.cli.options import json_option, optional_environment_argument
from portside.errors import UsageError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.report.review import EnvironmentReview

_CANDIDATES = ("origin/HEAD", "main", "master", "HEAD")


@click.command()
@optional_environment_argument
@click.option("--base", metavar="REF", help="Compare with the commit at which this branch left REF.")
@click.option("--markdown", is_flag=True, help="Print a comment for a pull request.")
@click.option(
    "--from",
    "written",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Show the review that --json wrote into FILE, which is not trusted.",
)
@json_option
def review(environment: str | None, base: str | None, markdown: bool, written: Path | None, as_json: bool) -> None:
    """Show what the changes of this branch do to ENV.

    Compares templates, without AWS: replaced and interrupted resources first, findings, new tasks,
    images and monthly costs. Without ENV for all environments.
    """
    if markdown and as_json:
        raise UsageError("--markdown and --json exclude each other", "Use one of them.")
    if written:
        if environment or base:
            raise UsageError("--from shows a file that has its environments and base", "Omit ENV and --base.")
        found, since = _read(written)
    else:
        found, since = _review(environment, base)
    if as_json:
        console.print_json({"base": since, "environments": [each.as_json() for each in found]})
    elif markdown:
        from portside.report.review_comment import comment

        console.print_lines(comment(found, since).rstrip("\n"))
    else:
        _show(found, since)


def _review(environment: str | None, base: str | None) -> tuple[list[EnvironmentReview], str]:
    from portside.config.configuration import load_without_services
    from portside.report.review import review as compare
    from portside.synthesis.variants import Variant, commit, environments_of, synthesize_variants, working_tree

    ref, start = _start(base)
    here = working_tree()
    now = [each for each in environments_of(here) if each == (environment or each)]
    with commit(start) as source:
        former = [each for each in environments_of(source) if each == (environment or each)]
        if not former and not now:
            # Raises `UsageError`.
            load_without_services(here.app_file).environment(environment or "")
        with console.step(f"Making the templates of {ref}"):
            before = dict(zip(former, synthesize_variants(source, [Variant(name) for name in former]), strict=True))
    with console.step("Making the templates of app.py"):
        after = dict(zip(now, synthesize_variants(here, [Variant(name) for name in now]), strict=True))
    names = dict.fromkeys([*now, *former])
    return [compare(name, before.get(name), after.get(name)) for name in names], ref


def _start(base: str | None) -> tuple[str, str]:
    """The name of the base, and the commit at which this branch left it. Raises `UsageError`."""
    from portside.git import GitFailed, git
    from portside.repository import ROOT

    failure = None
    for ref in [base] if base else _CANDIDATES:
        try:
            start = git("merge-base", "HEAD", "--end-of-options", ref, folder=ROOT)
        except GitFailed as error:
            failure = error
            continue
        return f"{ref} ({start[:8]})", start
    raise UsageError(
        f"{base or 'no base'}: {failure.said if failure else 'not found'}",
        "Name a branch, tag or commit that this clone has: --base REF. A shallow clone has too few.",
    )


def _read(path: Path) -> tuple[list[EnvironmentReview], str]:
    from portside.config.source_file import read_text
    from portside.errors import UserError
    from portside.report.review import read_reviews

    try:
        content = json.loads(read_text(path, hint_missing="Make it with: review --json"))
        reviews, base = content["environments"], content["base"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"{path.name}: not a review", "Make it with: review --json") from error
    return read_reviews(reviews), str(base)[:200]


def _show(found: Sequence[EnvironmentReview], since: str) -> None:
    console.print_lines(f"Changes since {since}:")
    for each in found:
        sections = list(each.sections)
        console.print_lines("")
        console.print_lines(f"{each.environment}: {each.costs if sections else f'nothing changes; {each.costs}'}")
        for title, sentences in sections:
            console.print_lines(f"  {title}")
            for sentence in sentences:
                console.print_beneath("    ", "", sentence)
