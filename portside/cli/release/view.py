"""The output of the commands of `release`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from portside.cli.answers import say_all
from portside.terminal import console
from portside.terminal.console import say

if TYPE_CHECKING:
    from portside.images.resolution import Resolution
    from portside.release.hot_fix import HotFixPlan
    from portside.release.promote import ImageChange, PromotionPlan
    from portside.release.status import Cell, EnvironmentStatus


def show_lock(lock: Resolution) -> None:
    say(f"{lock.version}, from commit {lock.commit or 'unknown'}:")
    for image in lock.images.values():
        say(f"  {image.name.rpartition('/')[2]}  {image.digest}  {image.platform}  {image.created[:16]}")


def show_promotion(plan: PromotionPlan) -> None:
    merge = plan.merge
    say_all([merge.source.sentence, merge.target.sentence])
    say(f"{merge.source.branch} -> {merge.target.branch}: {plan.version_before or 'nothing'} -> {plan.version}")
    say_all([plan.proof.sentence if plan.proof else ""])
    _show_images(plan.images)
    say("Commits:")
    for commit, subject in merge.commits:
        say(f"  {commit} {subject}")
    say("Templates:")
    if plan.templates is None:
        say(f"  not compared: {plan.remark}", "yellow")
    for change in plan.templates or ():
        if change.summary:
            say(f"  {change.stack}  {change.summary}")
    if merge.source.unpushed:
        say(f"Your own {merge.source.branch} has {merge.source.unpushed} commits that were never pushed.", "yellow")
    if merge.conflicts is None:
        say("Merge conflicts are not detected: git is older than 2.38.", "yellow")


def show_hot_fix(plan: HotFixPlan) -> None:
    """Print the plan of a version that is promoted alone, and the remaining steps."""
    say_all([plan.source.sentence, plan.target.sentence, plan.sentence])
    say(f"{plan.environment}: {plan.version_before or 'nothing'} -> {plan.version}")
    say_all([plan.proof.sentence if plan.proof else ""])
    _show_images(plan.images)
    say(plan.afterwards)


def _show_images(images: Sequence[ImageChange]) -> None:
    say("Images:")
    for image in images:
        say(f"  {image.reference}  {image.before or 'new'} -> {image.after}")
    if not images:
        say("  the same as before")


def show_matrix(found: Sequence[EnvironmentStatus], short_name: Callable[[str], str]) -> None:
    """Services by environments: version, commit and digest of what is deployed, and how that compares to app.py."""
    cells = {(status.name, cell.service): _shown_cell(cell) for status in found for cell in status.cells}
    services = list(dict.fromkeys(service for _, service in cells))
    rows = [
        [short_name(service), *(cells.get((status.name, service), "-") for status in found)] for service in services
    ]
    names = [status.name for status in found]
    console.print_table(["Service", *names], rows, states=range(1, len(names) + 1))
    for status in found:
        say_all([f"{status.name}: {remark}" for remark in status.remarks], "yellow")


def _shown_cell(cell: Cell) -> str:
    runs, configured = cell.deployed, cell.wanted
    if runs is None:
        return cell.state
    state = cell.state
    if configured and configured.digest != runs.digest:
        state += (
            f": {configured.tag if configured.tag != runs.tag else configured.short_commit or configured.digest[7:19]}"
        )
    return "\n".join([runs.tag, runs.short_commit or "unknown", runs.digest[7:19], state])
