"""Makes templates for estimates: `python -m portside.stacks.synthesize_variants`, with a request in JSON on stdin.

The request has the path `app` of an app.py, and `variants`: each names an `environment`, the `folder` to write to, and
the `settings` of the environment and the `service_settings` of its services that differ from app.py. The answer on
stdout has for each its `assumptions`, or the `problems` of its configuration. Images are not looked up.

`portside.synthesis.variants` runs it in a process of its own, also with the code of another commit.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portside.config.configuration import Configuration, load_configuration
from portside.errors import ConfigurationError, UserError
from portside.stacks.synthesize import build_app


def answer(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answer to a request, whose templates are then in the folders."""
    app_file, base = Path(request["app"]), None
    answers: list[dict[str, Any]] = []
    for variant in request["variants"]:
        try:
            if variant["settings"]:
                changed = {variant["environment"]: variant["settings"]}
                configuration = load_configuration(app_file, acting_on=(), settings=changed)
            else:
                configuration = base = base or load_configuration(app_file, acting_on=())
            answers.append(_synthesize(configuration, variant))
        except ConfigurationError as error:
            answers.append({"problems": [(each.where, each.what, each.hint) for each in error.problems]})
        except UserError as error:
            answers.append({"problems": [(variant["environment"], error.message, error.hint)]})
    return answers


def _synthesize(configuration: Configuration, variant: Mapping[str, Any]) -> dict[str, Any]:
    environment = configuration.environment(variant["environment"])
    if variant["service_settings"]:
        services = tuple(
            dataclasses.replace(props, **variant["service_settings"]) if props.is_service else props
            for props in configuration.services_of(environment.name)
        )
        changed = {**configuration.services, environment.name: services}
        configuration = dataclasses.replace(configuration, services=changed)
    build_app(configuration, environment.name, outdir=variant["folder"]).synth()
    return {"assumptions": dict(environment.cost_assumptions)}


if __name__ == "__main__":
    # Whatever app.py prints is not part of the answer.
    with contextlib.redirect_stdout(sys.stderr):
        found = answer(json.load(sys.stdin))
    print(json.dumps(found))
