#!/usr/bin/env bash
# Writes the lock files again after a change of requirements.in, another .in file or package.json.
# Options go to pip-compile: tools/lock.sh --upgrade, tools/lock.sh --upgrade-package boto3
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.venv/bin:$PATH

if [ ! -x .venv/bin/pip-compile ]; then
  echo "tools/lock.sh: no pip-compile in .venv" >&2
  echo "Run tools/setup.sh first." >&2
  exit 2
fi
# A newer Python would omit packages that only the oldest one needs.
if [ "$(python -c 'import sys; print(*sys.version_info[:2], sep=".")')" != 3.11 ]; then
  echo "tools/lock.sh: .venv is made with $(python --version), the locks are made with Python 3.11, the oldest supported" >&2
  echo "With Python 3.11 installed: rm -rf .venv && AGORA_PYTHON=python3.11 tools/setup.sh, then again." >&2
  exit 2
fi

for name in requirements requirements-dev requirements-checkov requirements-docs; do
  # This machine's package settings must not get in: no index, no find-links, no command line in a header.
  pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
    --output-file "$name.txt" "$@" "$name.in"
done
npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --include=dev --no-audit --no-fund
