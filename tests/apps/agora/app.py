"""Environments and containers shaped like Agora's, for the tests of the machinery.

Run by the CDK (see cdk.json) it makes the CloudFormation templates of the environment that ENV names.
"""

if __name__ == "__main__":
    # Before anything else, as main() reads this file itself: a mistake in it is then reported without a traceback.
    from src.synthesize import main

    main()

from typing import Any

from src.environment import Environment, Kind
from src.late_values import DatabaseHost, DatabasePort, DatabaseSecret, ImageCommit, ImageVersion
from src.service_props import DATABASE, Call, ContainerVolume, HealthCheck, ServiceProps, ServiceSecret

# Stacks, parameters and exports are named after it.
APP = "agora"

# Why stacks that carry no owner tag are taken over. Once every stack carries it, this can go.
PREVIOUS_APP = "deployed by Agora's earlier CDK app, which this one replaces"

# The role of GitHub Actions in each account.
DEPLOY_ROLE = "sagebase-github-oidc-agora-infra-v3"

ENVIRONMENTS = {
    "dev": {
        "ACCOUNT": "607346494281",
        "VPC_CIDR": "10.254.172.0/24",
        "FQDN": "agora-dev.adknowledgeportal.org",
        "CERTIFICATE_ID": "e8093404-7db1-4042-90d0-01eb5bde1ffc",
        "TAGS": {"CostCenter": "AMP-AD DCC / 101500", "Environment": "dev"},
        "GHCR_PACKAGE_VERSION": "edge",
        "AUTO_SCALE_CAPACITY": {"min": 1, "max": 2},
        "NAT_GATEWAYS": 2,
        "DATABASE_KIND": "documentdb",
        # agora-api has no option for TLS: see DATABASE_WITHOUT_TLS in agora_own/extension.py.
        "DATABASE_TLS": False,
        "DEPLOY_ROLE": DEPLOY_ROLE,
        "KEEP_EXPORTS": True,
        "ADOPTED_STACKS": PREVIOUS_APP,
    },
    "stage": {
        "ACCOUNT": "681175625864",
        "VPC_CIDR": "10.254.173.0/24",
        "FQDN": "agora-stage.adknowledgeportal.org",
        "CERTIFICATE_ID": "69b3ba97-b382-4648-8f94-a250b77b4994",
        "TAGS": {"CostCenter": "AMP-AD DCC / 101500", "Environment": "stage"},
        "GHCR_PACKAGE_VERSION": "4.2.1-rc1",
        "AUTO_SCALE_CAPACITY": {"min": 2, "max": 4},
        "NAT_GATEWAYS": 2,
        "DATABASE_KIND": "documentdb",
        "DATABASE_TLS": False,
        "DEPLOY_ROLE": DEPLOY_ROLE,
        "KEEP_EXPORTS": True,
        "ADOPTED_STACKS": PREVIOUS_APP,
    },
    "prod": {
        "ACCOUNT": "681175625864",
        "VPC_CIDR": "10.254.174.0/24",
        "FQDN": "agora.adknowledgeportal.org",
        "CERTIFICATE_ID": "69b3ba97-b382-4648-8f94-a250b77b4994",
        "TAGS": {"CostCenter": "AMP-AD DCC / 101500", "Environment": "prod"},
        "GHCR_PACKAGE_VERSION": "4.2.1-rc1",
        "AUTO_SCALE_CAPACITY": {"min": 2, "max": 4},
        "NAT_GATEWAYS": 2,
        "DATABASE_KIND": "documentdb",
        "DATABASE_TLS": False,
        "DEPLOY_ROLE": DEPLOY_ROLE,
        "KEEP_EXPORTS": True,
        "ADOPTED_STACKS": PREVIOUS_APP,
    },
}

REGISTRY = "ghcr.io/sage-bionetworks"

# The profiles that agora-api-next has.
SPRING_PROFILES = {Kind.DEVELOPMENT: "dev", Kind.STAGING: "stage", Kind.PRODUCTION: "prod"}

# Where the application's code is tagged, which publishes its images.
RELEASES = {
    "REPOSITORY": "https://github.com/Sage-Bionetworks/sage-monorepo.git",
    "TAG_PREFIX": "agora",
    "BRANCH": "main",
}


