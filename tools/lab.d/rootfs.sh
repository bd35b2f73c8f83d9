# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# `up`: what this machine lacks, and the root file system, which is made once
# per recipe. The recipe is this file, rootfs.packages and rootfs-customize.

LAB_SUITE=trixie

usage_up() {
  cat <<END
Usage: tools/lab up

Installs what this machine lacks (Debian 12 and 13; elsewhere it names it),
makes the root file system with both kernels and the emulator in
$LAB_DIR, and reuses it when it is there. An interrupted run
leaves nothing half made.
END
}

lab_recipe() {
  cat "$LAB_D/rootfs.sh" "$LAB_D/rootfs.packages" "$LAB_D/rootfs-customize" |
    sha256sum | cut -c1-12
}

lab_base() {
  echo "$LAB_DIR/base-$(lab_recipe)"
}

lab_rootfs() {
  echo "$(lab_base)/rootfs"
}

verb_up() {
  [ $# = 0 ] || die "up takes no '$1': see 'tools/lab up --help'"
  need_root
  lab_up
  say "ready: $(lab_base)"
}

# lab_up: everything that a lab host needs is there when it returns.
lab_up() {
  machine_prepare
  lock up
  mkdir -p "$(lab_base)"
  [ -d "$(lab_rootfs)" ] || rootfs_make
  emulator_make
  unlock
}

# Commands of this machine that the lab uses, with their Debian packages.
machine_packages() {
  local entry
  for entry in mmdebstrap:mmdebstrap unshare:util-linux setpriv:util-linux \
    flock:util-linux ip:iproute2; do
    command -v "${entry%%:*}" >/dev/null || echo "${entry##*:}"
  done
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
    echo debian-archive-keyring
}

machine_prepare() {
  local -a missing
  mapfile -t missing < <(machine_packages | sort -u)
  [ ${#missing[@]} -gt 0 ] || return 0
  case $(. /etc/os-release && echo "$ID-${VERSION_ID-}") in
  debian-12 | debian-13)
    step "installing ${missing[*]}" machine_install "${missing[@]}"
    ;;
  *)
    die "this machine lacks ${missing[*]}: install them and try again"
    ;;
  esac
}

machine_install() {
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

rootfs_make() {
  local part
  local -a mirrors
  need_space 6000
  mapfile -t mirrors < <(lab_mirrors)
  [ ${#mirrors[@]} -gt 0 ] ||
    die "no Debian mirror known here: name one in TRANCHE_LAB_MIRROR"
  rm -rf "$LAB_DIR"/base-*.part
  part=$(lab_base).part
  mkdir -p "$part"
  step "making the root file system (Debian $LAB_SUITE)" \
    confine shared-net "$BASH" "$LAB_D/rootfs-make" "$part/rootfs" \
    "$LAB_SUITE" "${mirrors[@]}" || die "no root file system: see above" 1
  mkdir -p "$(lab_base)"
  publish "$part/rootfs" "$(lab_rootfs)"
  rmdir "$part"
}

# The mirrors this machine itself installs from, the one for security updates
# last: so the lab works wherever the machine's packages come from.
lab_mirrors() {
  if [ -n "${TRANCHE_LAB_MIRROR-}" ]; then
    echo "$TRANCHE_LAB_MIRROR"
    return
  fi
  command -v apt-get >/dev/null || return 0
  [ -n "$(debian_repositories)" ] || apt-get update -qq >&2
  debian_repositories | grep -v security | head -n 1
  debian_repositories | grep security | head -n 1
}

debian_repositories() {
  # shellcheck disable=SC2016 # apt fills the fields in
  apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI)' \
    'Created-By: Packages' 2>/dev/null |
    sed -n 's/^Debian main //p'
}

usage_clean() {
  cat <<END
Usage: tools/lab clean [--all]

Removes cached files in $LAB_DIR that the present recipe does not
use; with --all also those it uses.
END
}

verb_clean() {
  local keep
  keep=$(lab_base)
  case ${1-} in
  '') ;;
  --all) keep= ;;
  *) die "clean takes no '$1': see 'tools/lab clean --help'" ;;
  esac
  need_root
  lock up
  find "$LAB_DIR" -mindepth 1 -maxdepth 1 -name 'base-*' \
    ! -path "$keep" -exec rm -rf {} +
  [ -n "$keep" ] || rm -rf "$LAB_DIR/build"
  unlock
}
