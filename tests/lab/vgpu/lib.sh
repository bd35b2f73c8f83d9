# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# For tests in a lab host: a vGPU on its GPU, served by tranche-vgpu.

vgpu_log=/tmp/device.log # of device processes, for vgpu_counters

# vgpu_module: loads the module of this kernel's build.
vgpu_module() {
  modprobe mdev
  modprobe vfio_iommu_type1
  modprobe kvm_amd 2>/dev/null || modprobe kvm_intel
  [ -e /dev/tranche ] || insmod "$LAB_BUILD/tranche/$(uname -r)/tranche.ko"
}

# vgpu_node: the render node of the GPU.
vgpu_node() {
  echo "/dev/dri/$(find "/sys/bus/pci/devices/$(lab-gpu address)/" \
    -name 'renderD*' -printf '%f\n' -quit)"
}

# vgpu_clean: what a test that fails leaves would stop the next one. Set
# $vgpu_guest_pid for a guest in the background.
vgpu_clean() {
  [ -n "${broker-}" ] || return 0
  [ -z "${vgpu_guest_pid-}" ] || kill "$vgpu_guest_pid"
  for device in /sys/bus/mdev/devices/*; do
    [ ! -e "$device" ] || echo 1 >"$device/remove"
  done
  kill "$broker"
  wait "$broker"
  rmmod tranche
}

# vgpu_broker [WINDOW-MIB]: makes the GPU a parent; sets $broker and $vgpu_types.
vgpu_broker() {
  trap 'vgpu_clean || true' EXIT
  vgpu_module
  gpu=$(lab-gpu address)
  # That of a test before says that a vGPU can be made, and may be wrong.
  rm -f /tmp/hand-over.log
  hand-over "$gpu" "$(vgpu_node)" "${1:-256}" "$LAB_BUILD/bin/tranche-vgpu" \
    >/tmp/hand-over.log &
  broker=$!
  for _ in $(seq 100); do
    ! grep -qs ready /tmp/hand-over.log || break
    sleep 0.1
  done
  vgpu_types=/sys/bus/pci/devices/$gpu/mdev_supported_types
}

# vgpu_create UUID
vgpu_create() {
  echo "$1" >"$(echo "$vgpu_types"/*-test)/create"
}

# vgpu_guest UUID [LAB-GUEST-OPTION]... -- COMMAND...
vgpu_guest() {
  uuid=$1
  shift
  lab-guest --qemu "-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/$uuid" "$@"
}

# vgpu_await LOG COMMAND...: until it succeeds, as long as the guest in the
# background lives, whose output is in LOG.
vgpu_await() {
  log=$1
  shift
  until "$@"; do
    kill -0 "$vgpu_guest_pid" || {
      cat "$log"
      return 1
    }
    sleep 1
  done
}

# vgpu_counters: what the device process has counted: accesses, doorbells,
# requests, copies, interrupts. Nothing without one. Its log is $vgpu_log.
vgpu_counters() {
  pid=$(pgrep -x tranche-vgpu) || return 0
  told=$(grep -c counters: "$vgpu_log" || true)
  kill -USR1 "$pid"
  for _ in $(seq 100); do
    [ "$(grep -c counters: "$vgpu_log" || true)" = "$told" ] || break
    sleep 0.1
  done
  grep counters: "$vgpu_log" | tail -n 1 | grep -o '[0-9]\+' | tr '\n' ' '
}

# vgpu_end UUID...: takes all down; fails if anything stays.
vgpu_end() {
  for uuid; do
    echo 1 >"/sys/bus/mdev/devices/$uuid/remove"
  done
  for _ in $(seq 100); do
    pgrep -x tranche-vgpu >/dev/null || break
    sleep 0.1
  done
  if pgrep -x tranche-vgpu || pgrep virgl_render; then
    echo "processes outlive their vGPU" >&2
    return 1
  fi
  kill "$broker"
  wait "$broker" || true
  broker=
  rmmod tranche
}
