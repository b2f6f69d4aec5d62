from portside.config.service_props import *  # noqa: F403
