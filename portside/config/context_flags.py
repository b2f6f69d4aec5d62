"""What whoever runs the CDK can tell a synthesis, with `--context NAME=VALUE`."""

SIDE_BY_SIDE = "agora:side-by-side"
"""With "true" the services' stacks don't wait for each other."""

DESTROYING = "agora:destroying"
"""With "true" nothing protects stacks and the load balancer from deletion."""

WITH_DATA = "agora:with-data"
"""With "true" the database, and all that is kept with it, is deleted with its stack."""

REREAD = "agora:reread"
"""The names of stacks, separated by commas, that are to read their references again."""

KEPT_GROUPS = "agora:kept-groups"
"""The groups between services that stay for one more deployment, as `service_groups.written_groups` writes them."""

REHEARSAL = "agora:rehearsal"
"""With "true" an image that would be built from a folder is replaced by a stub."""
