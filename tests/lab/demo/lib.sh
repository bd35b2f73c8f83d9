# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# For tests of the demo and the benchmark in a lab host.

# fleet_options: what the lab's guests boot.
fleet_options() {
  echo --memory 256 --kernel "$(echo /boot/vmlinuz-6.12.*)" \
    --initrd "$LAB_IMAGES/guest-6.12.cpio"
}

# fleet_nothing_stays: no process, no vGPU, nothing left to tell of.
fleet_nothing_stays() {
  for _ in $(seq 200); do
    pgrep -x 'tranche-vmm|tranche-vgpu|qemu-system-x86' >/dev/null || break
    sleep 0.1
  done
  if pgrep -ax 'tranche-vmm|tranche-vgpu|qemu-system-x86' ||
    [ -n "$(ls /sys/bus/mdev/devices)" ]; then
    echo "something stays" >&2
    return 1
  fi
}
