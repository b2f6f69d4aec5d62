"""Where references lead."""

from __future__ import annotations

import pytest

from portside.errors import UsageError
from portside.images.location import locate

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("reference", "host", "path", "tag", "digest"),
    [
        ("ghcr.io/sage-bionetworks/agora-app:edge", "ghcr.io", "sage-bionetworks/agora-app", "edge", None),
        (f"ghcr.io/o/n@{DIGEST}", "ghcr.io", "o/n", DIGEST, DIGEST),
        (f"ghcr.io/o/n:4.2.0@{DIGEST}", "ghcr.io", "o/n", "4.2.0", DIGEST),
        ("localhost:5000/x/y:1", "localhost:5000", "x/y", "1", None),
        ("localhost/y:1", "localhost", "y", "1", None),
        ("public.ecr.aws/nginx/nginx:1", "public.ecr.aws", "nginx/nginx", "1", None),
        ("docker.io/mongo:8", "docker.io", "library/mongo", "8", None),
        ("mongo:8", "docker.io", "library/mongo", "8", None),
        ("grafana/grafana", "docker.io", "grafana/grafana", "latest", None),
    ],
)
def test_a_reference_leads_to_a_repository(reference: str, host: str, path: str, tag: str, digest: str | None) -> None:
    found = locate(reference)
    assert (found.host, found.path, found.tag, found.digest) == (host, path, tag, digest)


def test_an_image_is_called_by_the_end_of_its_name_and_named_as_it_was_written() -> None:
    found = locate("ghcr.io/sage-bionetworks/deep/agora-app:edge")
    assert (found.label, found.owner, found.package) == ("agora-app", "sage-bionetworks", "deep/agora-app")
    assert locate("mongo:8").name == "mongo"


@pytest.mark.parametrize("reference", ["", "path://./app", "ghcr.io/UPPER/x:1", "ghcr.io/x:1", "a b", "x:\n"])
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(UsageError) as refused:
        locate(reference)
    assert refused.value.hint
