"""`./agora release …`: from a tag on the monorepo to prod, step by step, each checked before it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from operations import console
from operations.commands.options import (
    Reaching,
    Suggesting,
    answer,
    dry_run_option,
    environment_argument,
    go_ahead,
    json_option,
    local_option,
    looking_at,
    read_form,
    say_all,
    yes_option,
)
from operations.commands.proving import confirm, proof_profile_option, unproven_option
from operations.commands.release_view import show_lock, show_matrix, show_promotion
from portside.commands import tool
from src.errors import AgoraError, UsageError

if TYPE_CHECKING:
    from operations.release.monorepo import Monorepo
    from operations.release.pull_request import Outcome
    from operations.release.version_tags import Part
    from src.form import Form
    from src.resolution import Resolution

repository_option = click.option(
    "--repository",
    metavar="WHERE",
    help="The monorepo: a git address, or the folder of a clone. By default what RELEASES in app.py says.",
)
push_option = click.option(
    "--push/--no-push", default=True, show_default=True, help="Push the branch, and open a pull request with gh."
)


def part_options(command: Any) -> Any:
    """The part of the version that is counted up, where it is not the last candidate that goes on."""
    for part in ("major", "minor", "patch"):
        help_text = f"Go to the next {part} version instead of what follows the last tag."
        command = click.option(f"--{part}", "part", flag_value=part, help=help_text)(command)
    return command


@click.group(cls=Suggesting)
def release() -> None:
    """Carry a release from a tag on the monorepo through stage to prod."""


@release.command()
@repository_option
@local_option
@json_option
def status(repository: str | None, local: bool, as_json: bool) -> None:
    """Show what runs where against what app.py says, by environment and service, and which release tags exist."""
    from operations import console
    from operations.release.status import read_status, read_tags, released_versions

    form = read_form(local=local)

    reaching = Reaching(form, local=local)
    found = read_status(form, reaching)
    try:
        tags, remark = read_tags(_monorepo(form, repository, local=local))
    except AgoraError as error:
        tags, remark = None, error.message
    versions = released_versions(tags) if tags else []
    if as_json:
        value = {"environments": [each.as_json() for each in found], "tags": versions, "remark": remark}
        console.print_json(value | reaching.as_json())
        reaching.expect_one()
        return
    show_matrix(found)
    if tags:
        console.print_lines(f"\nTags  {', '.join(versions) or 'none yet'}")
    say_all([remark, tags.ignored if tags else ""], "yellow")
    reaching.expect_one()


@release.command(name="next")
@part_options
@repository_option
@local_option
@json_option
def next_(part: Part | None, repository: str | None, local: bool, as_json: bool) -> None:
    """Print the tag that comes next: another candidate, or the first one of the next version."""
    from operations.console import say
    from operations.release.next_tag import next_tag

    found = next_tag(_expect_monorepo(read_form(local=local), repository, local=local), part)
    say(f"The last tag is {found.last_tag}." if found.last_tag else "There is no release tag yet.")
    say_all([found.ignored], "yellow")
    answer(found.as_json(), found.tag, as_json=as_json)


@release.command()
@part_options
@click.option("--version", "version", metavar="VERSION", help="The candidate to cut, if the rules allow it.")
@click.option("--again", is_flag=True, help="Cut another candidate of a commit that has one.")
@click.option("--wait-minutes", type=click.IntRange(0, 240), default=60, show_default=True, help="For the images.")
@repository_option
@local_option
@yes_option
@dry_run_option
@json_option
def cut(
    part: Part | None,
    version: str | None,
    again: bool,
    wait_minutes: int,
    repository: str | None,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Tag the monorepo's main as the next release candidate, and wait until its images are published."""
    from operations.console import say
    from operations.release import cut as cutting

    form = read_form(local=local)
    monorepo = _expect_monorepo(form, repository, local=local)
    plan = cutting.plan_cut(monorepo, part, version, again=again)
    say(f"{plan.tag} on {plan.commit[:12]} {plan.subject or ''}".rstrip() + f", after {plan.last_tag or 'no tag'}")
    say_all([plan.ignored], "yellow")
    if dry_run:
        answer({"plan": plan.as_json()}, plan.tag, as_json=as_json)
        return
    go_ahead(f"Push {plan.tag} to {monorepo.name}?", assumed=yes or local)
    cutting.carry_out(plan, monorepo)
    say(f"{plan.tag} is pushed.")
    if local:
        _publish_locally(form, str(plan.version), plan.commit)
    if wait_minutes:
        _wait_for_images(plan, form, local=local, within_seconds=wait_minutes * 60)
    say(f"Go on with: {tool('release', 'pin', plan.version)}")
    answer({"plan": plan.as_json(), "pushed": True}, plan.tag, as_json=as_json)


