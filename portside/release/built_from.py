"""Whether the images of a release were built from the commit that its tag is on."""

from __future__ import annotations

from portside.commands import tool
from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage, short_commit
from portside.release.monorepo import RemoteRefs
from portside.release.version_tags import parse_version


def tagged_commit(refs: RemoteRefs, version: str) -> tuple[str, str | None]:
    """The tag of a version, and the commit that it is on, None where the monorepo has no such tag."""
    parsed = parse_version(version)
    tag = refs.release_tags.tag(parsed) if parsed else f"{refs.release_tags.prefix}/v{version}"
    return tag, refs.tags.get(tag)


def check_built_from(lock: Resolution, refs: RemoteRefs) -> None:
    """Compare the label of each image of the version with its tag's commit.

    Images without the label are not checked. Raises `UserError` if one was built from another commit.
    """
    tag, commit = tagged_commit(refs, lock.version)
    if commit is None:
        raise UserError(
            f"{lock.version}: the monorepo has no tag {tag}",
            f"A release is a tag: see the last ones, or cut it: {tool('release', 'status')}, {tool('release', 'cut')}",
        )
    others = [
        image
        for image in lock.images.values()
        if image.tag == lock.version and image.commit and not commit.startswith(image.commit)
    ]
    if others:
        raise UserError(
            "\n  ".join(
                [f"{lock.version}: {tag} is on {commit[:12]}, but", *(_describe(each, refs) for each in others)]
            ),
            f"Another build has published under {lock.version} since. Look at the monorepo's release job for {tag}; "
            f"then cut another candidate: {tool('release', 'cut')}",
        )


def _describe(image: ResolvedImage, refs: RemoteRefs) -> str:
    assert image.commit
    whole = next((each for each in (*refs.tags.values(), *refs.heads.values()) if each.startswith(image.commit)), "")
    names = refs.names_of(whole)
    which = f", which is {' and '.join(names)}" if names else ""
    return f"{image.name.rpartition('/')[2]} was built from {short_commit(image.commit)}{which}"
