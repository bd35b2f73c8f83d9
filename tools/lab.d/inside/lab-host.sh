# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Lab hosts, from inside the lab's namespaces: boot, run commands, halt, read
# the kernel's log. Each has a name and a state folder /lab/hosts/NAME:
#
#   run/           shared with the lab host (its own /lab/run), read and written
#   run/booted     written by the lab host when it can take commands
#   run/JOB/status end marker of one command: its exit status
#   console        the lab host's kernel log
#   pid, port      the emulator's process; the port of the lab host's sshd
#   options        how it was booted
#   tsc-khz        the machine's time stamp counter, where the host is emulated
#
# States: absent -> (host_boot) running -> (host_halt, or death) ended.

HOST_D=/src/tools/lab.d
HOSTS=/lab/hosts
HOST_E_TIMEOUT=124
HOST_E_REPORT=125
HOST_E_DIED=126
# Five times what a loaded two-core machine was seen to need.
HOST_BOOT_LIMIT=${HOST_BOOT_LIMIT:-300}

host_say() {
  printf 'lab: %s\n' "$*" >&2
}

# host_boot NAME [OPTION]...: returns when the lab host takes commands.
host_boot() {
  local name=$1 dir=$HOSTS/$1
  shift
  rm -rf "$dir"
  mkdir -p "$dir/run"
  printf '%s\n' "$@" >"$dir/options"
  host_options_parse "$@"
  host_keys_make "$dir"
  host_initramfs_make "$dir/initramfs"
  host_gpu_env_write >"$dir/env"
  host_kvm || "/build/$opt_preset/bin/lab-tsc-khz" >"$dir/tsc-khz"
  host_start "$name"
  host_wait_booted "$name"
}

host_options_parse() {
  opt_kernel=6.12 opt_cpus=1 opt_memory=4G opt_gpu=1 opt_iommu=0
  opt_preset=debug opt_terminal=0
  while [ $# -gt 0 ]; do
    case $1 in
    --kernel | --cpus | --memory | --preset)
      printf -v "opt_${1#--}" %s "$2"
      shift
      ;;
    --no-gpu) opt_gpu=0 ;;
    --iommu) opt_iommu=1 ;;
    --terminal) opt_terminal=1 ;;
    esac
    shift
  done
}

