"""Makes CloudFormation templates with the CDK."""

from portside.stacks import jsii_cache

jsii_cache.choose()
