"""Messages of the AWS SDKs: credentials, regions, and missing resources."""

from __future__ import annotations

from portside.findings.log_rows.row import AT_ITS_TIME, Row

_ROLE = "TASK_ROLE_DENIED"

ROWS = (
    Row(
        f"{_ROLE}.NO_CREDENTIALS",
        r"[Cc]ould not load credentials from any provider|Unable to locate credentials"
        r"|NoCredentialProviders"
        r"|Unable to load (?:AWS )?credentials from any|no EC2 IMDS role found|failed to refresh cached credentials"
        r"|Missing credentials in config|CredentialsError|MissingAuthenticationToken"
        r"|Unable to get IAM security credentials",
        "no AWS credentials found: the task role gives it none",
        "Give it what it needs of AWS: permissions=[Permission(…)] of {name} in app.py, and set no AWS_PROFILE and "
        "no keys in "
        "{env}; then: {deploy}",
        "app.py, permissions of {name}",
    ),
    Row(
        f"{_ROLE}.CREDENTIALS",
        r"ExpiredToken|security token included in the request is (?:expired|invalid)|InvalidAccessKeyId"
        r"|InvalidClientTokenId"
        r"|UnrecognizedClientException|SignatureDoesNotMatch|The AWS Access Key Id you provided does not exist",
        "AWS rejects the credentials that it uses: {line}",
        "Remove keys of AWS from {env} and container_secrets, so that it uses its task role (permissions of {name}); "
        "then: {deploy}",
        "app.py, container_env_vars of {name}",
    ),
    Row(
        f"{AT_ITS_TIME}.REGION",
        r"Region is missing|[Yy]ou must specify a region|MissingRegion|Unable to (?:load|find) (?:a "
        r"|an )?(?:AWS )?region|NoRegionError"
        r"|Missing region in config|the region '(?P<region>[\w-]+)' is wrong|PermanentRedirect"
        r"|AuthorizationHeaderMalformed"
        r"|must be addressed using the specified endpoint",
        "the AWS region is not set, or wrong {region}: {line}",
        "Set AWS_REGION in {env} to the region of what it asks for, then: {deploy}",
        "app.py, container_env_vars of {name}",
    ),
    Row(
        f"{AT_ITS_TIME}.AWS_RESOURCE_MISSING",
        r"NoSuchBucket|The specified bucket does not exist|Secrets Manager can't find the specified secret"
        r"|QueueDoesNotExist"
        r"|NonExistentQueue|ParameterNotFound|Requested resource not found|ResourceNotFoundException|NoSuchKey",
        "an AWS resource that it uses does not exist: {line}",
        "Correct its name in {env}, or create it, then: {deploy}",
        "app.py, container_env_vars of {name}",
    ),
    Row(
        f"{_ROLE}.UNNAMED",
        r"(?<!nio\.file\.)\bAccessDenied(?:Exception)?\b(?!: /)|(?:S3|DynamoDb|Sqs|Sns|Kms|Ssm"
        r"|SecretsManager)Exception: .*(?:Access Denied|403)"
        r"|UnauthorizedOperation|An error occurred \(403\)|AuthorizationError(?:Exception)?: .*arn:aws",
        "its task role lacks a permission: {line}",
        'Grant what the log says it called: permissions=[Permission(["SERVICE:ACTION"], ["ARN"])] of {name} in '
        "app.py, then: {deploy}",
        "app.py, permissions of {name}",
    ),
    Row(
        "AWS_TROUBLE.THROTTLED",
        r"ThrottlingException|Rate exceeded|TooManyRequestsException|ProvisionedThroughputExceeded|SlowDown"
        r"|RequestLimitExceeded",
        "AWS throttles its requests: {line}",
        "Let it ask less often and again after a pause (retries of its SDK); then: {again}",
    ),
    Row(
        f"{AT_ITS_TIME}.AWS_ENDPOINT",
        r"Could not connect to the endpoint URL|Connect timeout on endpoint URL"
        r"|Inaccessible host: `?(?P<host>[\w.-]+amazonaws\.com)"
        r"|Unable to connect to endpoint|UnknownEndpoint",
        "it can't reach an AWS endpoint: {line}",
        "Check its region in {env}, and the route out of its subnets (NAT gateways of the network stack); then: "
        "{again}",
    ),
)
