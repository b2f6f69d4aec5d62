"""Names that AWS defines: tests/unit/config/test_aws_names.py compares them with botocore and cfn-lint."""

from __future__ import annotations

# The regions of the partition "aws" that have ECS: botocore 1.43.106.
REGIONS = (
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
    *("ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1"),
    *("eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1"),
    *("mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)

# The instance sizes of DocumentDB by family, in any region: cfn-lint 1.58.
# https://docs.aws.amazon.com/documentdb/latest/developerguide/db-instance-classes.html
_DOCUMENTDB_SIZES = {
    "r4": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge"),
    "r5": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"),
    "r6g": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge"),
    "r6gd": ("xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge"),
    "r8g": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge"),
    "t3": ("medium",),
    "t4g": ("medium",),
}
DOCUMENTDB_CLASSES = tuple(f"{family}.{size}" for family, sizes in _DOCUMENTDB_SIZES.items() for size in sizes)
