"""Images that were never published, for tests of code that uses images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from portside.emulator.registry.catalogue import Catalogue
from portside.images.resolution import Resolution
from portside.images.resolved_image import PLATFORM, ResolvedImage


def stubs(version: str, references: Iterable[str]) -> Resolution:
    """The images that the embedded AWS makes up for references."""
    images = {}
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Catalogue(Path(folder) / "images.json")
        for reference in references:
            made = catalogue.put(reference, "stub")
            assert made.recipe
            [tag] = made.tags
            images[reference] = ResolvedImage(
                made.name, tag, made.digest, made.recipe.commit, PLATFORM, "1970-01-01T00:00:00+00:00"
            )
    return Resolution(version, images, stand_in=True)
