#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What a guest of the fleet runs: it takes one command a line, from its console
# (or, on the host itself, from its input), and tags each line that a command
# prints with the number of its job. The same text runs by busybox and by dash.
#
#   start N [NAME=VALUE]... PROGRAM [ARGUMENT]...   split at blanks, no quoting
#   signal NAME PID
#   end

set -f
if [ -z "${FLEET_HOST-}" ]; then
  exec </dev/console
  stty -echo
  echo 1 >/proc/sys/kernel/printk
fi 2>/dev/null

# job N WORD...
job() {
  n=$1
  shift
  {
    env "$@" &
    echo "pid $!"
    wait $!
    echo "exit $?"
  } 2>&1 </dev/null | while read -r line; do
    echo "@$n $line"
  done
}

echo "@0 ready $(uname -r)"
while read -r verb first rest; do
  case $verb in
  start)
    # shellcheck disable=SC2086 # split at blanks, as promised
    job "$first" $rest &
    ;;
  signal) kill -s "$first" "$rest" 2>/dev/null ;;
  end) break ;;
  esac
done

# Nothing that was started outlives this.
trap '' TERM
kill -s TERM 0
