"""`release pin`: writes the lock of a version, on a branch with a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.answers import answer, go_ahead, say_all
from portside.cli.options import ChangeOptions, changing_options, proof_profile_option
from portside.cli.proof import read_proof
from portside.cli.release.options import expect_monorepo, image_lookup, push_option, repository_option
from portside.cli.release.view import show_lock
from portside.cli.targets import read_configuration
from portside.terminal.console import say

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.images.resolution import Resolution
    from portside.records.proof import Proof
    from portside.release.pin import PinPlan


@click.command()
@click.argument("version", metavar="VERSION")
@click.option("--only", metavar="ENV", help="Pin the version for this environment only, on its own branch (hot-fix).")
@repository_option
@push_option
@proof_profile_option
@changing_options
def pin(
    version: str,
    only: str | None,
    repository: str | None,
    push: bool,
    proof_profile: str | None,
    change: ChangeOptions,
) -> None:
    """Write the lock of VERSION and open a pull request.

    The images must be built from the commit of the version's tag. With --only the commit is for one environment, and
    its pull request goes to that environment's branch. With --local nothing in app.py or releases/ changes.
    """
    from portside.config.configuration import ROOT
    from portside.release import pin as pinning
    from portside.release.pull_request import open_pull_request, plan_pull_request
    from portside.release.route import pinned_into

    local, as_json = change.local, change.as_json
    configuration = read_configuration(local=local, acting_on=())
    into = configuration.environment(only).branch if only else pinned_into(configuration)
    if local:
        before = {
            name: configuration.environments[name].ghcr_package_version
            for name in configuration.released
            if only in (None, name)
        }
        at_version = read_configuration(local=True, versions=dict.fromkeys(before, version), acting_on=list(before))
        plan = pinning.plan_rehearsed_pin(at_version, version, before, image_lookup(at_version, local=True), only)
    else:
        plan = pinning.plan_pin(ROOT, version, image_lookup(configuration, local=False), into=into, only=only)
    say_all([plan.base.sentence if plan.base else ""])
    say_all([_check_commits(configuration, plan.lock, repository, local=local)])
    proof = read_proof(configuration, only, plan.lock, proof_profile, local=local) if only else None
    _show_pin(plan, proof)
    if change.dry_run:
        answer({"plan": plan.as_json()}, f"releases/{version}.json", as_json=as_json)
        return
    if local:
        _rehearse_pin(plan, as_json=as_json)
        return
    go_ahead(f"Commit this on {plan.branch}{' and push it' if push else ''}?", assumed=change.yes)
    commit = pinning.execute(ROOT, plan)
    outcome = None
    if push:
        outcome = open_pull_request(
            plan_pull_request(ROOT, branch=plan.branch, into=into, title=plan.title, body=plan.message),
            say,
        )
    sentence = outcome.sentence if outcome else f"{commit.branch} has the commit. Push it, and merge it into {into}."
    value = {"plan": plan.as_json(), "commit": commit.as_json(), "pull_request": outcome and outcome.as_json()}
    answer(value, sentence, as_json=as_json)


def _check_commits(configuration: Configuration, lock: Resolution, repository: str | None, *, local: bool) -> str:
    """Compare the images' commit with the tag's, and say which commit that is.

    A rehearsal can publish images without a tag. A configuration without RELEASES names no monorepo.
    """
    from portside.release.built_from import check_built_from, tagged_commit

    if repository is None and configuration.releases is None and not local:
        return "The images' commit was not compared with a tag's: app.py has no RELEASES."
    monorepo = expect_monorepo(configuration, repository, local=local)
    refs = monorepo.refs()
    tag, commit = tagged_commit(refs, lock.version)
    if local and commit is None:
        return f"The practice monorepo has no tag {tag}: the images' commit was compared with nothing."
    check_built_from(lock, refs)
    return f"{tag} of {monorepo.name} is on {(commit or '')[:12]}, from which the images were built."


def _show_pin(plan: PinPlan, proof: Proof | None) -> None:
    show_lock(plan.lock)
    say_all([plan.remark], "yellow")
    say_all([proof.sentence if proof else ""])
    for name, was in plan.before.items():
        arrow = f"{was} -> {plan.version}" if name in plan.changed else f"{plan.version} already"
        say(f"{name}: {arrow}")


def _rehearse_pin(plan: PinPlan, *, as_json: bool) -> None:
    from portside.rehearsal import pins

    pins.pin(dict.fromkeys(plan.before, plan.version), plan.lock)
    sentence = f"Rehearsals of {' and '.join(plan.before)} run {plan.version} from now on."
    answer({"plan": plan.as_json(), "rehearsed": True}, sentence, as_json=as_json)
