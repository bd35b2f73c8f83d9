# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# `test`: everything, as a continuous-integration run calls it.

usage_test() {
  cat <<END
Usage: tools/lab test [-R REGEX] [-E REGEX] [-L LABEL] [--preset P] [--all]

Makes what is missing (up), builds, and runs all tests: unit tests in the root
file system, tests labelled 'lab' in booted lab hosts. Ends with one summary of
ctest and the time that each part took.

Options:
  -R REGEX    only tests whose name matches
  -E REGEX    leave out tests whose name matches
  -L LABEL    only tests with this label: unit, style, preset, lab, self
  --preset P  the build to test (default debug)
  --all       the tests labelled 'nightly' too, which take long
  --debug     only the tests labelled 'debug', in a lab host with the debug
              kernel (see 'tools/lab debug-kernel --help')
END
}

verb_test() {
  local preset=debug start=$SECONDS part status=0 debug_kernel='' all=''
  local -a select=() leave_out=(-LE '^(nightly|debug)$')
  while [ $# -gt 0 ]; do
    case $1 in
    --all)
      leave_out=(-LE '^debug$') all=1
      shift
      continue
      ;;
    --debug)
      debug_kernel=1 leave_out=(-L '^debug$')
      shift
      continue
      ;;
    -R | -E | -L | --preset) need_value "$@" ;;
    *) die "test takes no '$1': see 'tools/lab test --help'" ;;
    esac
    if [ "$1" = --preset ]; then
      preset=$2
    else
      select+=("$1" "$2")
    fi
    shift 2
  done
  need_root
  lab_up
  [ -z "$debug_kernel" ] || debug_kernel_make
  lab_build "$preset"
  guest_initramfs_make "$preset"
  # Only tests that take long boot it.
  [ -z "$all" ] || guest_disk_make "$GUEST_DISK_PACKAGES"
  part=$SECONDS
  LAB_OUT='' run_inside /src/tools/lab.d/inside/tests "$preset" \
    "${leave_out[@]}" "${select[@]}" ||
    status=$?
  say "preparing: $((part - start)) s, tests: $((SECONDS - part)) s"
  return "$status"
}
