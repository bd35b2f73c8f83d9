# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Physical devices and their drivers, for tests in a lab host.

# driver ADDRESS: the name of the driver that has the PCI device, if one has.
driver() {
  local link=/sys/bus/pci/devices/$1/driver
  [ ! -e "$link" ] || basename "$(readlink "$link")"
}

# give ADDRESS DRIVER: takes the PCI device from its driver; without a DRIVER it
# goes to the one that wants it.
give() {
  echo "$2" >"/sys/bus/pci/devices/$1/driver_override"
  [ ! -e "/sys/bus/pci/devices/$1/driver" ] ||
    echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
  echo "$1" >/sys/bus/pci/drivers_probe
}
