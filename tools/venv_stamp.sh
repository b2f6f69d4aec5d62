# Sourced by the launcher and tools/setup.sh, which set $root and $name: is .venv what the lock files of $root ask for?
# Every use of the launcher comes through here, so it starts no process. A stamp is the whole text that .venv was made from, beginning
# with the clone's path: virtual environments hold absolute paths and do not survive a move.

read_file() { # variable, path
  [ -r "$2" ] && { IFS= read -r -d '' "$1" <"$2" || :; }
}

wanted_stamp() { # base or dev; sets $stamp
  local file text files='requirements.txt package-lock.json'
  [ "$1" = base ] || files="$files requirements-dev.txt"
  stamp=$root$'\n'
  for file in $files; do
    read_file text "$root/$file" || return
    stamp=$stamp$text
  done
}

is_current() { # base or dev
  local made
  # Through the links: the base interpreter or node_modules may be deleted while .venv still exists.
  [ -x "$root/.venv/bin/python" ] && [ -x "$root/.venv/bin/cdk" ] || return
  read_file made "$root/.venv/$name-$1" && wanted_stamp "$1" && [ "$made" = "$stamp" ]
}
