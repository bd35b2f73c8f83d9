#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# First process of the lab's namespaces: lays the mounts and enters the root
# file system. Nothing here needs undoing: the namespaces take it along.
#
# enter.sh MOUNTPOINT ROOTFS SOURCE BUILD CACHE IMAGES EMULATOR DEBUG-KERNEL OUT
#   COMMAND...

set -euo pipefail

root=$1 rootfs=$2 src=$3 build=$4 cache=$5 images=$6 emulator=$7
debug_kernel=$8 out=$9
shift 9

bind() {
  mkdir -p "$2"
  mount --bind "$1" "$2"
}

bind_ro() {
  bind "$1" "$2"
  mount -o remount,ro,bind "$2"
}

# add_kernel FOLDER: one more in /lib/modules, beside those of the root.
add_kernel() {
  local modules=$root/lib/modules path
  mkdir "$root/lab/modules"
  mount --bind "$modules" "$root/lab/modules"
  mount -t tmpfs tmpfs "$modules"
  for path in "$root"/lab/modules/*; do
    bind_ro "$path" "$modules/${path##*/}"
  done
  bind_ro "$1" "$modules/$(cat "$1/release")"
}

mount --bind "$rootfs" "$root"
mount -o remount,ro,bind "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs -o ro sysfs "$root/sys"
for dir in dev/shm tmp run root lab; do
  mount -t tmpfs tmpfs "$root/$dir"
done
bind_ro "$src" "$root/src"
bind "$build" "$root/build"
# The lab host's root: without the mounts above, and never written.
bind_ro "$rootfs" "$root/lab/root"
bind "$images" "$root/lab/images"
bind "$cache" "$root/lab/cache"
mkdir -p "$root/lab/out" "$root/lab/run"
[ ! -d "$debug_kernel" ] || add_kernel "$debug_kernel"
[ -z "$out" ] || mount --bind "$out" "$root/lab/out"
if [ -n "$emulator" ]; then
  # Over the stock one, because it finds its modules by its own path.
  mount --bind "$emulator" "$root/usr/bin/qemu-system-x86_64"
fi
ip link set lo up 2>/dev/null || true

# Not exec: the first process of a PID namespace has orphans to collect.
status=0
chroot "$root" /usr/bin/env -i \
  PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
  TERM="${TERM-dumb}" "$@" || status=$?
exit "$status"
