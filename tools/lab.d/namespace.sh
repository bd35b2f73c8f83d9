# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Everything that could be left behind (emulators, Xvfb, mounts, network ports)
# lives in namespaces of its own. Their first process dies with this script,
# whatever ends it, and the kernel then takes the processes and mounts away.

# confine own-net|shared-net COMMAND...: becomes COMMAND in new mount, PID and
# IPC namespaces, and a network namespace if it is to have its own. Only for a
# child of this script (see supervise, step): with the parent it dies.
confine() {
  local -a net=()
  [ "$1" = shared-net ] || net=(--net)
  shift
  exec setpriv --pdeathsig KILL \
    unshare --mount --propagation private --pid --ipc "${net[@]}" --fork \
    --kill-child=KILL --mount-proc "$@"
}

# inside COMMAND...: becomes COMMAND in the root file system, confined: the work
# tree at /src (read-only), builds at /build, an empty /lab. Set by the caller:
# LAB_OUT (folder for results, or empty).
inside() {
  mkdir -p "$LAB_DIR/mnt" "$(lab_images)"
  confine own-net "$BASH" "$LAB_D/enter.sh" \
    "$LAB_DIR/mnt" "$(lab_rootfs)" "$LAB_SRC" "$(lab_build_dir)" \
    "$LAB_DIR" "$(lab_images)" "$(lab_emulator)" \
    "$(lab_debug_kernel)" "${LAB_OUT-}" "$@"
}

# run_inside COMMAND...: the same with this script's input and output.
run_inside() {
  (inside "$@") <&0 &
  supervise $!
}

# supervise PID: waits for a child and returns its status. A signal to this
# script ends the child, and with it all that the child's namespaces hold.
supervise() {
  local pid=$1 status=0 tty=
  [ ! -t 0 ] || tty=$(stty -g)
  trap 'supervise_end "$pid" "$tty" 130' INT
  trap 'supervise_end "$pid" "$tty" 143' TERM
  trap 'supervise_end "$pid" "$tty" 129' HUP
  wait "$pid" || status=$?
  trap - INT TERM HUP
  [ -z "$tty" ] || stty "$tty"
  return "$status"
}

supervise_end() {
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  [ -z "$2" ] || stty "$2"
  exit "$3"
}
