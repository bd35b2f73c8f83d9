# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# For tests in a lab host: a tranched of this build, and calls of it.
. "$LAB_SRC/tests/lab/vgpu/lib.sh"

broker_socket=/run/tranche/io.tranche.Broker
vgpu_log=/tmp/tranched.log
: >$vgpu_log

# broker_clean: at the end of a test, so that its failure harms no later one.
broker_clean() {
  status=$?
  trap - EXIT
  set +ex
  [ "$status" = 0 ] || cat /tmp/tranched.log >&2
  for pid in $(broker_call ListVgpus 2>/dev/null | tr ',' '\n' |
    sed -n 's/.*"vmPid":\([0-9]*\).*/\1/p'); do
    kill -KILL "$pid"
  done
  for pid in $(jobs -p); do
    kill "$pid"
  done
  wait
  for device in /sys/bus/mdev/devices/*; do
    [ ! -e "$device" ] || echo 1 >"$device/remove"
  done
  [ ! -e /dev/tranche ] || rmmod tranche
  exit "$status"
}
trap broker_clean EXIT

# broker_config [LINE]...: writes its configuration, with LINEs below [GPU]. Where
# guests compute, KillLimit=60s is one: a driver builds a program at its first
# dispatch, on a loaded machine for seconds.
broker_config() {
  {
    echo "[Broker]"
    echo "DeviceProgram=$LAB_BUILD/bin/tranche-vgpu"
    echo "Gate=${BROKER_GATE:-$LAB_BUILD/vulkan/tranche_gate_icd.json}"
    echo "Layers=$LAB_BUILD/vulkan/explicit_layer.d"
    echo "[GPU]"
    for line; do
      echo "$line"
    done
  } >/tmp/tranched.conf
}

# broker_start: starts it and waits until it serves; sets $broker.
broker_start() {
  rm -f "$broker_socket"
  tranched --config /tmp/tranched.conf 2>>/tmp/tranched.log &
  broker=$!
  for _ in $(seq 300); do
    [ ! -S "$broker_socket" ] || return 0
    kill -0 "$broker" || break
    sleep 0.1
  done
  cat /tmp/tranched.log >&2
  return 1
}

# broker_kill: as if it crashed.
broker_kill() {
  kill -KILL "$broker"
  wait "$broker" || true
}

broker_stop() {
  kill "$broker"
  wait "$broker"
}

# broker_call METHOD [PARAMETERS]: prints the reply in one line.
broker_call() {
  varlinkctl --json=short call "$broker_socket" "io.tranche.Broker.$1" "${2:-{\}}"
}

# broker_refuses ERROR METHOD PARAMETERS: the call fails with this error.
broker_refuses() {
  error=$1
  shift
  if broker_call "$@" >/tmp/refused 2>&1; then
    echo "$* succeeded" >&2
    return 1
  fi
  grep "io.tranche.Broker.$error\$" /tmp/refused
}

# broker_field NAME: the value of a field in JSON on standard input, the first.
broker_field() {
  sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1
}

# broker_vgpu UUID FIELD: prints a field of a vGPU.
broker_vgpu() {
  broker_call ListVgpus "{\"uuid\":\"$1\"}" | sed 's/.*\[{\(.*\)}\].*/{\1}/' |
    tr ',' '\n' | broker_field "$2"
}

# broker_stat UUID FIELD: prints a figure of GetStats of a vGPU.
broker_stat() {
  broker_call GetStats "{\"uuid\":\"$1\"}" | sed 's/.*"vgpus"//' | tr ',' '\n' |
    broker_field "$2"
}

# broker_submitted UUID COUNT: a program of its guest has submitted more than that.
broker_submitted() {
  [ "$(broker_stat "$1" submits)" -gt "$2" ]
}

# broker_waits TRIES COMMAND...: until the command succeeds; a second between.
broker_waits() {
  left=$1
  shift
  while [ "$left" -gt 0 ]; do
    if "$@"; then
      return 0
    fi
    sleep 1
    left=$((left - 1))
  done
  echo "in vain: $*" >&2
  return 1
}

# broker_vgpu_is UUID FIELD VALUE
broker_vgpu_is() {
  [ "$(broker_vgpu "$1" "$2")" = "$3" ]
}

# broker_vgpu_percent UUID FIELD VALUE: the same for a number with decimals.
broker_vgpu_percent() {
  [ "$(broker_vgpu "$1" "$2" | awk '{ print $1 + 0 }')" = "$3" ]
}

# broker_nothing_stays: after all vGPUs went, no process of theirs and no state.
broker_nothing_stays() {
  broker_waits 20 sh -c '! pgrep -x tranche-vgpu && ! pgrep virgl_render'
  [ -z "$(ls /run/tranche/vgpu)" ]
  [ -z "$(ls /run/tranche/state)" ]
}

# broker_type [GPU]: sets $gpu, $types and $type, the folder of the smallest type.
broker_type() {
  gpu=$(lab-gpu address)
  types=/sys/bus/pci/devices/$gpu/mdev_supported_types
  type=$(echo "$types"/*-1g.*)
}

# broker_guest_says LINE: the guest whose output is /tmp/guest.log and whose
# process is $guest prints it; fails when the guest ends without.
broker_guest_says() {
  broker_waits 300 sh -c "grep -qx '$1' /tmp/guest.log || ! kill -0 $guest"
  grep -qx "$1" /tmp/guest.log || {
    cat /tmp/guest.log
    return 1
  }
}

# broker_tidy: doctor finds nothing wrong, and nothing left over, before long.
broker_tidy() {
  broker_waits 30 sh -c \
    "tranche doctor >/tmp/doctor && grep -E '^ok +leftovers' /tmp/doctor" || {
    cat /tmp/doctor
    return 1
  }
}
