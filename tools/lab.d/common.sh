# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Messages, progress and locks. Messages go to standard error; standard output
# belongs to the command that the lab runs.

LAB_DIR=${TRANCHE_LAB_DIR:-/var/cache/tranche-lab}

# Exit statuses of the lab itself; every other one is the command's own.
LAB_E_USAGE=2    # bad input or a machine that cannot do it
LAB_E_TIMEOUT=124 # as timeout(1)
LAB_E_REPORT=125 # the lab host's kernel reported a fault
LAB_E_DIED=126   # the lab host died twice without its end marker

say() {
  printf 'lab: %s\n' "$*" >&2
}

# die MESSAGE [STATUS]
die() {
  say "$1"
  exit "${2:-$LAB_E_USAGE}"
}

need_root() {
  [ "$(id -u)" = 0 ] || die "needs root: run it as 'sudo tools/lab ...'"
}

# need_value OPTION ARGUMENT...: the option's value must follow it.
need_value() {
  [ $# -ge 2 ] || die "option $1 needs a value: see --help"
}

need_number() {
  [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] ||
    die "$1 takes a whole number from 1, not '$2'"
}

# step TITLE COMMAND...: runs COMMAND in a child with its output in a log, shows
# TITLE with the elapsed time while it works, and the log's end when it fails.
step() {
  local title=$1 start=$SECONDS log watch status=0
  shift
  # Without a name: whatever ends this script, no file is left.
  log=$(mktemp)
  exec {STEP_LOG}<>"$log"
  rm -f "$log"
  log=/proc/$$/fd/$STEP_LOG
  step_watch "$title" $$ &
  watch=$!
  ("$@") >>"$log" 2>&1 </dev/null &
  supervise $! || status=$?
  kill "$watch"
  wait "$watch" 2>/dev/null || true
  [ ! -t 2 ] || printf '\r\033[K' >&2
  if [ "$status" != 0 ]; then
    tail -n 30 "$log" >&2
    say "$title: failed after $((SECONDS - start)) s (status $status)"
  else
    say "$title: $((SECONDS - start)) s"
  fi
  exec {STEP_LOG}>&-
  return "$status"
}

# step_watch TITLE PID: a ticking line on a terminal, elsewhere a line each half
# minute, until it is ended or PID is gone.
step_watch() {
  local title=$1 pid=$2 start=$SECONDS shown=0
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 2 ]; then
      printf '\rlab: %s ... %d s ' "$title" $((SECONDS - start)) >&2
    elif [ $((SECONDS - start - shown)) -ge 30 ]; then
      shown=$((SECONDS - start))
      say "$title ... $shown s"
    fi
    sleep 0.5
  done
}

# lock NAME: waits for and holds an exclusive lock until the process ends.
lock() {
  mkdir -p "$LAB_DIR" 2>/dev/null ||
    die "cannot write $LAB_DIR: choose another folder with TRANCHE_LAB_DIR"
  exec {LAB_LOCK}>"$LAB_DIR/$1.lock"
  flock -n "$LAB_LOCK" && return 0
  say "waiting for another tools/lab that holds $1"
  flock "$LAB_LOCK"
}

unlock() {
  exec {LAB_LOCK}>&-
}

# need_space MIB: the cache folder must have that much room.
need_space() {
  local have
  have=$(df --output=avail -m "$LAB_DIR" | tail -n 1)
  [ "$have" -ge "$1" ] ||
    die "$LAB_DIR has $have MiB free and needs $1: make room, or choose \
another folder with TRANCHE_LAB_DIR"
}

# publish PARTIAL FINAL: a cache entry appears whole or not at all.
publish() {
  mv -T "$1" "$2"
}
