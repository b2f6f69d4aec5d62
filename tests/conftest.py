"""All tests run with what Agora adds to the machinery, as its launcher does."""

from __future__ import annotations

from agora_own.extension import AGORA
from portside.cli import main

main.use(AGORA)
