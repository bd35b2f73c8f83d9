# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For the tests of the gate: a folder of their own, arbiters, gated programs.
# Sourced with BUILD set; needs TEST_DRIVER, the library of the real driver, and
# TEST_MANIFEST, its manifest.
set -euo pipefail

: "${BUILD:?}" "${TEST_DRIVER:?}" "${TEST_MANIFEST:?}"
work=$(mktemp -d)
door=$work/door
gate_manifest=$BUILD/vulkan/tranche_gate_icd.json
started=()
unset VK_ICD_FILENAMES VK_DRIVER_FILES VK_INSTANCE_LAYERS TRANCHE_GATE_DOOR

cleanup() {
	local pid
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

fail() {
	printf 'failed: %s\n' "$*" >&2
	exit 1
}

# start NAME COMMAND...: in the background, output in $work/NAME.log, pid in
# $started_pid
start() {
	local name=$1
	shift
	"$@" >"$work/$name.log" 2>&1 &
	started_pid=$!
	started+=("$started_pid")
}

# start_gated NAME COMMAND...: the same under the gate, by $door
start_gated() {
	local name=$1
	shift
	start "$name" env TRANCHE_GATE_DOOR="$door" \
		TRANCHE_GATE_DRIVER="$TEST_DRIVER" \
		VK_DRIVER_FILES="$gate_manifest" "$@"
}

# shoot PID: SIGKILL for what was started last, which is then forgotten: its
# number may come to be another's
shoot() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
	[[ ${started[-1]} != "$1" ]] || unset 'started[-1]'
}

# pause MS: at most
pause() {
	local ms=$((RANDOM % $1))
	printf -v ms '%d.%03d' $((ms / 1000)) $((ms % 1000))
	sleep "$ms"
}

# await SECONDS COMMAND...: until it succeeds
await() {
	local left=$(($1 * 20))
	shift
	until "$@"; do
		((left-- > 0)) || fail "timed out: $*"
		sleep 0.05
	done
}

# arbiter [OPTION]...: the real one
arbiter() {
	start arbiter "$BUILD/bin/arbiter-stand" "$@"
	arbiter_pid=$started_pid
	await 10 grep -qs ready "$work/arbiter.log"
}

# keeper [OPTION]...: one that opens and closes by the clock
keeper() {
	start keeper "$BUILD/bin/gate-keeper" "$@" "$door"
	keeper_pid=$started_pid
	await 10 grep -qs ready "$work/keeper.log"
}

stop() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# venus_server NAME SOCKET [PREFIX]...: what a venus driver talks to, as NAME, with
# the layers of the device process; PREFIX is an assignment or a command before it
venus_server() {
	local name=$1 socket=$2
	shift 2
	start "$name" env VK_LAYER_PATH="$BUILD/vulkan/explicit_layer.d" \
		VK_INSTANCE_LAYERS=VK_LAYER_TRANCHE_exportable "$@" \
		virgl_test_server --venus --no-virgl --socket-path "$socket"
	await 10 test -S "$socket"
}

# gated COMMAND...: under the gate, by $door
gated() {
	TRANCHE_GATE_DOOR=${TRANCHE_GATE_DOOR:-$door} \
		TRANCHE_GATE_DRIVER=$TEST_DRIVER VK_DRIVER_FILES=$gate_manifest "$@"
}

plain() {
	VK_DRIVER_FILES=$TEST_MANIFEST "$@"
}

# last_number KEY ACCOUNT: from the arbiter's latest line of an account
last_number() {
	grep "\"account\":\"$2\",\"gpu_ns\"" "$work/arbiter.log" | tail -1 |
		sed "s/.*\"$1\":\([0-9]*\).*/\1/"
}

# nothing_left ACCOUNT: by the arbiter's latest line
nothing_left() {
	[[ $(last_number vram_used "$1") == 0 && $(last_number contexts "$1") == 0 ]]
}
