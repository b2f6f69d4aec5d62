"""How long ten images take that a server answers for with a pause before each answer: medians of paired rounds.

    .venv/bin/python -m benchmarks.resolution [--rounds N]

The images are indexes of two platforms, so that each takes the longest way there is. Both modes must stay below 1.2 s
at 250 ms a call.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from portside.images.access import Access
from portside.images.resolve import resolve
from tests.unit.registry_support import AMD64, ARM64, Catalogue, anonymous, reference, serving, with_token

IMAGES = 10
PAUSE_SECONDS = 0.25


@contextmanager
def modes(pause_seconds: float = PAUSE_SECONDS) -> Iterator[dict[str, Access]]:
    """The ways to resolve the images, on a separate server."""
    catalogue = Catalogue()
    for number in range(IMAGES):
        catalogue.add(f"image-{number}", "edge", platforms=(ARM64, AMD64))
    with serving(catalogue, delay_seconds=pause_seconds) as server:
        yield {"with a token": with_token(server, server), "without a token": anonymous(server)}


def seconds(access: Access) -> float:
    """How long all images take in one way."""
    began = time.perf_counter()
    found = resolve([reference(f"image-{number}") for number in range(IMAGES)], "edge", access=access)
    assert len(found.images) == IMAGES
    return time.perf_counter() - began


def resolution(rounds: int) -> dict[str, float]:
    """The median of each way over a number of rounds, after a warm-up round."""
    with modes() as ways:
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for each in range(rounds + 1):
            for name, access in ways.items():
                took = seconds(access)
                if each:
                    taken[name].append(took)
    return {name: statistics.median(values) for name, values in taken.items()}


def main() -> None:
    """Print the medians in seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    for name, median in resolution(parser.parse_args().rounds).items():
        print(f"  {IMAGES} images, {PAUSE_SECONDS * 1000:.0f} ms a call, {name:<18} {median:6.3f}")


if __name__ == "__main__":
    main()
