# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For the tests of stamps, after lib.sh: what a gate tells of the jobs of gate-bench.
export LP_NUM_THREADS=1
count=3000

# bench SETTING COUNT ROUNDS: leaves what the gate told of the COUNT jobs in
# $work/records, but for some that the keeper is too slow for and with some of jobs
# before them; and the median time from call to end in $whole_us. On one processor
# times vary least.
bench() {
	keeper --depth 2 --open 1000000 --closed 1 --records
	whole_us=$(gated env TRANCHE_GATE_STAMPS="$1" timeout 200 \
		taskset -c 1 "$BUILD/bin/gate-bench" "$2" "$3" |
		sed 's/.*whole_p50_us \([0-9]*\).*/\1/')
	await 10 grep -qs '^left' "$work/keeper.log"
	stop "$keeper_pid"
	grep '^job ' "$work/keeper.log" >"$work/records"
}

told() { grep -c "$1" "$work/records" || true; }

# exact_us COUNT: the median of the last times that were told as exact
exact_us() {
	grep exact "$work/records" | tail -n "$1" | awk '{ print int($4 / 1000) }' | sort -n |
		awk '{ us[NR] = $1 } END { print us[int((NR + 1) / 2)] }'
}

# tail_told: how many of the last jobs are exact
last=1000
tail_told() { tail -n "$last" "$work/records" | grep -c exact || true; }
most_told() { (($(tail_told) >= last * 9 / 10)); }
