from agora_own.extension import AGORA
from portside.extension import install
from portside.stacks.synthesize import *  # noqa: F403

install(AGORA)  # for the earlier configurations, which give no APP