# One kernel of each series is in the root file system, and a debug kernel, if
# one was made, beside them.
host_kernel_release() {
  case $opt_kernel in
  debug) basename /lib/modules/*-debug ;;
  *) basename "/lib/modules/$opt_kernel".*-amd64 ;;
  esac
}

# host_kernel_image RELEASE
host_kernel_image() {
  case $1 in
  *-debug) echo "/lib/modules/$1/vmlinuz" ;;
  *) echo "/boot/vmlinuz-$1" ;;
  esac
}

host_keys_make() {
  local dir=$1
  ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
  ssh-keygen -q -t ed25519 -N '' -f "$dir/run/host_key"
  cp "$dir/key.pub" "$dir/run/authorized_keys"
  printf 'lab %s\n' "$(cat "$dir/run/host_key.pub")" >"$dir/known_hosts"
}

# host_initramfs_make FILE: busybox and the modules that reach the 9p root. A
# debug kernel has no modules in that root: its few come along.
host_initramfs_make() {
  local tree release
  release=$(host_kernel_release)
  tree=$(mktemp -d)
  mkdir -p "$tree"/{bin,proc,sys,dev,lower,rw,root}
  cp /bin/busybox "$tree/bin/busybox"
  cp "$HOST_D/host/initramfs-init" "$tree/init"
  "$HOST_D/inside/modules-copy" "$release" "$tree" \
    virtio_pci virtio_net 9pnet_virtio 9p overlay
  if [ "$opt_kernel" = debug ]; then
    mkdir -p "$tree/lib/modules/$release"
    cp -r "/lib/modules/$release"/{kernel,modules.*} \
      "$tree/lib/modules/$release/"
  fi
  (cd "$tree" && find . | cpio --quiet -o -H newc) >"$1"
  rm -rf "$tree"
}

# host_gpu_processors: those of the machine on which the GPU computes, half of them.
host_gpu_processors() {
  local part
  local -a all=()
  for part in $(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status | tr , ' '); do
    mapfile -t -O "${#all[@]}" all < <(seq "${part%-*}" "${part#*-}")
  done
  all=("${all[@]:${#all[@]}/2}")
  (IFS=, && echo "${all[*]}")
}

# Environment of the emulator: the machine's own software Vulkan driver, with
# the layer that makes its memory exportable, in a server of the lab's.
host_gpu_env_write() {
  local icd
  for icd in /usr/share/vulkan/icd.d/lvp_icd*.json; do
    echo "VK_DRIVER_FILES=$icd"
  done
  echo "VK_LAYER_PATH=/build/$opt_preset/vulkan/explicit_layer.d"
  echo "VK_INSTANCE_LAYERS=VK_LAYER_TRANCHE_exportable"
  echo "LIBGL_ALWAYS_SOFTWARE=1"
  echo "SDL_VIDEODRIVER=x11"
  echo "RENDER_SERVER_EXEC_PATH=$HOST_D/inside/render-server"
  echo "LAB_RING_WAKE=/build/$opt_preset/lab/liblab-ring-wake.so"
  echo "LAB_GPU_PROCESSORS=$(host_gpu_processors)"
}

# KVM only where the processor says so: /dev/kvm alone proves nothing.
host_kvm() {
  grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]
}

host_accel_args() {
  if host_kvm; then
    echo -accel kvm -cpu host
  else
    echo -accel tcg,thread=multi -cpu EPYC-v4,+svm,+npt
  fi
}

host_gpu_args() {
  local gpu=virtio-gpu-gl-pci,blob=on,venus=on,hostmem=1G
  [ "$opt_iommu" = 0 ] || gpu+=,iommu_platform=on,ats=on
  echo -display sdl,gl=on,show-cursor=off -device "$gpu"
}

# host_share_args TAG PATH [,OPTION]: one folder over virtio-9p.
host_share_args() {
  echo -fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap${3-}" \
    -device "virtio-9p-pci,fsdev=$1,mount_tag=$1"
}

# host_spare_args DIR: a disk controller to give away, which interrupts by MSI and
# knows no MSI-X, with an empty disk.
host_spare_args() {
  truncate -s 16M "$1/spare.img"
  echo -device ich9-ahci,id=spare
  echo -drive "if=none,id=spare-disk,format=raw,file=$1/spare.img"
  echo -device ide-hd,drive=spare-disk,bus=spare.0
}

# host_args DIR: the emulator's arguments, for the options parsed last.
host_args() {
  local dir=$1 machine=q35 maxcpus=$opt_cpus append
  # With one possible processor TCG leaves memory barriers out, but the GPU's
  # renderer shares memory with the lab host from another process.
  [ "$maxcpus" -ge 2 ] || maxcpus=2
  append="console=ttyS0 loglevel=7 panic=-1 oops=panic watchdog_thresh=60"
  # No console on the GPU: its driver warns when that is drawn at power-off.
  append+=" drm_kms_helper.fbdev_emulation=0"
  # On a loaded machine the emulated timer may be too late for that check.
  append+=" no_timer_check"
  # On a loaded machine the kernel's own measurement may come out forty times
  # too low: the clock of its guests then leaps and stands, and they hang.
  [ ! -e "$dir/tsc-khz" ] || append+=" tsc_early_khz=$(cat "$dir/tsc-khz")"
  append+=" random.trust_cpu=on lab.preset=$opt_preset"
  if [ "$opt_iommu" = 1 ]; then
    machine+=,kernel-irqchip=split
    append+=" intel_iommu=on"
    echo -device intel-iommu,intremap=on,caching-mode=on,device-iotlb=on
    host_spare_args "$dir"
  fi
  echo -machine "$machine,memory-backend=memory"
  host_accel_args
  echo -smp "$opt_cpus,maxcpus=$maxcpus" -m "$opt_memory"
  echo -object "memory-backend-memfd,id=memory,size=$opt_memory,share=on"
  if [ "$opt_gpu" = 1 ]; then
    host_gpu_args
  else
    echo -display none
  fi
  host_share_args root /lab/root ,readonly=on
  host_share_args src /src ,readonly=on
  host_share_args build /build
  host_share_args images /lab/images ,readonly=on
  host_share_args out /lab/out
  host_share_args run "$dir/run"
  echo -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$(cat "$dir/port")-:22"
  echo -device virtio-net-pci,netdev=net,romfile=
  echo -device virtio-rng-pci
  echo -nodefaults -no-user-config -no-reboot -serial "file:$dir/console"
  echo -kernel "$(host_kernel_image "$(host_kernel_release)")"
  echo -initrd "$dir/initramfs"
  printf '%s\n' -append "${append// /$'\t'}"
}

# host_start NAME: starts the emulator, and the X server its GPU draws on.
host_start() {
  local dir=$HOSTS/$1 display=
  local -a args env options
  host_port_choose >"$dir/port"
  mapfile -t options <"$dir/options"
  host_options_parse "${options[@]}"
  mapfile -t args < <(host_args "$dir" | tr ' ' '\n' | tr '\t' ' ')
  mapfile -t env <"$dir/env"
  if [ "$opt_gpu" = 1 ]; then
    host_display_start "$dir"
    display=:$(cat "$dir/display")
  fi
  host_spawn "$dir/pid" "$dir/emulator.log" env "${env[@]}" \
    DISPLAY="$display" qemu-system-x86_64 "${args[@]}"
}

# host_spawn PIDFILE LOG COMMAND...: a process that outlives this script but not
# the lab's namespaces.
host_spawn() {
  local pidfile=$1 log=$2
  shift 2
  (
    "$@" >"$log" 2>&1 </dev/null &
    echo $! >"$pidfile"
  )
}

# Lab hosts may be booted at the same time: whoever makes the folder has the
# port.
host_port_choose() {
  local port=2201
  until mkdir "$HOSTS/.port-$port" 2>/dev/null; do
    port=$((port + 1))
  done
  echo "$port"
}

host_display_start() {
  local dir=$1
  rm -f "$dir/display"
  mkfifo "$dir/display.fifo"
  host_spawn "$dir/xvfb.pid" "$dir/xvfb.log" sh -c \
    'exec Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp -noreset 3>"$0"' \
    "$dir/display.fifo"
  timeout 60 head -n 1 "$dir/display.fifo" >"$dir/display"
}

host_alive() {
  kill -0 "$(cat "$HOSTS/$1/pid")" 2>/dev/null
}

host_wait_booted() {
  local name=$1 end=$((SECONDS + HOST_BOOT_LIMIT))
  until [ -e "$HOSTS/$name/run/booted" ]; do
    if ! host_alive "$name"; then
      host_say "the emulator ended: $(tail -n 3 "$HOSTS/$name/emulator.log")"
      host_end "$name"
      HOST_OUTCOME=died
      return "$HOST_E_DIED"
    fi
    if [ "$SECONDS" -ge "$end" ]; then
      host_say "the lab host did not boot within $HOST_BOOT_LIMIT s"
      host_end "$name"
      HOST_OUTCOME=died
      return "$HOST_E_DIED"
    fi
    sleep 0.1
  done
  HOST_OUTCOME=booted
}

# host_exec NAME TIMEOUT COMMAND...: runs COMMAND in the lab host and returns
# its exit status; TIMEOUT in seconds, 0 for none. Sets HOST_OUTCOME to "done",
# or, with the lab host ended, to "expired" or "died".
host_exec() {
  local name=$1 limit=$2 dir=$HOSTS/$1 job pid watchdog=
  shift 2
  job=$(mktemp -d "$dir/run/job.XXXXXX")
  host_job_write "$job" "$@"
  host_ssh "$name" bash "/lab/run/${job##*/}/job" <&0 &
  pid=$!
  if [ "$limit" -gt 0 ]; then
    (sleep "$limit" && touch "$job/expired" && host_kill "$name") \
      >/dev/null 2>&1 </dev/null &
    watchdog=$!
  fi
  wait "$pid" || true
  [ -z "$watchdog" ] || kill "$watchdog" 2>/dev/null || true
  host_job_status "$name" "$job"
}

