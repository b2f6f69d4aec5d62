"""The name by which people call this tool."""

from __future__ import annotations

from typing import Final

PROGRAM: Final = "./agora"
