from portside.testing import *  # noqa: F403
