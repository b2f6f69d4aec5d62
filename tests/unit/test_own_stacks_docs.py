"""The examples in docs/own-stacks.md are the code of tests/apps/shop, which an e2e test deploys."""

from __future__ import annotations

import pytest

from portside.config.configuration import ROOT
from tests.apps import SHOP

PAGE = (ROOT / "docs" / "own-stacks.md").read_text()
BLOCKS = [block.partition("```")[0].strip() for block in PAGE.split("```python\n")[1:]]


@pytest.mark.parametrize("block", BLOCKS[1:-1], ids=lambda block: block.split("(")[0])
def test_an_example_of_a_stack_is_deployed_by_a_test(block: str) -> None:
    assert block in (SHOP / "stacks.py").read_text()


def test_the_example_of_services_is_deployed_by_a_test() -> None:
    code = (SHOP / "app.py").read_text()
    assert [part for part in BLOCKS[-1].split("\n\n\n") if part not in code] == []


def test_a_bucket_a_queue_a_cache_and_a_file_system_are_shown() -> None:
    assert [block.split("(")[0] for block in BLOCKS[1:-1]] == [
        "class Storage",
        "class Orders",
        "class Cache",
        "class Files",
    ]
