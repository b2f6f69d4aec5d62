"""The settings of apps of the family that keep them in files: `config/base.yaml` and one file an environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["load_context_config"]

_ENVIRONMENTS = ("dev", "prod", "stage")


def load_context_config(env_name: str, config_dir: str = "config") -> dict[str, Any]:
    """The settings of an environment: those of its file (`.yaml`, `.yml` or `.json`) over those of `base.yaml`.

    Raises `ValueError` for another environment or several files, and `FileNotFoundError` without a file.
    """
    if env_name not in _ENVIRONMENTS:
        raise ValueError(f"Invalid environment '{env_name}'. Use one of {', '.join(_ENVIRONMENTS)}.")
    folder = Path(config_dir)
    candidates = [folder / f"{env_name}{suffix}" for suffix in (".yaml", ".yml", ".json")]
    files = [path for path in candidates if path.exists()]
    if not files:
        expected = ", ".join(map(str, candidates))
        raise FileNotFoundError(f"No config file found for environment '{env_name}'. Add one of {expected}.")
    if len(files) > 1:
        found = ", ".join(map(str, files))
        raise ValueError(f"Multiple config files found for environment '{env_name}': {found}. Keep one of them.")
    base = folder / "base.yaml"
    return _deep_merge(_read(base) if base.exists() else {}, _read(files[0]))


def _read(path: Path) -> dict[str, Any]:
    import yaml

    text = path.read_text(encoding="utf-8")
    found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    return found or {}


def _deep_merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """A new mapping with the values of `override`, merged into those of `base` where both are mappings."""
    merged = dict(base)
    for key, value in override.items():
        inner = merged.get(key)
        merged[key] = _deep_merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged
