"""The name of this tool on the command line."""

from __future__ import annotations

from typing import Final

PROGRAM: Final = "./agora"
