"""`release promote`: opens the pull request of a release to the next environment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from portside.cli.answers import answer, confirm, go_ahead, say_all
from portside.cli.options import ChangeOptions, ProofOptions, changing_options, environment_argument, proof_options
from portside.cli.proof import read_proof
from portside.cli.release.options import push_option
from portside.cli.release.view import show_hot_fix, show_lock, show_promotion
from portside.cli.release.waiting import Waiting, WaitOptions, rehearsed_deployment, wait_options
from portside.cli.targets import read_configuration
from portside.commands import tool
from portside.errors import UserError
from portside.terminal.console import say

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.config.environment import Environment
    from portside.deploy.clearance import Clearance
    from portside.images.resolution import Resolution
    from portside.records.proof import Proof
    from portside.release.hot_fix import HotFixPlan
    from portside.release.promote import PromotionPlan


@click.command()
@environment_argument
@push_option
@wait_options
@proof_options
@changing_options
def promote(environment: str, push: bool, waiting: WaitOptions, proof: ProofOptions, change: ChangeOptions) -> None:
    """Open the pull request of a release to stage or prod.

    Shows the images, commits and template changes. prod accepts only a version that ran healthy in stage. A
    version that was pinned for stage alone is promoted alone. With --wait the command waits for the merge and for the
    deployment, and fails if that fails. With --local it uses the rehearsal of stage as proof, and makes no branch.
    """
    from portside.config.configuration import ROOT
    from portside.release import hot_fix, promote, route
    from portside.release.pull_request import open_pull_request, plan_pull_request

    configuration = read_configuration(local=change.local, acting_on=[environment])
    target = configuration.environment(environment)
    source = route.promoted_from(configuration, target)
    if change.local:
        _rehearse_promotion(configuration, target, source, waiting, change)
        return
    if waiting.wait and not change.dry_run and (merged := promote.merged_already(ROOT, target, source)) is not None:
        _follow_merged(target, merged, waiting.wait_minutes, as_json=change.as_json)
        return
    plan: PromotionPlan | HotFixPlan = hot_fix.plan_hot_fix(ROOT, target, source) or promote.plan_promotion(
        ROOT, target, source
    )
    cleared = _clear(plan.start, environment, plan.read_lock(ROOT), proof)
    plan = replace(plan, proof=cleared.proof, unproven=cleared.reason)
    if isinstance(plan, hot_fix.HotFixPlan):
        show_hot_fix(plan)
    else:
        show_promotion(plan)
    say_all([cleared.sentence if cleared.refused else ""], "yellow")
    if change.dry_run:
        answer({"plan": plan.as_json()}, plan.branch, as_json=change.as_json)
        return
    cleared.confirm(confirm)
    go_ahead(f"Prepare {plan.branch}{' and push it' if push else ''}?", assumed=change.yes)
    wait = Waiting(target, waiting.wait_minutes) if waiting.wait else None
    commit = plan.prepare(ROOT)
    outcome = None
    if push:
        request = plan_pull_request(ROOT, branch=plan.branch, into=target.branch, title=plan.title, body=plan.body)
        outcome = open_pull_request(request, say)
    sentence = outcome.sentence if outcome else f"{plan.branch} is ready. Push it, and merge it into {target.branch}."
    value = {"plan": plan.as_json(), "branch": commit.as_json(), "pull_request": outcome and outcome.as_json()}
    if wait is not None:
        say_all([sentence])
        ended = wait.after_merge_of(commit.commit, plan.version, plan.branch)
        value, sentence = value | {"deployment": ended.as_json()}, ended.sentence
    answer(value, sentence, as_json=change.as_json)


def _follow_merged(target: Environment, merged: tuple[str, str], minutes: int, *, as_json: bool) -> None:
    """Wait for the deployment of a commit that is merged already, such as after an interrupted wait."""
    commit, version = merged
    say(f"Merged already: {target.branch} is at {commit[:7]}. Waiting for the deployment of {version}.")
    ended = Waiting(target, minutes).deployment_of(commit, version, lambda each: commit.startswith(each.commit or "-"))
    answer({"plan": None, "deployment": ended.as_json()}, ended.sentence, as_json=as_json)


def _clear(commit: str, environment: str, lock: Resolution, proof: ProofOptions) -> Clearance:
    """Whether an environment may run the images of a lock, by the configuration of the commit to be merged.

    The checked-out commit can have other rules.
    """
    from portside.config.configuration import ROOT
    from portside.deploy.clearance import ask_for_clearance
    from portside.images.committed_locks import configuration_at
    from portside.records.unproven import parse_reason

    configuration = configuration_at(ROOT, commit, acting_on=[environment])

    def ask() -> Proof | None:
        return read_proof(configuration, environment, lock, proof.proof_profile, local=False)

    return ask_for_clearance(environment, ask, parse_reason(proof.unproven), is_rehearsal=False)


def _rehearse_promotion(
    configuration: Configuration, target: Environment, source: Environment, waiting: WaitOptions, change: ChangeOptions
) -> None:
    """Print the plan and its proof. A hot-fix of the source alone is pinned for the target too."""
    from portside.plan.images import locked_images
    from portside.rehearsal import pins

    is_hot_fix = source.is_released and source.ghcr_package_version != target.ghcr_package_version
    if is_hot_fix:
        say(f"{source.ghcr_package_version} is pinned for {source.name} alone, and promoted alone.")
        configuration = read_configuration(
            local=True, versions={target.name: source.ghcr_package_version}, acting_on=[target.name]
        )
        target = configuration.environment(target.name)
    lock = locked_images(target, configuration, local=True)
    if lock is None:
        raise UserError(f"{target.name} runs no release", f"Pin one: {tool('release', 'pin', 'VERSION')}")
    show_lock(lock)
    proof = read_proof(configuration, target.name, lock, None, local=True)
    say_all([proof.sentence if proof else ""])
    say("A rehearsal makes no branch and no pull request.")
    if is_hot_fix and not change.dry_run:
        pins.pin({target.name: lock.version}, lock)
        say(f"Rehearsals of {target.name} run {lock.version} from now on.")
    value = {
        "environment": target.name,
        "lock": lock.as_json(),
        "proof": proof and proof.as_json(),
        "hot_fix": is_hot_fix,
    }
    sentence = f"Next: {tool('deploy', target.name, local=True)}"
    if waiting.wait and not change.dry_run:
        ended = rehearsed_deployment(target, lock, waiting.wait_minutes)
        value, sentence = value | {"deployment": ended.as_json()}, ended.sentence
    answer(value, sentence, as_json=change.as_json)
