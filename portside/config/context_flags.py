"""What whoever runs the CDK can tell a synthesis, with `--context NAME=VALUE`."""

SIDE_BY_SIDE = "portside:side-by-side"
"""With "true" the services' stacks don't wait for each other."""

DESTROYING = "portside:destroying"
"""With "true" nothing protects stacks and the load balancer from deletion."""

WITH_DATA = "portside:with-data"
"""With "true" the database, and all that is kept with it, is deleted with its stack."""

REREAD = "portside:reread"
"""The names of stacks, separated by commas, that are to read their references again."""

KEPT_GROUPS = "portside:kept-groups"
"""The groups between services that stay for one more deployment, as `service_groups.written_groups` writes them."""

REHEARSAL = "portside:rehearsal"
"""With "true" an image that would be built from a folder is replaced by a stub."""
