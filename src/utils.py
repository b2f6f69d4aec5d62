from portside.config.context_files import *  # noqa: F403
