/* SPDX-License-Identifier: MIT */
/*
 * io.tranche.Broker: the types and methods of the control socket, as Varlink
 * describes them. `varlinkctl introspect` shows what stands in interface.c.
 */
#ifndef BROKER_INTERFACE_H
#define BROKER_INTERFACE_H

#include <systemd/sd-varlink-idl.h>

#define BROKER_INTERFACE "io.tranche.Broker"
#define BROKER_METHOD(name) BROKER_INTERFACE "." name

extern const sd_varlink_interface vl_interface_broker;

#endif
