"""`images`: resolves the images of an environment."""

from __future__ import annotations

import click

from portside.cli.options import environment_argument, json_option, local_option
from portside.cli.targets import read_configuration
from portside.terminal import console


@click.command()
@environment_argument
@local_option
@json_option
def images(environment: str, local: bool, as_json: bool) -> None:
    """Resolve the images of ENV: tag, commit and digest.

    `cdk synth` uses them afterwards.
    """
    from portside.plan.images import choose_images

    configuration = read_configuration(local=local, acting_on=[environment])
    found = choose_images(configuration.environment(environment), configuration, local=local)
    if as_json:
        console.print_json(found.as_json())
        return
    rows = [
        [image.name.rpartition("/")[2], image.tag, image.short_commit or "unknown", image.digest, image.created]
        for image in found.images.values()
    ]
    console.print_table(["Image", "Version", "Commit", "Digest", "Created"], rows)