# host_job_write JOB COMMAND...: the script that runs COMMAND in the lab host
# and leaves its exit status as the end marker.
host_job_write() {
  local job=$1 here=/lab/run/${1##*/}
  shift
  {
    echo ". /lab/run/environment"
    printf '%q ' "$@"
    echo
    echo "status=\$?"
    echo "sync"
    echo "echo \$status >$here/status.part && mv $here/status.part $here/status"
    echo "exit \$status"
  } >"$job/job"
}

host_job_status() {
  local name=$1 job=$2
  if [ -e "$job/status" ]; then
    HOST_OUTCOME="done"
    return "$(cat "$job/status")"
  fi
  # A connection that broke says nothing yet: the lab host is ending, or hangs.
  host_end "$name"
  if [ -e "$job/expired" ]; then
    host_say "the command ran past its time and was ended"
    HOST_OUTCOME=expired
    return "$HOST_E_TIMEOUT"
  fi
  HOST_OUTCOME=died
  return "$HOST_E_DIED"
}

host_ssh() {
  local dir=$HOSTS/$1 tty=-T
  shift
  [ "$opt_terminal" = 0 ] || tty=-tt
  ssh "$tty" -q -F none -i "$dir/key" -p "$(cat "$dir/port")" \
    -o UserKnownHostsFile="$dir/known_hosts" -o HostKeyAlias=lab \
    -o ControlMaster=auto -o ControlPath="$dir/ssh" -o ControlPersist=yes \
    -o ServerAliveInterval=15 -o ServerAliveCountMax=8 \
    -o ConnectTimeout=60 root@127.0.0.1 "$@"
}

# host_halt NAME: powers off; a lab host that does not is ended.
host_halt() {
  local name=$1 end=$((SECONDS + 30))
  host_alive "$name" || return 0
  touch "$HOSTS/$name/run/halt"
  while host_alive "$name" && [ "$SECONDS" -lt "$end" ]; do
    sleep 0.05
  done
  host_end "$name"
}

host_kill() {
  kill -KILL "$(cat "$HOSTS/$1/pid")" 2>/dev/null || true
}

# host_end NAME: nothing of it runs on; its log stays.
host_end() {
  local dir=$HOSTS/$1
  # It gives back gigabytes, and only then is gone.
  until ! host_alive "$1"; do
    host_kill "$1"
    sleep 0.05
  done
  [ ! -e "$dir/xvfb.pid" ] || kill "$(cat "$dir/xvfb.pid")" 2>/dev/null || true
}

# host_report NAME: fails, and shows the place, where the kernel's log holds an
# oops, BUG, WARN, panic, or a report of lockdep, KASAN, UBSAN or kmemleak that
# was not shown before.
host_report() {
  local dir=$HOSTS/$1 shown
  shown=$(cat "$dir/shown" 2>/dev/null || echo 0)
  wc -l <"$dir/console" >"$dir/shown"
  tail -n "+$((shown + 1))" "$dir/console" |
    "$HOST_D/inside/kernel-report" >&2
}

host_log_tail() {
  local dir=$HOSTS/$1
  tail -n 15 "$dir/console" 2>/dev/null | sed 's/^/lab: | /' >&2
  tail -n 5 "$dir/emulator.log" 2>/dev/null | sed 's/^/lab: emulator: /' >&2
}
