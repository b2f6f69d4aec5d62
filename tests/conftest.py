"""All tests run with what Agora adds to the machinery, as its launcher does."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from agora_own.extension import AGORA
from portside.cli import main
from portside.config.configuration import Configuration
from portside.images.resolution import Resolution
from portside.stacks import jsii_settings
from portside.testing import synthesis
from tests import answering_aws

# Before the first import of aws_cdk, whose process inherits the variable: the built-in validation takes most of a
# synthesis. It is on only where a test is about it: in the audit that runs `cdk synth`, and in one deployment.
os.environ["CDK_VALIDATION"] = "false"
jsii_settings.choose()

# Otherwise each process of the tests, and each command that they run, compiles everything that it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

main.use(AGORA)


def _shared(configuration: Configuration, name: str, images: Resolution) -> Path:
    from tests.unit.stacks_support import shared_synthesis_with

    return shared_synthesis_with(images, configuration, name)


synthesis.make = _shared


def pytest_collection_finish() -> None:
    """Leave modules and collected tests out of garbage collection, which else takes a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_runtest_teardown() -> None:
    """End each test's use of the clients that tests share."""
    answering_aws.release_clients()
