"""The images: whether the registry still has each at its digest, for the platform that runs it."""

from __future__ import annotations

from functools import partial

from portside.config.service_props import ServiceProps
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.images.failures import Failure, Kind, ResolutionFailed
from portside.images.resolved_image import ResolvedImage
from portside.preflight.context import Context, Question, ask_registry
from portside.synthesis.image_builder import find_builder

# Failures that ECS would have too; the others concern the connection or the credentials of this lookup.
MISSING = frozenset(
    {
        Kind.BLOCKED,
        Kind.CONTENT_MISSING,
        Kind.LOGIN_REFUSED,
        Kind.NOT_PUBLIC,
        Kind.PACKAGE_UNKNOWN,
        Kind.TAG_UNKNOWN,
        Kind.TOKEN_NEEDED,
        Kind.WRONG_PLATFORM,
    }
)


def questions(context: Context) -> list[Question]:
    """One check for all images, with parallel requests to the registry, and one for each that is built."""
    built = [props for props in context.services if props.container_location_is_path]
    return [Question("images", images), *(Question(_subject(props), partial(_built, props)) for props in built)]


def images(context: Context) -> list[Finding]:
    """Resolve each service's image, then look it up by its digest, as ECS will."""
    services = [props for props in context.services if not props.container_location_is_path]
    try:
        known = context.images()
    except ResolutionFailed as failed:
        return [_looked_up(props, failed.failures.get(props.container_location)) for props in services]
    resolved = {props.container_name: known.images.get(props.container_location) for props in services}
    references = [image.reference for image in resolved.values() if image]
    failures: dict[str, Failure] = {}
    try:
        ask_registry(context.target, context.configuration, references, known.version)
    except ResolutionFailed as failed:
        failures = failed.failures
    checks = []
    for props in services:
        image = resolved[props.container_name]
        failure = failures.get(image.reference) if image else None
        checks.append(published(_subject(props), image, failure) if image else _unknown(props, context))
    return checks


def published(subject: str, image: ResolvedImage, failure: Failure | None) -> Finding:
    """Whether the registry has an image."""
    name = f"{image.tag} {image.digest[:19]}…"
    return _failed(subject, name, failure) if failure else ok(subject, f"{name} for {image.platform}")


def _looked_up(props: ServiceProps, failure: Failure | None) -> Finding:
    if failure is None:
        return skip(_subject(props), "not asked for by its digest: others could not be looked up")
    return _failed(_subject(props), props.container_location, failure)


def _unknown(props: ServiceProps, context: Context) -> Finding:
    hint = f"Look up what it is: {context.commands.tool('images')}"
    return fail(_subject(props), f"nothing says what {props.container_location} is", hint)


def _built(props: ServiceProps, context: Context) -> Finding:
    """Whether this machine can build an image from its folder, if the deployment needs it."""
    subject, stack = _subject(props), context.stack_of(props)
    if context.target.is_local:
        return skip(subject, "a rehearsal runs a stub instead of what would be built")
    new, deployed = context.new_templates().get(stack), context.deployed().get(stack)
    if new is not None and deployed is not None and new.template == deployed:
        return ok(subject, "its folder has not changed since it was built")
    return ok(subject, f"{find_builder(context.target.process_environment)} builds it from its folder")


def _failed(subject: str, sentence: str, failure: Failure) -> Finding:
    if failure.kind not in MISSING:
        return skip(subject, f"{sentence}: {failure.sentence}")
    hint = failure.hint or "Publish it again, or name another GHCR_PACKAGE_VERSION in app.py."
    return fail(subject, f"{sentence}: {failure.sentence}", hint)


def _subject(props: ServiceProps) -> str:
    return f"image of {props.container_name}"
