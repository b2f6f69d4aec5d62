"""Resolves the references of images to digests, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from portside.images import failures
from portside.images.access import Access
from portside.images.calls import Caller, Limits, unlogged
from portside.images.contents import Index, commit_among
from portside.images.failures import Failed, Failure, ResolutionFailed
from portside.images.location import Location, locate
from portside.images.packages import PackagesApi
from portside.images.registry import Denied, Repository
from portside.images.resolution import Resolution
from portside.images.resolved_image import PLATFORM, ResolvedImage

DEADLINE_SECONDS = 60.0

_LIMITS = Limits()


def resolve(
    references: Iterable[str],
    version: str,
    *,
    access: Access,
    report: Callable[[str], None] = lambda _: None,
    limits: Limits = _LIMITS,
    within_seconds: float = DEADLINE_SECONDS,
) -> Resolution:
    """The image of each reference now. `report` receives a sentence for each retry.

    Raises `UsageError` for an invalid reference, before any request, and one `ResolutionFailed` for all images that
    were not found.
    """
    locations = [locate(reference) for reference in dict.fromkeys(references)]
    with unlogged(access.token):
        found = asyncio.run(_look_up_all(locations, access, report, limits, within_seconds))
    failed = {reference: outcome for reference, outcome in found.items() if isinstance(outcome, Failure)}
    if failed:
        raise ResolutionFailed(failed, {location.reference: location.label for location in locations})
    return Resolution(
        version, {reference: outcome for reference, outcome in found.items() if isinstance(outcome, ResolvedImage)}
    )


async def _look_up_all(
    locations: Sequence[Location],
    access: Access,
    report: Callable[[str], None],
    limits: Limits,
    within_seconds: float,
) -> dict[str, ResolvedImage | Failure]:
    if not locations:
        return {}
    deadline = asyncio.get_running_loop().time() + within_seconds
    async with Caller(access.token, report, limits, deadline) as caller:
        packages = PackagesApi(caller, access.api_url, access.token) if access.token else None
        tasks = {
            location.reference: asyncio.create_task(_look_up(location, Repository(caller, access, location), packages))
            for location in locations
        }
        _, late = await asyncio.wait(tasks.values(), timeout=within_seconds)
        waiting = {reference: caller.waiting_for(reference) for reference, task in tasks.items() if task in late}
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    found: dict[str, ResolvedImage | Failure] = {}
    for reference, task in tasks.items():
        if task in late:
            outcome: ResolvedImage | Failure = failures.deadline_passed(waiting[reference], within_seconds)
        else:
            outcome = task.result()
        found[reference] = _without_token(outcome, access)
    return found


async def _look_up(location: Location, repository: Repository, packages: PackagesApi | None) -> ResolvedImage | Failure:
    try:
        if packages is not None and location.is_on_github and location.digest is None:
            return await _look_up_with_token(location, repository, packages)
        await repository.open()
        return await _read_image(location, repository, location.digest or location.tag)
    except Failed as failed:
        return failed.failure


async def _look_up_with_token(
    location: Location, repository: Repository, packages: PackagesApi
) -> ResolvedImage | Failure:
    """The digest is from the API; everything else is read without credentials, as ECS does."""
    opening = asyncio.create_task(repository.open())
    try:
        version = await packages.find_version(location)
        await opening
    finally:
        opening.cancel()
    try:
        return await _read_image(location, repository, version.name, version.tags)
    except Denied as denied:
        return failures.not_public(host=denied.host, status=denied.status)


async def _read_image(
    location: Location, repository: Repository, reference: str, tags: Sequence[str] | None = None
) -> ResolvedImage | Failure:
    """`tags` are those of the same image, if known."""
    digest, content = await repository.manifest(reference)
    manifest, commit = None, None
    if isinstance(content, Index):
        entry, commit = content.for_our_platform(), content.commit
        if entry is None:
            platforms = ", ".join(dict.fromkeys(content.platforms)) or "no platform"
            return failures.wrong_platform(platforms=platforms)
        manifest, content = entry.digest, await repository.inner_manifest(entry)
    config = await repository.config(content.config)
    if config.platform != PLATFORM:
        return failures.wrong_platform(platforms=config.platform)
    commit = config.commit or content.commit or commit
    if commit is None:
        commit = await repository.commit_of(digest) if tags is None else commit_among(tags)
    return ResolvedImage(location.name, location.tag, digest, commit, config.platform, config.created, manifest)


def _without_token(outcome: ResolvedImage | Failure, access: Access) -> ResolvedImage | Failure:
    if access.token is None or isinstance(outcome, ResolvedImage):
        return outcome
    hide = access.token.hidden_in
    return replace(outcome, sentence=hide(outcome.sentence), hint=hide(outcome.hint))
