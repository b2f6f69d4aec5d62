"""`./agora release pin` and `promote`: the branches of this repository that a release goes through."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from portside.cli.options import (
    answer,
    changing_options,
    environment_argument,
    go_ahead,
    read_configuration,
    say_all,
)
from portside.cli.proving import confirm, proof_profile_option, unproven_option
from portside.cli.release_options import (
    expect_monorepo,
    looking_up,
    open_request,
    push_option,
    repository_option,
)
from portside.cli.release_view import show_hot_fix, show_lock, show_promotion
from portside.cli.release_wait import Waiting, rehearsed_deployment, wait_options
from portside.commands import tool
from portside.errors import UserError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.config.environment import Environment
    from portside.deploy.clearance import Clearance
    from portside.images.resolution import Resolution
    from portside.records.proof import Proof
    from portside.release.hot_fix import HotFixPlan
    from portside.release.pin import PinPlan
    from portside.release.promote import PromotionPlan


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
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write the lock of VERSION and open a pull request.

    The images must be built from the commit of the version's tag. With --only the commit is for one environment, and
    its pull request goes to that environment's branch. With --local nothing in app.py or releases/ changes.
    """
    from portside.config.configuration import ROOT
    from portside.release import pin as pinning
    from portside.release.pull_request import plan_pull_request
    from portside.release.route import pinned_into

    configuration = read_configuration(local=local)
    into = configuration.environment(only).branch if only else pinned_into(configuration)
    if local:
        before = {
            name: configuration.environments[name].ghcr_package_version
            for name in configuration.released
            if only in (None, name)
        }
        at_version = read_configuration(local=True, versions=dict.fromkeys(before, version))
        plan = pinning.plan_rehearsed_pin(at_version, version, before, looking_up(local=True), only)
    else:
        plan = pinning.plan_pin(ROOT, version, looking_up(local=False), into=into, only=only)
    say_all(
        [plan.base.sentence if plan.base else "", _check_commits(configuration, plan.lock, repository, local=local)]
    )
    proof = (
        _proof(configuration, configuration.environment(only), plan.lock, proof_profile, local=local) if only else None
    )
    _show_pin(plan, proof)
    if dry_run:
        answer({"plan": plan.as_json()}, f"releases/{version}.json", as_json=as_json)
        return
    if local:
        _rehearse_pin(plan, as_json=as_json)
        return
    go_ahead(f"Commit this on {plan.branch}{' and push it' if push else ''}?", assumed=yes)
    commit = pinning.execute(ROOT, plan)
    outcome = None
    if push:
        outcome = open_request(
            plan_pull_request(ROOT, branch=plan.branch, into=into, title=plan.title, body=plan.message)
        )
    sentence = outcome.sentence if outcome else f"{commit.branch} has the commit. Push it, and merge it into {into}."
    value = {"plan": plan.as_json(), "commit": commit.as_json(), "pull_request": outcome and outcome.as_json()}
    answer(value, sentence, as_json=as_json)


