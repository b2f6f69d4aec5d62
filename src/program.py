"""The name of the launcher in this repository. Its variables (AGORA_STATE_DIR) and its state folder (.agora) follow."""

NAME = "agora"
