#!/usr/bin/env bash
# Builds the documentation site into a folder, by default .agora/site. Open its index.html: it needs no server.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
./tools/setup.sh --docs
# mkdocs would otherwise advertise its theme's successor.
export NO_MKDOCS_2_WARNING=1
exec .agora/docs/bin/python -m mkdocs build --strict --site-dir "${1:-.agora/site}"
