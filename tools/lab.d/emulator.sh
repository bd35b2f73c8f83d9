# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The emulator: QEMU with two mends to its emulation of nested SVM, without
# which guests of the lab host hang within minutes (docs/lab.md). A known build
# is mended in place, any other is built from Debian's source package with
# the two edits in emulator-build.

# SHA-256 of builds that emulator-mend knows: Debian 1:11.1.3+ds-1~bpo13+1.
EMULATOR_KNOWN=e69417a0c13d9b38221e515c79f890babc5026508767fc0657fd0b83bbfe40c3

# lab_emulator: the program to lay over the stock one, or nothing where the
# stock one was asked for or real virtualisation makes it needless.
lab_emulator() {
  [ -z "${LAB_STOCK_QEMU-}" ] || return 0
  echo "$(lab_base)/emulator/qemu-system-x86_64"
}

emulator_make() {
  local stock final part
  stock=$(lab_rootfs)/usr/bin/qemu-system-x86_64
  final=$(lab_base)/emulator
  part=$final.part
  [ ! -d "$final" ] || return 0
  rm -rf "$part"
  mkdir -p "$part"
  if [ "$(sha256sum <"$stock" | cut -d' ' -f1)" = "$EMULATOR_KNOWN" ]; then
    emulator_mend "$stock" "$part/qemu-system-x86_64"
  else
    need_space 6000
    step "building the emulator from its source package" \
      confine shared-net "$BASH" "$LAB_D/emulator-build" "$(lab_rootfs)" \
      "$part/qemu-system-x86_64" || die "no emulator: see above" 1
  fi
  publish "$part" "$final"
}

# emulator_mend STOCK MENDED: what emulator-build edits, in compiled form.
emulator_mend() {
  cp "$1" "$2"
  # helper_vmrun: the store of the injected vector becomes a six-byte no-op.
  emulator_poke "$2" $((0x8c97a2)) 89b350c2ffff 660f1f440000
  # do_vmexit: the mask that clears hflags2 also drops HF2_NPT_MASK.
  emulator_poke "$2" $((0x8c9f4f)) fe be
}

# emulator_poke FILE OFFSET OLD NEW: bytes as hexadecimal digits.
emulator_poke() {
  local have
  have=$(od -An -tx1 -j "$2" -N $((${#3} / 2)) "$1" | tr -d ' \n')
  [ "$have" = "$3" ] || die "emulator: $have at $2 where $3 was expected" 1
  # shellcheck disable=SC2059 # the format is the bytes
  printf "$(sed 's/../\\x&/g' <<<"$4")" |
    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
