# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# `build`: the project, inside the root file system. The sources are mounted
# read-only; each work tree has build folders of its own in the cache.

usage_build() {
  cat <<END
Usage: tools/lab build [--preset debug|release|asan|fuzz]

Builds the work tree that this script stands in, inside the root file system.
The sources stay untouched; the result is in the cache folder.
END
}

lab_build_dir() {
  local name
  name=$(printf %s "$LAB_SRC" | sha256sum | cut -c1-12)
  echo "${TRANCHE_LAB_BUILD_DIR:-$LAB_DIR/build/$name}"
}

verb_build() {
  local preset=debug
  while [ $# -gt 0 ]; do
    case $1 in
    --preset)
      need_value "$@"
      preset=$2
      shift 2
      ;;
    *) die "build takes no '$1': see 'tools/lab build --help'" ;;
    esac
  done
  need_root
  lab_up
  lab_build "$preset"
  say "built: $(lab_build_dir)/$preset"
}

# lab_build PRESET: leaves an up-to-date build, or ends the script.
lab_build() {
  case $1 in
  debug | release | asan | fuzz) ;;
  *) die "there is no preset '$1': choose debug, release, asan or fuzz" ;;
  esac
  lock "build-$(basename "$(lab_build_dir)")"
  LAB_OUT='' step "building ($1)" inside /src/tools/lab.d/inside/build "$1" ||
    die "the build failed: see above" 1
  unlock
}
