# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Shared by the tests of tools/lab: the command under test, and assertions.

set -euo pipefail

[ -d /lab/cache ] || exit 77
export TRANCHE_LAB_DIR=/lab/cache TRANCHE_LAB_BUILD_DIR=/build
LAB=/src/tools/lab
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

# expect STATUS COMMAND...: runs it, output in $scratch/output.
expect() {
  local want=$1 status=0
  shift
  "$@" >"$scratch/output" 2>&1 </dev/null || status=$?
  cat "$scratch/output"
  [ "$status" = "$want" ] || fail "status $status, not $want, of: $*"
}

# expect_text TEXT: the last command's output holds it.
expect_text() {
  grep -qF -- "$1" "$scratch/output" || fail "the output lacks: $1"
}

# What runs and is mounted beside this test: emulators, X servers, mounts.
leftovers() {
  local comm
  for comm in /proc/[0-9]*/comm; do
    cat "$comm" 2>/dev/null || true
  done | grep -E 'qemu|Xvfb|mmdebstrap' | sort || true
  cat /proc/self/mounts
}
