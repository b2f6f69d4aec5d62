"""Two websites behind one load balancer, and a worker."""

if __name__ == "__main__":
    from src.synthesize import main

    main()

from src.environment import Environment
from src.service_props import Call, Route, ServiceProps

APP = "press"

ENVIRONMENTS = {
    "dev": {
        "ACCOUNT": "111122223333",
        "VPC_CIDR": "10.20.32.0/24",
        "FQDN": "press.example.org",
        "CERTIFICATE_ID": "22222222-7db1-4042-90d0-01eb5bde1ffc",
        "ALLOWED_NETWORKS": ["198.100.10.0/24"],
        "IDLE_TIMEOUT_SECONDS": 300,
        "FIREWALL_EXCEPTIONS": {"SizeRestrictions_BODY": "authors upload manuscripts of up to 20 MB"},
    },
}


def services(environment: Environment) -> list[ServiceProps]:
    return [
        ServiceProps(
            container_name="press-web",
            container_port=3000,
            container_location="ghcr.io/example/press-web:1.0.0",
            calls=[Call("press-api", 8000)],
            container_env_vars={"API_URL": "http://press-api:8000"},
            public=True,
        ),
        ServiceProps(
            container_name="press-api",
            container_port=8000,
            container_location="ghcr.io/example/press-api:1.0.0",
            public=True,
            routes=[Route(10, paths=["/api", "/api/*"])],
            health_check_path="/api/health",
            health_check_codes="200-299",
            auto_scale_memory_percent=70,
            auto_scale_max_capacity=3,
        ),
        ServiceProps(
            container_name="press-mail",
            container_location="ghcr.io/example/press-mail:1.0.0",
            calls=[Call("press-api", 8000)],
            container_env_vars={"API_URL": "http://press-api:8000"},
        ),
    ]
