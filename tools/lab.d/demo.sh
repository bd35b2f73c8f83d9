# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# `demo` and `soak`: what the lab's GPU computes, shown once or for long.

usage_demo() {
  cat <<END
Usage: tools/lab demo [--out DIR]

Boots a lab host, splits its physical GPU into three vGPUs, boots three stock
guests that compute on them, and shows step by step that each gets its share.

Options:
  --out DIR  where the report (demo.html) and the trace (demo.json) go
             (default $LAB_DIR/demo)

Exit status: 0 when every share was right and every result was.
END
}

verb_demo() {
  local status=0
  host_options_init
  LAB_PRESET=release LAB_OUT=$LAB_DIR/demo
  while [ $# -gt 0 ]; do
    case $1 in
    --out)
      need_value "$@"
      LAB_OUT=$2
      shift 2
      ;;
    *) die "demo takes no '$1': see 'tools/lab demo --help'" ;;
    esac
  done
  need_root
  host_out_prepare
  HOST_ARGS=()
  host_prepare
  guest_initramfs_make "$LAB_PRESET"
  run_inside /src/tools/lab.d/inside/lab-run 0 "${HOST_ARGS[@]}" -- \
    /src/tools/lab.d/host/demo || status=$?
  say "report: $LAB_OUT/demo.html"
  say "trace:  $LAB_OUT/demo.json (open it at https://ui.perfetto.dev)"
  return "$status"
}

usage_soak() {
  cat <<END
Usage: tools/lab soak [--minutes N] [--share gl|vfio] [OPTION]...

Boots stock guests under KVM in a lab host, one after another, each computing
on the GPU with checked results, for N minutes (default 30), and counts deaths
of lab hosts and of guests.

  --share vfio     the GPU is passed through to the guest (the default)
  --share gl       the GPU is shared by QEMU's own virtio-gpu
$(usage_host_options | tail -n +2)
END
}

verb_soak() {
  local minutes=30 share=vfio
  host_options_init
  LAB_PRESET=release
  while [ $# -gt 0 ]; do
    host_option_take "$@"
    case $TAKEN:$1 in
    0:--minutes)
      need_value "$@" && need_number "$1" "$2"
      minutes=$2 TAKEN=2
      ;;
    0:--share)
      need_value "$@"
      [ "$2" = gl ] || [ "$2" = vfio ] ||
        die "--share takes gl or vfio, not '$2'"
      share=$2 TAKEN=2
      ;;
    0:*) die "soak takes no '$1': see 'tools/lab soak --help'" ;;
    esac
    shift "$TAKEN"
  done
  [ "$share" = gl ] || HOST_ARGS+=(--iommu)
  need_root
  host_prepare
  guest_initramfs_make "$LAB_PRESET"
  run_inside /src/tools/lab.d/inside/lab-soak "$minutes" "$share" "${HOST_ARGS[@]}"
}
