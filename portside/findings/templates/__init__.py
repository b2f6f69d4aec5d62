"""What can be known of CloudFormation templates before AWS sees them: over a whole assembly, without a call."""