@release.command()
@click.argument("version", metavar="VERSION")
@push_option
@local_option
@yes_option
@dry_run_option
@json_option
def pin(version: str, push: bool, local: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Write the images of VERSION into a lock, and let stage and prod run it: a commit for a pull request to dev.

    A rehearsal with --local keeps both to itself: it changes neither app.py nor releases/.
    """
    from operations import rehearsed_pins
    from operations.release import pin as pinning
    from operations.release.pull_request import plan_pull_request
    from src.form import ROOT

    if local:
        form = read_form(local=True)
        before = {name: form.environments[name].ghcr_package_version for name in form.released}
        at_version = read_form(local=True, versions=dict.fromkeys(form.released, version))
        plan = pinning.plan_rehearsed_pin(at_version, version, before, _look_up(local=True))
    else:
        plan = pinning.plan_pin(ROOT, version, _look_up(local=False))
    show_lock(plan.lock)
    say_all([plan.remark], "yellow")
    for name, was in plan.before.items():
        console.print_diagnostics(
            f"{name}: {was} -> {version}" if name in plan.changed else f"{name}: {version} already"
        )
    if dry_run:
        answer({"plan": plan.as_json()}, f"releases/{version}.json", as_json=as_json)
        return
    if local:
        rehearsed_pins.pin(dict.fromkeys(plan.before, version), plan.lock)
        sentence = f"Rehearsals of {' and '.join(plan.before)} run {version} from now on."
        answer({"plan": plan.as_json(), "rehearsed": True}, sentence, as_json=as_json)
        return
    go_ahead(f"Commit this on {plan.branch}{' and push it' if push else ''}?", assumed=yes)
    commit = pinning.carry_out(ROOT, plan)
    outcome = None
    if push:
        request = plan_pull_request(ROOT, branch=plan.branch, into=pinning.INTO, title=plan.title, body=plan.message)
        outcome = _open(request)
    sentence = outcome.sentence if outcome else f"{commit.branch} has the commit. Push it, and merge it into dev."
    value = {"plan": plan.as_json(), "commit": commit.as_json(), "pull_request": outcome and outcome.as_json()}
    answer(value, sentence, as_json=as_json)


@release.command()
@environment_argument
@push_option
@proof_profile_option
@unproven_option
@local_option
@yes_option
@dry_run_option
@json_option
def promote(
    environment: str,
    push: bool,
    proof_profile: str | None,
    unproven: str | None,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Prepare the merge of dev into stage, or of stage into prod, and open its pull request.

    Shows what it brings: images, commits, changes of the templates. For prod only what stage ran well. A rehearsal with
    --local proves the pinned release by stage's rehearsal, and makes no branch.
    """
    from dataclasses import replace
    from functools import partial

    from operations.release import promote as promoting
    from operations.release.merges import prepare_branch
    from operations.release.pull_request import plan_pull_request
    from operations.target import aws_target
    from portside.deploy.clearance import ask_for_clearance
    from portside.deploy.proof import expect_proof
    from portside.deploy.unproven import parse_reason
    from portside.images.committed_locks import form_at
    from src.form import ROOT

    if local:
        _rehearse_promotion(environment, as_json=as_json)
        return
    plan = promoting.plan_promotion(ROOT, environment)
    lock = promoting.lock_at_source(ROOT, plan)
    # What is promoted says what proves it, not what happens to be checked out.
    form = form_at(ROOT, plan.merge.source.commit_id)
    reach = partial(aws_target, profile=proof_profile)
    promoted = form.environment(environment)
    cleared = ask_for_clearance(
        environment, lambda: expect_proof(promoted, form, lock, reach), parse_reason(unproven), is_rehearsal=False
    )
    plan = replace(plan, proof=cleared.proof, unproven=cleared.reason)
    show_promotion(plan)
    say_all([cleared.sentence if cleared.refused else ""], "yellow")
    if dry_run:
        answer({"plan": plan.as_json()}, plan.branch, as_json=as_json)
        return
    cleared.confirm(confirm)
    go_ahead(f"Prepare {plan.branch}{' and push it' if push else ''}?", assumed=yes)
    commit = prepare_branch(ROOT, plan.merge, plan.branch)
    outcome = None
    if push:
        into = plan.merge.target.branch
        outcome = _open(plan_pull_request(ROOT, branch=plan.branch, into=into, title=plan.title, body=plan.body))
    sentence = outcome.sentence if outcome else f"{plan.branch} is ready. Push it, and merge it into {environment}."
    value = {"plan": plan.as_json(), "branch": commit.as_json(), "pull_request": outcome and outcome.as_json()}
    answer(value, sentence, as_json=as_json)


@release.command()
@click.argument("version", metavar="[VERSION]", required=False)
@repository_option
@local_option
@yes_option
@dry_run_option
@json_option
def finish(version: str | None, repository: str | None, local: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Tag the last candidate's commit as released: VERSION, or what stage runs by app.py."""
    from operations.console import say
    from operations.release import finish as finishing

    form = read_form(local=local)
    staged = next((form.environments[name] for name in form.released if name in ("stage", "staging")), None)
    if staged is None:
        raise UsageError("app.py has no stage whose version could be finished", "Add it to ENVIRONMENTS.")
    monorepo = _expect_monorepo(form, repository, local=local)
    plan = finishing.plan_finish(monorepo, version, staged.ghcr_package_version)
    say(f"{plan.tag} on {plan.commit[:12]} {plan.subject or ''}".rstrip() + f", where {plan.candidate_tag} is")
    say_all([plan.ignored], "yellow")
    if dry_run:
        answer({"plan": plan.as_json()}, plan.tag, as_json=as_json)
        return
    go_ahead(f"Push {plan.tag} to {monorepo.name}?", assumed=yes or local)
    finishing.carry_out(plan, monorepo)
    say(f"Both tags are on {plan.commit}. Go on with: {tool('release', 'promote', 'prod')}")
    answer({"plan": plan.as_json(), "pushed": True}, plan.tag, as_json=as_json)


@release.command()
@environment_argument
@local_option
@json_option
def verify(environment: str, local: bool, as_json: bool) -> None:
    """Prove that ENV runs what was chosen: running tasks, the site's footer and the lock agree. Exit code 1 if not."""
    from operations import console
    from operations.deployment_record import read_records
    from operations.release.verify import FAIL, check_records, expected_images, site_of
    from operations.release.verify import verify as verify_images
    from operations.rollback import brings_back

    acting = looking_at(environment, local=local)
    target = acting.target
    records = read_records(target.clients("ssm"), target.environment.name)
    expected, source = expected_images(target, acting.form, records)
    checks = verify_images(target, acting.services, expected, site_of(target))
    checks += check_records(target, acting.services, records)
    failed = [check for check in checks if check.state == FAIL]
    if as_json:
        console.print_json({"against": source, "checks": [check.as_json() for check in checks], "agree": not failed})
    else:
        console.print_lines(f"{target.environment.name} against {source}")
        console.print_checks([(check.state, check.subject, check.found) for check in checks])
    if failed:
        name = target.environment.name
        hint = f"Deploy it, or see what was done: {tool('history', name)}"
        if brings_back(records, expected):
            hint = f"{name} was rolled back: merge the rollback's commit into {name}, then they agree."
        raise AgoraError(f"{name} does not run what it should: {', '.join(each.subject for each in failed)}", hint)


def _monorepo(form: Form, repository: str | None, *, local: bool) -> Monorepo | None:
    """The monorepo that is named, the practice one in a rehearsal, else the form's."""
    from operations.release.monorepo import Monorepo
    from src.release_source import ReleaseSource

    source = form.releases
    if repository is not None:
        named = source or ReleaseSource(repository, "agora")
        return Monorepo(repository, named.branch, named.tag_prefix)
    if local:
        from operations.practice_monorepo import practice_source

        source = practice_source(form)
    return Monorepo(source.repository, source.branch, source.tag_prefix) if source else None


def _expect_monorepo(form: Form, repository: str | None, *, local: bool) -> Monorepo:
    monorepo = _monorepo(form, repository, local=local)
    if monorepo is None:
        raise UsageError(
            "app.py does not say where releases are tagged",
            'Add RELEASES = {"REPOSITORY": "https://…", "TAG_PREFIX": "agora"}, or pass --repository.',
        )
    return monorepo


def _look_up(*, local: bool) -> Callable[[Sequence[str], str], Resolution]:
    from operations.images import look_up

    return lambda references, version: look_up(references, version, local=local)


def _publish_locally(form: Form, version: str, commit: str) -> None:
    """Do what the monorepo's release job does."""
    from local_aws import process
    from operations import practice_monorepo
    from operations.target import local_state_dir
    from src.images_at_hand import references_of

    running = process.expect_running(local_state_dir())
    references = references_of([props for name in form.released for props in form.services_of(name)])
    practice_monorepo.publish(running, references, [version], commit)


def _wait_for_images(plan: Any, form: Form, *, local: bool, within_seconds: float) -> None:
    from operations.console import say
    from operations.images import missing_images
    from operations.release.cut import wait_for_images
    from src.images.failures import ResolutionFailed
    from src.images_at_hand import references_of

    version = str(plan.version)
    at_version = read_form(local=local, versions=dict.fromkeys(form.released, version))
    references = references_of([props for name in at_version.released for props in at_version.services_of(name)])

    def tell(missing: Sequence[str]) -> None:
        there = len(references) - len(missing)
        names = ", ".join(name.rpartition("/")[2] for name in missing)
        say(f"{there} of {len(references)} images are published" + (f", waiting for {names}" if names else "."))

    try:
        wait_for_images(
            plan,
            lambda: missing_images(references, version, local=local),
            tell,
            every_seconds=0.2 if local else 20,
            within_seconds=within_seconds,
        )
    except ResolutionFailed as failed:
        hint = f"{plan.tag} is pushed. When that is fixed, go on with: {tool('release', 'pin', version)}"
        raise AgoraError(failed.message, f"{failed.hint}\n{hint}".strip()) from None


def _rehearse_promotion(environment: str, *, as_json: bool) -> None:
    from operations.console import say
    from operations.images import locked_images
    from operations.release.promote import SOURCES
    from operations.target import local_target
    from portside.deploy.proof import expect_proof

    if environment not in SOURCES:
        raise UsageError(f"nothing is promoted to {environment!r}", f"Known are: {', '.join(SOURCES)}.")
    form = read_form(local=True)
    promoted = form.environment(environment)
    lock = locked_images(promoted, form, local=True)
    assert lock is not None, "stage and prod run releases only"
    show_lock(lock)
    proof = expect_proof(promoted, form, lock, local_target)
    say_all([proof.sentence if proof else ""])
    say("This is a rehearsal: no branch is made, and no pull request.")
    value = {"environment": environment, "lock": lock.as_json(), "proof": proof and proof.as_json()}
    answer(value, f"Go on with: {tool('deploy', environment, local=True)}", as_json=as_json)


def _open(request: Any) -> Outcome:
    from operations.console import say
    from operations.release.pull_request import open_pull_request

    return open_pull_request(request, say)
