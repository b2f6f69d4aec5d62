"""Which revision of each job before a rollout succeeded last, kept in the environment itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portside.config.environment import Environment
from portside.program import PROGRAM
from portside.records.parameter_history import read_versions, write_version


def parameter_name(environment: Environment) -> str:
    """The parameter that names the revisions."""
    return environment.parameter_name("jobs")


def read_successes(ssm: Any, environment: Environment) -> Mapping[str, str]:
    """The task definition that succeeded last, by job; empty if the record can't be read, so that jobs run again."""
    versions = read_versions(ssm, parameter_name(environment))
    try:
        found = json.loads(versions[0][1]) if versions else {}
        return {str(name): str(definition) for name, definition in found.items()}
    except (ValueError, AttributeError):
        return {}


def write_success(ssm: Any, environment: Environment, job: str, definition: str) -> None:
    """Remember that a revision of a job succeeded."""
    successes = {**read_successes(ssm, environment), job: definition}
    description = f"The revisions of jobs that succeeded last; written by {PROGRAM}"
    write_version(ssm, parameter_name(environment), json.dumps(successes, separators=(",", ":")), description)
