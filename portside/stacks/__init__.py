"""Makes CloudFormation templates with the CDK."""

from portside.stacks import jsii_settings

jsii_settings.choose()
