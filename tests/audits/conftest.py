import os

# As in tests/unit: only the audit that runs `cdk synth` itself synthesizes with the built-in validation.
os.environ["CDK_VALIDATION"] = "false"
