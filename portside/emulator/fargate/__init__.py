"""The container runtime: a task's life as in Fargate, from PROVISIONING to STOPPED, with stubs instead of containers.

ministack's own task states, circuit breaker and draining are used; only new tasks go to `runtime` instead of Docker.
Time is compressed: minutes in Fargate are fractions of a second here, scaled by a variable.
"""
