"""The tests of the machinery run on `tests/apps/agora`, whatever the repository's own `app.py` says."""

from pathlib import Path

from portside.config import configuration

# Before any other module of the machinery is imported: release_lock derives the folder of the locks from it.
configuration.APP_FOLDER = Path(__file__).parent / "apps" / "agora"
