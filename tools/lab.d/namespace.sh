# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Everything that could be left behind (emulators, Xvfb, mounts, network ports)
# lives in namespaces of its own. Their first process dies with this script,
# whatever ends it, and the kernel then takes the processes and mounts away.

# confine own-net|shared-net COMMAND...: runs COMMAND in new mount, PID and IPC
# namespaces, and a network namespace if it is to have its own. A signal to this
# script ends all of it at once.
confine() {
  local pid status=0 tty=
  local -a net=()
  [ "$1" = shared-net ] || net=(--net)
  shift
  [ ! -t 0 ] || tty=$(stty -g)
  setpriv --pdeathsig KILL \
    unshare --mount --propagation private --pid --ipc "${net[@]}" --fork \
    --kill-child=KILL --mount-proc "$@" <&0 &
  pid=$!
  trap 'confine_end "$pid" "$tty" 130' INT
  trap 'confine_end "$pid" "$tty" 143' TERM
  trap 'confine_end "$pid" "$tty" 129' HUP
  wait "$pid" || status=$?
  trap - INT TERM HUP
  [ -z "$tty" ] || stty "$tty"
  return "$status"
}

confine_end() {
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  [ -z "$2" ] || stty "$2"
  exit "$3"
}

# inside COMMAND...: runs COMMAND in the root file system, confined: the work
# tree at /src (read-only), builds at /build, an empty /lab.
# Set by the caller: LAB_OUT (folder for results, or empty).
inside() {
  mkdir -p "$LAB_DIR/mnt" "$(lab_build_dir)"
  confine own-net "$BASH" "$LAB_D/enter.sh" \
    "$LAB_DIR/mnt" "$(lab_rootfs)" "$LAB_SRC" "$(lab_build_dir)" \
    "$(lab_images)" "$(lab_emulator)" "${LAB_OUT-}" "$@"
}
