"""A web app and a worker that use a bucket, a queue and a cache, which stacks.py creates."""

if __name__ == "__main__":
    from src.synthesize import main

    main()

from src.environment import Environment
from src.late_values import StackOutput
from src.service_props import Call, DurableVolume, Grant, ServiceProps

APP = "shop"

ENVIRONMENTS = {
    "dev": {
        "ACCOUNT": "111122223333",
        "VPC_CIDR": "10.20.31.0/24",
        "FQDN": "shop-dev.example.org",
        "CERTIFICATE_ID": "22222222-7db1-4042-90d0-01eb5bde1ffc",
        "TAGS": {"CostCenter": "Shop / 1"},
        "GHCR_PACKAGE_VERSION": "1.0.0",
        "AUTO_SCALE_CAPACITY": {"min": 1, "max": 2},
    },
}


def services(environment: Environment) -> list[ServiceProps]:
    """The web app puts orders into the queue, and the worker takes them out."""
    version = environment.ghcr_package_version
    web = ServiceProps(
        container_name="shop-web",
        container_port=8080,
        container_memory_reservation=256,
        container_location=f"ghcr.io/example/shop-web:{version}",
        container_env_vars={
            "UPLOADS_BUCKET": StackOutput("storage", "BucketName"),
            "ORDERS_QUEUE_URL": StackOutput("orders", "QueueUrl"),
            "CACHE_URL": f"rediss://{StackOutput('cache', 'Endpoint')}:6379",
        },
        grants=[Grant("storage", "read_write"), Grant("orders", "send")],
        calls=[Call("cache", 6379)],
        no_healthcheck_reason="the load balancer asks for /, and the image has no program for a check",
        health_check_path="/",
        public=True,
    )
    worker = ServiceProps(
        container_name="shop-worker",
        container_memory_reservation=256,
        container_location=f"ghcr.io/example/shop-worker:{version}",
        container_env_vars={"ORDERS_QUEUE_URL": StackOutput("orders", "QueueUrl")},
        grants=[Grant("orders", "consume")],
        durable_volumes=[DurableVolume("/srv/invoices", "files", "uploads")],
        no_healthcheck_reason="it only works on the queue, and its image has no program for a check",
    )
    return [web, worker]
