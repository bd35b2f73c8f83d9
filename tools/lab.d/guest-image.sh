# shellcheck shell=bash
# SPDX-License-Identifier: MIT

lab_images() {
  echo "$(lab_base)/images"
}
