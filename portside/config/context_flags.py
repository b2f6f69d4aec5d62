"""Context values of a synthesis, passed to the CDK with `--context NAME=VALUE`."""

PARALLEL = "portside:side-by-side"
"""With "true" the stacks of services don't depend on each other."""

DESTROYING = "portside:destroying"
"""With "true" stacks and the load balancer have no deletion protection."""

WITH_DATA = "portside:with-data"
"""With "true" the database and everything stored with it is deleted with its stack."""

REREAD = "portside:reread"
"""The names of stacks, separated by commas, that must read their references again."""

KEPT_GROUPS = "portside:kept-groups"
"""Security groups between services that are kept for one more deployment, as text of `service_groups.format_groups`."""

REHEARSAL = "portside:rehearsal"
"""With "true" stubs replace images that would be built from a folder."""
