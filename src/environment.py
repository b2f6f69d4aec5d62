from portside.config.environment import *  # noqa: F403
