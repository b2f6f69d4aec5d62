"""Rules over the CloudFormation templates of a whole assembly, without calls to AWS."""
