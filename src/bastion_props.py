from portside.stacks.bastion_props import *  # noqa: F403
