from portside.config.deferred_values import *  # noqa: F403
