"""A portal like Agora that the previous app deployed, in stacks with different names."""

if __name__ == "__main__":
    from src.synthesize import main

    main()

from src.environment import Environment
from src.late_values import DatabaseHost, DatabasePort, DatabaseSecret
from src.service_props import DATABASE, Call, ServiceProps, ServiceSecret

APP = "mouse-portal"
STACK_PREFIX = "model-ad-{environment}"

ENVIRONMENTS = {
    "dev": {
        "ACCOUNT": "607346494281",
        "VPC_CIDR": "10.253.172.0/24",
        "FQDN": "dev.portal.example.org",
        "CERTIFICATE_ID": "b2e46121-3f53-4aba-af2e-bd724549c494",
        "TAGS": {"CostCenter": "Portal / 2"},
        "GHCR_PACKAGE_VERSION": "edge",
        "NAT_GATEWAYS": 2,
        "DATABASE_KIND": "documentdb",
        "DATABASE_STACK": "docdb",
        "DATABASE_ENGINE_VERSION": "5.0.0",
        "DATABASE_TLS": False,
        "ADOPTED_STACKS": "deployed by the previous app",
        "KEEP_EXPORTS": True,
    },
}


def services(environment: Environment) -> list[ServiceProps]:
    """Three containers, whose stacks are named without the `model-ad-` of the containers."""
    version = environment.ghcr_package_version
    api = ServiceProps(
        container_name="model-ad-api",
        stack="api",
        container_location=f"ghcr.io/sage-bionetworks/model-ad-api:{version}",
        container_port=3333,
        container_env_vars={
            "MONGODB_HOST": DatabaseHost(),
            "MONGODB_PORT": DatabasePort(),
            "MONGODB_USER": environment.database_username,
        },
        container_secrets=[ServiceSecret(DatabaseSecret("password"), "MONGODB_PASS")],
        calls=[Call(DATABASE, environment.database_port)],
    )
    app = ServiceProps(
        container_name="model-ad-app",
        stack="app",
        container_location=f"ghcr.io/sage-bionetworks/model-ad-app:{version}",
        container_port=4200,
        container_env_vars={"SSR_API_URL": "http://model-ad-api:3333/v1"},
        calls=[Call("model-ad-api", 3333)],
    )
    apex = ServiceProps(
        container_name="model-ad-apex",
        stack="apex",
        container_location=f"ghcr.io/sage-bionetworks/model-ad-apex:{version}",
        container_port=80,
        container_env_vars={"APP_HOST": "model-ad-app", "APP_PORT": "4200"},
        calls=[Call("model-ad-app", 4200)],
        public=True,
        health_check_path="/health",
    )
    return [api, app, apex]
