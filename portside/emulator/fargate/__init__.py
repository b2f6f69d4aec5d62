"""The container runtime: what Fargate does with a task from PROVISIONING to STOPPED, with stand-ins for containers.

ministack keeps its own task life cycle, circuit breaker and drain; it only hands each new task over to `runtime`
instead of to Docker. What takes Fargate minutes takes fractions of a second, scaled by `AGORA_LOCAL_TIME_SCALE`.
"""
