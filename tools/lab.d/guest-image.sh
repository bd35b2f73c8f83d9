# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# `guest-image`: what stock guests boot. An initramfs for each kernel, made in
# the root file system, and a disk image with a Debian userland.

LAB_KERNELS="6.12 7"
GUEST_DISK_PACKAGES=systemd-sysv,udev,dbus,login,iproute2,kmod,mesa-utils
GUEST_DISK_PACKAGES+=,mesa-vulkan-drivers,libgl1-mesa-dri,vulkan-tools,vkmark
GUEST_DISK_PACKAGES+=,gstreamer1.0-tools,gstreamer1.0-plugins-bad

usage_guest_image() {
  cat <<END
Usage: tools/lab guest-image [--with FILE]... [--packages LIST] [--preset P]

Makes the images that stock guests boot:
  guest-6.12.cpio, guest-7.cpio  an initramfs for each kernel: busybox, Mesa's
                   venus driver, vulkaninfo and tranche-load
  guest-disk.img   an ext4 disk with a Debian $LAB_SUITE userland

Options:
  --with FILE      put FILE in the initramfs: programs in /usr/bin with their
                   libraries, other files in /opt
  --packages LIST  further Debian packages on the disk, separated by commas
  --preset P       the build whose tranche-load goes in (default debug)

An image whose ingredients did not change is reused.
END
}

# Of this tree's own build: a guest runs its programs.
lab_images() {
  echo "$(lab_build_dir)/images"
}

verb_guest_image() {
  local packages=$GUEST_DISK_PACKAGES preset=debug
  local -a with=()
  while [ $# -gt 0 ]; do
    need_value "$@"
    case $1 in
    --with)
      [ -r "$2" ] || die "--with: there is no file '$2'"
      with+=("$(realpath "$2")")
      ;;
    --packages)
      [[ $2 =~ ^[a-z0-9.+,-]+$ ]] ||
        die "--packages takes names separated by commas, not '$2'"
      packages+=,$2
      ;;
    --preset) preset=$2 ;;
    *) die "guest-image takes no '$1': see 'tools/lab guest-image --help'" ;;
    esac
    shift 2
  done
  need_root
  lab_up
  lab_build "$preset"
  guest_initramfs_make "$preset" "${with[@]}"
  guest_disk_make "$packages"
  say "images: $(lab_images)"
}

# guest_initramfs_make PRESET [FILE...]
guest_initramfs_make() {
  local preset=$1 kernel target key
  shift
  lock images
  mkdir -p "$(lab_images)"
  key=$(guest_initramfs_key "$preset" "$@")
  for kernel in $LAB_KERNELS; do
    target=$(lab_images)/guest-$kernel.cpio
    [ "$(cat "$target.key" 2>/dev/null)" != "$key" ] || continue
    guest_files_carry "$@"
    LAB_OUT='' step "making the guest initramfs for $kernel" \
      inside /src/tools/lab.d/inside/guest-initramfs "$kernel" \
      "/lab/images/guest-$kernel.cpio" "/build/$preset/bin/tranche-load" \
      "${CARRIED[@]}" ||
      die "no guest image: see above" 1
    echo "$key" >"$target.key"
  done
  rm -rf "$(lab_images)/with"
  unlock
}

# Files from anywhere on this machine are seen inside through a copy. Sets
# CARRIED to their paths there.
guest_files_carry() {
  local file
  CARRIED=()
  rm -rf "$(lab_images)/with"
  mkdir "$(lab_images)/with"
  for file; do
    cp -L "$file" "$(lab_images)/with/"
    CARRIED+=("/lab/images/with/$(basename "$file")")
  done
}

guest_initramfs_key() {
  local preset=$1
  shift
  {
    cat "$LAB_D/guest/init" "$LAB_D/inside/guest-initramfs" \
      "$LAB_D/inside/modules-copy" "$LAB_D/inside/elf-copy" \
      "$(lab_build_dir)/$preset/bin/tranche-load"
    [ $# = 0 ] || sha256sum "$@"
  } | sha256sum
}

# guest_disk_make PACKAGES: one for all trees, as nothing of theirs is on it.
guest_disk_make() {
  local disk key
  local -a mirrors
  disk=$(lab_base)/guest-disk.img
  key=$(cat "$LAB_D/guest/disk-make" "$LAB_D/guest/disk-customize" - <<<"$1" |
    sha256sum)
  lock images
  if [ "$(cat "$disk.key" 2>/dev/null)" != "$key" ]; then
    need_space 6000
    mapfile -t mirrors < <(lab_mirrors)
    rm -rf "$(lab_base)"/disk.*
    step "making the guest disk" confine shared-net "$BASH" \
      "$LAB_D/guest/disk-make" "$disk" "$LAB_SUITE" "$1" "${mirrors[@]}" ||
      die "no guest disk: see above" 1
    echo "$key" >"$disk.key"
  fi
  # Linked, or copied where the builds are on another file system.
  mkdir -p "$(lab_images)"
  ln -f "$disk" "$(lab_images)" 2>/dev/null ||
    cp --sparse=always "$disk" "$(lab_images)"
  unlock
}
