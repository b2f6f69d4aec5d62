"""The outputs by which a service's stack tells what image it runs."""

IMAGE_OUTPUT = "Image"
"""The name and tag by which the image was chosen."""

IMAGE_DIGEST_OUTPUT = "ImageDigest"

IMAGE_COMMIT_OUTPUT = "ImageCommit"
"""The commit from which the image was made, or `UNKNOWN_COMMIT`."""

UNKNOWN_COMMIT = "unknown"
