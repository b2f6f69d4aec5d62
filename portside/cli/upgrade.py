"""`upgrade`: takes a newer version of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.options import dry_run_option, yes_option
from portside.terminal import console

if TYPE_CHECKING:
    from portside.scaffold.upgrade import Upgrade


@click.command()
@click.option("--package", metavar="WHEEL", help="Wheel of the newer portside: a file or https address.")
@yes_option
@dry_run_option
def upgrade(package: str | None, yes: bool, dry_run: bool) -> None:
    """Take a newer version of portside.

    Shows what it changes in the templates, findings and costs of each environment; AWS is not asked. Then writes the
    generated files that were not edited, and prints what it would change in the others. Nothing is deployed.
    """
    from portside.config.configuration import ROOT
    from portside.errors import UserError
    from portside.program import PROGRAM
    from portside.scaffold import upgrade as files
    from portside.scaffold.manifest import read_manifest
    from portside.scaffold.package_pin import read_newer_pin
    from portside.scaffold.upgrade_report import report

    if completed := files.finish(ROOT):
        console.say(f"The upgrade to portside {completed}, which was interrupted, is now complete.")
        if not package:
            return
    manifest = read_manifest(ROOT)
    pin, wheel = read_newer_pin(package, than=manifest.pin.version)
    if pin.sha256 == manifest.pin.sha256:
        console.say(f"This repository already has portside {pin.version}.")
        return
    try:
        with console.step(f"Trying portside {pin.version} in a copy"):
            candidate = files.make_candidate(ROOT, pin, wheel)
            planned = files.plan_upgrade(ROOT, manifest, pin, files.render_files(candidate, manifest, pin))
            files.apply_to(candidate, planned)
            before, after = files.assess_both(ROOT, candidate)
        console.print_lines("\n".join(report(before, after)))
        _print_files(planned)
        if dry_run:
            return
        if after["refused"] and yes:
            raise UserError(
                f"portside {pin.version} refuses app.py; no file was written",
                f"Correct app.py, or run {PROGRAM} upgrade without --yes, which asks.",
            )
        if not yes and not console.confirm("Write these files?"):
            raise UserError("no file was written", "Confirm it, or pass --yes.")
        patch = files.keep_patch(ROOT, planned)
        files.stage(ROOT, candidate, planned)
        files.finish(ROOT)
    finally:
        files.discard(ROOT)
    console.say(
        f"portside {pin.version}: look at the changes with git diff, run {PROGRAM} test --snapshot-update, and commit."
    )
    if patch:
        console.say(f"To change the edited files too, after the commit: git apply --3way {patch.relative_to(ROOT)}")


def _print_files(planned: Upgrade) -> None:
    for path in planned.written:
        console.print_lines(f"writes {path}")
    for path in planned.deleted:
        console.print_lines(f"deletes {path}")
    version = planned.manifest.pin.version
    for path, difference in planned.edited.items():
        effect = "would change:" if difference else "no longer uses it"
        console.print_lines(f"keeps {path}, which was edited; portside {version} {effect}")
        console.print_lines(difference.rstrip())
