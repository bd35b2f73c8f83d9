# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# `run` and `shell`: one lab host for one command.

usage_run() {
  cat <<END
Usage: tools/lab run [OPTION]... -- COMMAND [ARGUMENT]...

Boots a lab host, runs COMMAND in it as root with the project's build on PATH,
prints its output as it comes, powers off, and returns its exit status.

$(usage_host_options)
  --timeout S      end the command after S seconds, with status $LAB_E_TIMEOUT
  --out DIR        keep what the command writes under \$OUT, in DIR

Exit status: the command's own, or
  $LAB_E_TIMEOUT  it ran past --timeout
  $LAB_E_REPORT  the lab host's kernel reported a fault (shown)
  $LAB_E_DIED  the lab host died twice without its end marker
  $LAB_E_USAGE    bad input

Examples:
  tools/lab run -- uname -r
  tools/lab run --kernel 7 --iommu --out /tmp/o -- sh -c 'lspci >\$OUT/pci'
END
}

usage_host_options() {
  cat <<END
Options:
  --kernel K       the lab host's kernel: 6.12 (default), 7, or debug, which
                   is made first (see 'tools/lab debug-kernel --help')
  --cpus N         its processors (default 1: the safest under emulation)
  --memory SIZE    its memory (default 4G)
  --no-gpu         without the physical GPU
  --iommu          with an IOMMU, so that devices can be passed through
  --preset P       the build to put on PATH (default debug)
  --stock-qemu     the emulator without the lab's mends
END
}

usage_shell() {
  cat <<END
Usage: tools/lab shell [OPTION]...

Boots a lab host and opens a shell in it as root; leaving it powers off.

$(usage_host_options)
END
}

# Options of a lab host, as inside/lab-host takes them.
host_options_init() {
  HOST_ARGS=()
  LAB_PRESET=debug
  LAB_DEBUG_KERNEL=
  LAB_TIMEOUT=
  LAB_OUT=
}

# host_option_take ARGUMENT...: takes one option from the front and sets TAKEN
# to the number of words it used; 0 for a word that is no host option.
host_option_take() {
  TAKEN=0
  case ${1-} in
  --kernel)
    need_value "$@"
    [[ $2 =~ ^(6\.12|7|debug)$ ]] ||
      die "there is no kernel '$2' in the lab: choose 6.12, 7 or debug"
    [ "$2" != debug ] || LAB_DEBUG_KERNEL=1
    HOST_ARGS+=("$1" "$2") TAKEN=2
    ;;
  --cpus)
    need_value "$@" && need_number "$1" "$2"
    [ "$2" -le 64 ] || die "--cpus takes at most 64, not '$2'"
    HOST_ARGS+=("$1" "$2") TAKEN=2
    ;;
  --memory)
    need_value "$@"
    [[ $2 =~ ^[1-9][0-9]{0,6}[MG]$ ]] ||
      die "--memory takes a size such as 4G or 512M, not '$2'"
    HOST_ARGS+=("$1" "$2") TAKEN=2
    ;;
  --no-gpu | --iommu)
    HOST_ARGS+=("$1") TAKEN=1
    ;;
  --stock-qemu)
    LAB_STOCK_QEMU=1 TAKEN=1
    ;;
  --preset)
    need_value "$@"
    LAB_PRESET=$2 TAKEN=2
    ;;
  esac
}

verb_run() {
  host_options_init
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    host_option_take "$@"
    case $TAKEN:$1 in
    0:--timeout)
      need_value "$@" && need_number "$1" "$2"
      LAB_TIMEOUT=$2 TAKEN=2
      ;;
    0:--out)
      need_value "$@"
      LAB_OUT=$2 TAKEN=2
      ;;
    0:*) die "run takes no '$1' before --: see 'tools/lab run --help'" ;;
    esac
    shift "$TAKEN"
  done
  [ $# -ge 2 ] || die "run needs a command after --: see 'tools/lab run --help'"
  shift
  need_root
  host_out_prepare
  host_prepare
  guest_initramfs_make "$LAB_PRESET"
  run_inside /src/tools/lab.d/inside/lab-run "${LAB_TIMEOUT:-0}" \
    "${HOST_ARGS[@]}" -- "$@"
}

verb_shell() {
  host_options_init
  while [ $# -gt 0 ]; do
    host_option_take "$@"
    [ "$TAKEN" -gt 0 ] ||
      die "shell takes no '$1': see 'tools/lab shell --help'"
    shift "$TAKEN"
  done
  [ -t 0 ] || die "shell needs a terminal: use 'tools/lab run' in scripts"
  need_root
  host_prepare
  run_inside /src/tools/lab.d/inside/lab-run 0 "${HOST_ARGS[@]}" --terminal -- bash
}

# The GPU's memory layer comes from the build, so a lab host needs one.
host_prepare() {
  lab_up
  [ -z "$LAB_DEBUG_KERNEL" ] || debug_kernel_make
  lab_build "$LAB_PRESET"
  HOST_ARGS+=(--preset "$LAB_PRESET")
}

host_out_prepare() {
  [ -n "$LAB_OUT" ] || return 0
  mkdir -p "$LAB_OUT" 2>/dev/null ||
    die "--out: cannot write the folder '$LAB_OUT'"
  LAB_OUT=$(realpath "$LAB_OUT")
}