def services(environment: Environment) -> list[ServiceProps]:
    """The containers of an environment: what each needs, and which services it calls."""
    version = environment.ghcr_package_version
    capacity: dict[str, Any] = {
        "auto_scale_min_capacity": environment.auto_scale_min,
        "auto_scale_max_capacity": environment.auto_scale_max,
    }

    api = ServiceProps(
        container_name="agora-api",
        container_port=3333,
        container_memory_reservation=1024,
        container_location=f"{REGISTRY}/agora-api:{version}",
        container_env_vars={
            "NODE_ENV": "production",
            "MONGODB_HOST": DatabaseHost(),
            "MONGODB_PORT": DatabasePort(),
            "MONGODB_NAME": environment.database_name,
            "MONGODB_USER": environment.database_username,
        },
        container_secrets=[ServiceSecret(DatabaseSecret("password"), "MONGODB_PASS")],
        container_healthcheck=HealthCheck(["CMD-SHELL", "curl -fsS http://localhost:3333/health || exit 1"]),
        read_only_root=True,
        cpu=512,
        calls=[Call(DATABASE, environment.database_port)],
        **capacity,
    )

    # It doesn't run as root, which is why its root stays writable: it needs /tmp, and a volume of Fargate's belongs to
    # root unless the image declares it. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
    api_next = ServiceProps(
        container_name="agora-api-next",
        container_port=3334,
        container_memory_reservation=1024,
        container_location=f"{REGISTRY}/agora-api-next:{version}",
        container_env_vars={
            "SERVER_PORT": "3334",
            "SPRING_PROFILES_ACTIVE": SPRING_PROFILES[environment.kind],
            "SPRING_DATA_MONGODB_HOST": DatabaseHost(),
            "SPRING_DATA_MONGODB_PORT": DatabasePort(),
            "SPRING_DATA_MONGODB_DATABASE": environment.database_name,
            "SPRING_DATA_MONGODB_USERNAME": environment.database_username,
            "SPRING_DATA_MONGODB_AUTHENTICATION_DATABASE": "admin",
        },
        container_secrets=[ServiceSecret(DatabaseSecret("password"), "SPRING_DATA_MONGODB_PASSWORD")],
        no_healthcheck_reason="a buildpack image without a shell or a program to ask with: ECS sees whether it runs",
        cpu=1024,
        calls=[Call(DATABASE, environment.database_port)],
        **capacity,
    )

    # Its start script rewrites the pages it serves, so its root stays writable.
    api_docs = ServiceProps(
        container_name="agora-api-docs",
        container_port=8010,
        container_memory_reservation=200,
        container_location=f"{REGISTRY}/agora-api-docs:{version}",
        container_env_vars={"PORT": "8010"},
        container_healthcheck=HealthCheck(["CMD-SHELL", "curl -fsS http://localhost:8010/ || exit 1"]),
        **capacity,
    )

    # It writes its configuration into its own folder at start, so its root stays writable.
    app = ServiceProps(
        container_name="agora-app",
        container_port=4200,
        container_memory_reservation=1024,
        container_location=f"{REGISTRY}/agora-app:{version}",
        container_env_vars={
            "ENVIRONMENT": environment.name,
            "APP_VERSION": ImageVersion(),
            "COMMIT_SHA": ImageCommit(),
            "CSR_API_URL": f"https://{environment.fqdn}/api/v1",
            "SSR_API_URL": "http://agora-api:3333/v1",
            "API_DOCS_URL": f"https://{environment.fqdn}/api-docs",
            "GOOGLE_TAG_MANAGER_ID": "GTM-WHXXVWKC",
            "GOOGLE_TAG_MANAGER_ENABLED": "true" if environment.kind is Kind.PRODUCTION else "false",
            "SENTRY_ENVIRONMENT": environment.name,
            "SENTRY_RELEASE": ImageVersion(),
        },
        container_secrets=[ServiceSecret("agora-sentry-dsn", "SENTRY_DSN")],
        container_healthcheck=HealthCheck(["CMD-SHELL", "curl -fsS http://localhost:4200/health || exit 1"]),
        cpu=512,
        calls=[Call("agora-api", 3333)],
        **capacity,
    )

    apex = ServiceProps(
        container_name="agora-apex",
        container_port=80,
        container_memory_reservation=200,
        container_location=f"{REGISTRY}/agora-apex:{version}",
        container_env_vars={
            "API_DOCS_HOST": "agora-api-docs",
            "API_DOCS_PORT": "8010",
            "API_HOST": "agora-api",
            "API_PORT": "3333",
            "API_NEXT_HOST": "agora-api-next",
            "API_NEXT_PORT": "3334",
            "APP_HOST": "agora-app",
            "APP_PORT": "4200",
        },
        calls=[
            Call("agora-api", 3333),
            Call("agora-api-next", 3334),
            Call("agora-api-docs", 8010),
            Call("agora-app", 4200),
        ],
        container_volumes=[ContainerVolume("/config", size=1), ContainerVolume("/data", size=1)],
        read_only_root=True,
        public=True,
        health_check_path="/health",
        no_healthcheck_reason="the load balancer asks for /health, and apex has no other route for a check",
        **capacity,
    )

    return [api, api_next, api_docs, app, apex]
