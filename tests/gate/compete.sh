# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Real programs that compete for the GPU, and what each of them got. Sourced after
# lib.sh. Programs compute with one thread on one processor, so that what they
# hold is what they compute; the arbiter runs on another.
export LP_NUM_THREADS=1
items=4096
per_ms=240 # iterations; what they take differs by machine

on_first_cpu=() on_last_cpu=()
if (($(nproc) > 1)); then
	on_first_cpu=(taskset -c 0)
	on_last_cpu=(taskset -c "$(($(nproc) - 1))")
fi

# Set to yes, programs come through venus: each has a server of its own, in which
# its work passes the gate, as a guest's does. Needs TEST_GUEST_MANIFEST.
through_venus=
servers=()

# begin_server SOCKET ACCOUNT
begin_server() {
	venus_server "server-${#servers[@]}" "$1" "${driver[@]}" \
		TRANCHE_GATE_DOOR="$work/$2" "${on_last_cpu[@]}"
	servers+=("$started_pid")
}

# begin_program ACCOUNT MS [OPTION]...: in jobs of about MS, until it is ended
begin_program() {
	local account=$1 ms=$2 socket=$work/vtest-${#programs[@]} by
	shift 2
	by=("${driver[@]}" TRANCHE_GATE_DOOR="$work/$account" "${on_last_cpu[@]}")
	if [[ $through_venus ]]; then
		begin_server "$socket" "$account"
		by=(VK_DRIVER_FILES="$TEST_GUEST_MANIFEST" VN_DEBUG=vtest
			VTEST_SOCKET_NAME="$socket" "${on_first_cpu[@]}")
	fi
	start "program-${#programs[@]}" env "${by[@]}" \
		"$BUILD/bin/tranche-load" --items "$items" --dispatch-ms "$ms" \
		--iterations "$((ms * per_ms))" --quiet --duration 0 "$@"
	programs+=("$started_pid")
	jobs_ms+=("$ms")
}

# Programs have computed for two whole seconds.
programs_compute() {
	local i
	for ((i = 0; i < ${#programs[@]}; i++)); do
		grep -qs '"second":2,' "$work/program-$i.log" || return 1
	done
}

end_programs() {
	local i
	kill -TERM "${programs[@]}"
	for ((i = 0; i < ${#programs[@]}; i++)); do
		wait "${programs[i]}" || fail "$(tail -n 2 "$work/program-$i.log")"
	done
	for ((i = 0; i < ${#servers[@]}; i++)); do
		stop "${servers[i]}"
	done
	servers=()
	rm -f "$work"/vtest-*
}

# compete gated|plain SECONDS [OPTION]... -- ACCOUNT:SETTINGS:MS:PROGRAMS[:OPTIONS]...
# An arbiter with OPTIONs, and programs that come in by the doors of accounts.
compete() {
	local kind=$1 seconds=$2 options=() account settings ms count extra i
	shift 2
	for (( ; ; )); do
		[[ $1 != -- ]] || break
		options+=("$1")
		shift
	done
	shift
	for i; do
		IFS=: read -r account settings _ <<<"$i"
		options+=(--account "$account${settings:+:$settings}:$work/$account")
	done
	programs=() jobs_ms=()
	driver=(VK_DRIVER_FILES="$TEST_MANIFEST")
	if [[ $kind == gated ]]; then
		driver=(VK_DRIVER_FILES="$gate_manifest"
			TRANCHE_GATE_DRIVER="$TEST_DRIVER")
	fi
	start arbiter "${on_first_cpu[@]}" "$BUILD/bin/arbiter-stand" \
		--stats-interval 1000 --slices "${options[@]}"
	arbiter_pid=$started_pid
	await 10 grep -qs ready "$work/arbiter.log"
	for i; do
		IFS=: read -r account _ ms count extra <<<"$i"
		while ((count-- > 0)); do
			# shellcheck disable=SC2086 # several options
			begin_program "$account" "$ms" $extra
		done
	done
	await 60 programs_compute
	sleep "$seconds"
	end_programs
	stop "$arbiter_pid"
}

# windows ACCOUNT...: permille of the time that each held, a line for each whole
# second in which all programs were there, but for the first and the last
windows() {
	awk -v names="$*" -v programs="${#programs[@]}" '
		function number(key) {
			match($0, "\"" key "\":[0-9]+")
			return substr($0, RSTART + length(key) + 3) + 0
		}
		function line(ns, i, text) {
			for (i = 1; i <= split(names, name, " "); i++)
				text = text int(1000 * (held[name[i]] - before[name[i]]) / ns) " "
			return text
		}
		/"account":"[^"]*","gpu_ns"/ {
			split($0, part, "\"")
			held[part[4]] = number("gpu_ns")
		}
		/"gpu":true/ {
			ns = number("now_ns") - now
			whole = number("contexts") == programs && ns > 5e8 ? whole + 1 : 0
			if (whole > 3)
				print last
			last = line(ns)
			now += ns
			for (i in held)
				before[i] = held[i]
		}' "$work/arbiter.log"
}

# figures COLUMN EXPECTED: median, and the farthest from what is expected, of a
# column of numbers
figures() {
	awk -v c="$1" '{ print $c }' | sort -n | awk -v e="$2" '
		function away(x) { return x > e ? x - e : e - x }
		{ all[NR] = $1; if (NR == 1 || away($1) > away(worst)) worst = $1 }
		END { print NR ? all[int((NR + 1) / 2)] : -1, NR ? worst : -1 }'
}

# worked PROGRAM: milliseconds of work that it did a second, from its third on
worked() {
	sed -n 's/.*"type":"second".*"submissions":\([0-9]*\),"s.*/\1/p' \
		"$work/program-$1.log" | awk -v ms="${jobs_ms[$1]}" '
		NR > 2 { sum += $1 * ms; n++ } END { print n ? int(sum / n) : 0 }'
}