@click.command()
@environment_argument
@push_option
@wait_options
@proof_profile_option
@unproven_option
@changing_options
def promote(
    environment: str,
    push: bool,
    wait: bool,
    wait_minutes: int,
    proof_profile: str | None,
    unproven: str | None,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Open the pull request of a release to stage or prod.

    Shows the images, commits and template changes. prod accepts only a version that ran healthy in stage. A
    version that was pinned for stage alone is promoted alone. With --wait the command waits for the merge and for the
    deployment, and fails if that fails. With --local it uses the rehearsal of stage as proof, and makes no branch.
    """
    from portside.config.configuration import ROOT
    from portside.release import hot_fix, promote, route
    from portside.release.merges import prepare_branch
    from portside.release.pull_request import plan_pull_request

    configuration = read_configuration(local=local)
    target = configuration.environment(environment)
    source = route.promoted_from(configuration, target)
    if local:
        minutes = wait_minutes if wait and not dry_run else None
        _rehearse_promotion(configuration, target, source, dry_run=dry_run, minutes=minutes, as_json=as_json)
        return
    if wait and not dry_run and (merged := promote.merged_already(ROOT, target, source)) is not None:
        _follow_merged(target, merged, wait_minutes, as_json=as_json)
        return
    plan: PromotionPlan | HotFixPlan | None = hot_fix.plan_hot_fix(ROOT, target, source)
    if isinstance(plan, hot_fix.HotFixPlan):
        cleared = _clear(plan.target.commit_id, environment, plan.lock, proof_profile, unproven)
        plan = replace(plan, proof=cleared.proof, unproven=cleared.reason)
        show_hot_fix(plan)
    else:
        plan = promote.plan_promotion(ROOT, target, source)
        lock = promote.lock_at_source(ROOT, plan)
        cleared = _clear(plan.merge.source.commit_id, environment, lock, proof_profile, unproven)
        plan = replace(plan, proof=cleared.proof, unproven=cleared.reason)
        show_promotion(plan)
    say_all([cleared.sentence if cleared.refused else ""], "yellow")
    if dry_run:
        answer({"plan": plan.as_json()}, plan.branch, as_json=as_json)
        return
    cleared.confirm(confirm)
    go_ahead(f"Prepare {plan.branch}{' and push it' if push else ''}?", assumed=yes)
    waiting = Waiting(target, wait_minutes) if wait else None
    if isinstance(plan, hot_fix.HotFixPlan):
        commit = hot_fix.prepare_hot_fix(ROOT, plan)
    else:
        commit = prepare_branch(ROOT, plan.merge, plan.branch)
    outcome = None
    if push:
        request = plan_pull_request(ROOT, branch=plan.branch, into=target.branch, title=plan.title, body=plan.body)
        outcome = open_request(request)
    sentence = outcome.sentence if outcome else f"{plan.branch} is ready. Push it, and merge it into {target.branch}."
    value = {"plan": plan.as_json(), "branch": commit.as_json(), "pull_request": outcome and outcome.as_json()}
    if waiting is not None:
        say_all([sentence])
        ended = waiting.after_merge_of(commit.commit_id, plan.version, plan.branch)
        value, sentence = value | {"deployment": ended.as_json()}, ended.sentence
    answer(value, sentence, as_json=as_json)


def _follow_merged(target: Environment, merged: tuple[str, str], minutes: int, *, as_json: bool) -> None:
    """Wait for the deployment of what is merged already, such as after an earlier wait was broken off."""
    commit, version = merged
    say_all([f"{target.branch} has it already, at {commit[:7]}: waiting for the deployment of {version}."])
    ended = Waiting(target, minutes).deployment_of(commit, version, lambda each: commit.startswith(each.commit or "-"))
    answer({"plan": None, "deployment": ended.as_json()}, ended.sentence, as_json=as_json)


def _proof(
    configuration: Configuration, environment: Environment, lock: Resolution, profile: str | None, *, local: bool
) -> Proof | None:
    """What proves that an environment may run the images of a lock. Raises `NotProven`."""
    from functools import partial

    from portside.aws.target import aws_target, local_target
    from portside.records.proof import expect_proof

    return expect_proof(
        environment, configuration, lock, local_target if local else partial(aws_target, profile=profile)
    )


def _clear(commit: str, environment: str, lock: Resolution, profile: str | None, unproven: str | None) -> Clearance:
    """Ask whether an environment may run the images of a lock, by the configuration of the commit that it runs with.

    What happens to be checked out does not say what proves it.
    """
    from portside.config.configuration import ROOT
    from portside.deploy.clearance import ask_for_clearance
    from portside.images.committed_locks import configuration_at
    from portside.records.unproven import parse_reason

    configuration = configuration_at(ROOT, commit)

    def ask() -> Proof | None:
        return _proof(configuration, configuration.environment(environment), lock, profile, local=False)

    return ask_for_clearance(environment, ask, parse_reason(unproven), is_rehearsal=False)


def _check_commits(configuration: Configuration, lock: Resolution, repository: str | None, *, local: bool) -> str:
    """Compare the images' commit with the tag's, and say which commit that is.

    A rehearsal can publish images without a tag, and a configuration without RELEASES has none to compare with.
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
        console.print_diagnostics(f"{name}: {arrow}")


def _rehearse_pin(plan: PinPlan, *, as_json: bool) -> None:
    from portside.rehearsal import pins

    pins.pin(dict.fromkeys(plan.before, plan.version), plan.lock)
    sentence = f"Rehearsals of {' and '.join(plan.before)} run {plan.version} from now on."
    answer({"plan": plan.as_json(), "rehearsed": True}, sentence, as_json=as_json)


def _rehearse_promotion(
    configuration: Configuration,
    target: Environment,
    source: Environment,
    *,
    dry_run: bool,
    minutes: int | None,
    as_json: bool,
) -> None:
    """Show what would be promoted, and its proof. A hot-fix of the source alone is pinned for the target too."""
    from portside.plan.images import locked_images
    from portside.rehearsal import pins
    from portside.terminal.console import say

    is_hot_fix = source.is_released and source.ghcr_package_version != target.ghcr_package_version
    if is_hot_fix:
        say(f"{source.ghcr_package_version} is pinned for {source.name} alone, and promoted alone.")
        configuration = read_configuration(local=True, versions={target.name: source.ghcr_package_version})
        target = configuration.environment(target.name)
    lock = locked_images(target, configuration, local=True)
    if lock is None:
        raise UserError(f"{target.name} runs no release", f"Pin one: {tool('release', 'pin', 'VERSION')}")
    show_lock(lock)
    proof = _proof(configuration, target, lock, None, local=True)
    say_all([proof.sentence if proof else ""])
    say("This is a rehearsal: no branch is made, and no pull request.")
    if is_hot_fix and not dry_run:
        pins.pin({target.name: lock.version}, lock)
        say(f"Rehearsals of {target.name} run {lock.version} from now on.")
    value = {
        "environment": target.name,
        "lock": lock.as_json(),
        "proof": proof and proof.as_json(),
        "hot_fix": is_hot_fix,
    }
    sentence = f"Go on with: {tool('deploy', target.name, local=True)}"
    if minutes is not None:
        ended = rehearsed_deployment(target, lock, minutes)
        value, sentence = value | {"deployment": ended.as_json()}, ended.sentence
    answer(value, sentence, as_json=as_json)
