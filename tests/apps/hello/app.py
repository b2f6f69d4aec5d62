"""One container in one environment."""

if __name__ == "__main__":
    from src.synthesize import main

    main()

from src.environment import Environment
from src.service_props import ServiceProps

APP = "hello"

ENVIRONMENTS = {
    "dev": {
        "ACCOUNT": "111122223333",
        "VPC_CIDR": "10.20.30.0/24",
        "FQDN": "hello-dev.example.org",
        "CERTIFICATE_ID": "11111111-7db1-4042-90d0-01eb5bde1ffc",
        "TAGS": {"CostCenter": "Hello / 1"},
        "GHCR_PACKAGE_VERSION": "1.27",
        "AUTO_SCALE_CAPACITY": {"min": 1, "max": 2},
    },
}


def services(environment: Environment) -> list[ServiceProps]:
    """The only container."""
    web = ServiceProps(
        container_name="web",
        container_port=80,
        container_memory_reservation=256,
        container_location=f"docker.io/library/nginx:{environment.ghcr_package_version}",
        no_healthcheck_reason="the load balancer asks for /, and nginx's image has no program for a check",
        public=True,
    )
    return [web]
