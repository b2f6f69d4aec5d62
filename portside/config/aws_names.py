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

_TO_16XLARGE = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_TO_24XLARGE = (*_TO_16XLARGE, "24xlarge")
# Those of RDS and Aurora whose generations are current.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Types.html
_MEMORY_SIZES = {
    **dict.fromkeys(("r6g", "r7g", "x2g"), _TO_16XLARGE),
    "r5": _TO_24XLARGE,
    "r6i": (*_TO_24XLARGE, "32xlarge"),
    **dict.fromkeys(("r7i", "r8g"), (*_TO_24XLARGE, "48xlarge")),
}
_AURORA_SIZES = _MEMORY_SIZES | {"t3": ("medium", "large"), "t4g": ("medium", "large")}
_RDS_SIZES = _MEMORY_SIZES | {
    **dict.fromkeys(("m6g", "m7g"), _TO_16XLARGE),
    "m5": _TO_24XLARGE,
    "m6i": (*_TO_24XLARGE, "32xlarge"),
    **dict.fromkeys(("m7i", "m8g"), (*_TO_24XLARGE, "48xlarge")),
    **dict.fromkeys(("t3", "t4g"), ("micro", "small", "medium", "large", "xlarge", "2xlarge")),
}
AURORA_CLASSES = tuple(f"{family}.{size}" for family, sizes in _AURORA_SIZES.items() for size in sizes)
RDS_CLASSES = tuple(f"{family}.{size}" for family, sizes in _RDS_SIZES.items() for size in sizes)
