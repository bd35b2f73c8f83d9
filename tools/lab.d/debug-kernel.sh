# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# `debug-kernel`: a kernel with the checkers that Debian's lack, made on demand
# and once per recipe. The recipe is this file, debug-kernel-make and
# debug-kernel.config.

# Of the source package, and what `--kernel` calls Debian's own build of it.
DEBUG_KERNEL_SERIES=6.12

usage_debug_kernel() {
  cat <<END
Usage: tools/lab debug-kernel

Makes the kernel that 'tools/lab run --kernel debug' boots: Debian's source of
$DEBUG_KERNEL_SERIES with lockdep, KASAN, UBSAN, kmemleak and more, and with IOMMUFD. It is
reused when it is there, and gone on with when making it was interrupted;
docs/lab.md says what it costs.
END
}

debug_kernel_recipe() {
  cat "$LAB_D/debug-kernel.sh" "$LAB_D/debug-kernel-make" \
    "$LAB_D/debug-kernel.config" | sha256sum | cut -c1-12
}

# Where it is, whether or not it was made.
lab_debug_kernel() {
  echo "$LAB_DIR/debug-kernel-$(debug_kernel_recipe)"
}

verb_debug_kernel() {
  [ $# = 0 ] ||
    die "debug-kernel takes no '$1': see 'tools/lab debug-kernel --help'"
  need_root
  lab_up
  debug_kernel_make
  say "ready: $(lab_debug_kernel)"
}

# debug_kernel_make: it is there when it returns.
debug_kernel_make() {
  local final part
  final=$(lab_debug_kernel)
  part=$final.part
  lock debug-kernel
  if [ ! -d "$final" ]; then
    need_space 4000
    # Of other recipes; what is left of this one is gone on with.
    find "$LAB_DIR" -mindepth 1 -maxdepth 1 -name 'debug-kernel-*.part*' \
      ! -path "$part*" -exec rm -rf {} +
    step "making the debug kernel" \
      confine shared-net "$BASH" "$LAB_D/debug-kernel-make" \
      "$(lab_rootfs)" "$part" "$DEBUG_KERNEL_SERIES" ||
      die "no debug kernel: see above" 1
    publish "$part" "$final"
  fi
  unlock
}

# debug_kernel_clean [--all]: its part of `clean`.
debug_kernel_clean() {
  local keep
  keep=$(lab_debug_kernel)
  [ "${1-}" != --all ] || keep=
  lock debug-kernel
  find "$LAB_DIR" -mindepth 1 -maxdepth 1 -type d -name 'debug-kernel-*' \
    ! -path "$keep" -exec rm -rf {} +
  unlock
}
