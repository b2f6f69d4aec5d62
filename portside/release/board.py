"""The release board: what of each environment is behind, and the next command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from portside.commands import tool
from portside.config.configuration import Configuration
from portside.errors import UserError
from portside.release.route import promoted_from
from portside.release.status import AS_WANTED, DIFFERENT, NOT_DEPLOYED, Cell, EnvironmentStatus, released_versions
from portside.release.version_tags import ReleaseTags, parse_version
from portside.report.release_board import BoardCell, BoardEnvironment, board

_TONES = {AS_WANTED: "good", DIFFERENT: "bad"}


def release_board(
    configuration: Configuration, found: Sequence[EnvironmentStatus], tags: ReleaseTags | None, *, local: bool
) -> str:
    """The page of what was read of all environments."""
    versions = {each.name: each.version for each in found}
    environments = []
    for status in found:
        step, command = next_step(configuration, status, versions, tags, local=local)
        environments.append(
            BoardEnvironment(
                name=status.name,
                version=status.version,
                step=step,
                command=command,
                is_current=step == _CURRENT,
                cells={
                    configuration.environment(status.name).short_name(each.service): _cell(each)
                    for each in status.cells
                },
                remarks=status.remarks,
            )
        )
    title = f"{configuration.environment(configuration.first).identity.title} releases"
    return board(title, environments, released_versions(tags) if tags else (), datetime.now(UTC))


_CURRENT = "up to date"


def next_step(
    configuration: Configuration,
    status: EnvironmentStatus,
    versions: dict[str, str],
    tags: ReleaseTags | None,
    *,
    local: bool,
) -> tuple[str, str]:
    """The reason why an environment is behind, and the command for it, which is empty if there is nothing to do."""
    states = [cell.state for cell in status.cells]
    if not any(cell.is_known for cell in status.cells):
        return "not read", tool("verify", status.name, local=local)
    behind = states.count(DIFFERENT) + states.count(NOT_DEPLOYED)
    if behind:
        services = "1 service differs" if behind == 1 else f"{behind} services differ"
        return f"{services} from app.py", tool("deploy", status.name, local=local)
    environment = configuration.environment(status.name)
    own = parse_version(status.version)
    try:
        source = promoted_from(configuration, environment) if environment.is_released else None
    except UserError:
        source = None
    if source is None or own is None:
        return _CURRENT, ""
    before = parse_version(versions.get(source.name, ""))
    if before and before > own:
        if tags and before.release not in tags.finished and environment.is_production:
            return f"{source.name} runs {before}, which is not finished", tool("release", "finish", local=local)
        return f"{source.name} runs {before}", tool("release", "promote", status.name, local=local)
    newest = max(tags.versions, default=None) if tags else None
    if before is None and newest and newest > own:
        return f"{newest} is tagged", tool("release", "pin", str(newest), local=local)
    return _CURRENT, ""


def _cell(cell: Cell) -> BoardCell:
    runs, expected = cell.deployed, cell.wanted
    lines = [f"{runs.tag} ({runs.short_commit or 'unknown'})", runs.digest[7:19]] if runs else []
    if cell.state == DIFFERENT and expected:
        lines.append(f"app.py: {expected.tag} ({expected.short_commit or 'unknown'})")
    return BoardCell(tuple(lines), cell.state, _TONES.get(cell.state, "waiting"))
