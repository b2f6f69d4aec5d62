import os

# Before the first import of aws_cdk, whose process takes the variable over: the built-in validation takes most of a
# synthesis, and decides in `cdk synth` and CI.
os.environ["CDK_VALIDATION"] = "false"
