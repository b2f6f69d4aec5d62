from portside.stacks.synthesize import *  # noqa: F403
