/* SPDX-License-Identifier: MIT */
/*
 * A connection to the broker that outlives it: a broker that ends is one that
 * comes back, by systemd within a second, and takes every vGPU over, those too
 * that live for this program. What was being asked is then asked again.
 *
 * States: open -> (broker ended) waiting -> open, or closed when none came.
 * Ownership: owns the connection. Locking: none, one thread.
 */
#ifndef TRANCHE_FLEET_LINK_H
#define TRANCHE_FLEET_LINK_H

#include <systemd/sd-json.h>
#include <systemd/sd-varlink.h>

/* How many brokers may end under one link. */
#define LINK_RENEWALS 20

/**
 * struct link - to the broker
 * @varlink: the connection to this one; NULL when there is none
 * @renewals: how many have ended; what they had counted is gone
 */
struct link {
	sd_varlink *varlink;
	unsigned int renewals;
};

/**
 * link_open - connect
 * @link: zeroed
 *
 * Return: 0 or a negative errno; told.
 */
int link_open(struct link *link);

void link_close(struct link *link);

/**
 * link_call - one method, asked again when the broker ended meanwhile
 * @link: an open one
 * @method: name without the interface; one that may be done twice
 * @parameters: an object, or NULL for none
 * @reply: what came, to be unreferenced; NULL: not wanted
 *
 * Blocks until there is a broker, for 30 s at most, or until a signal that is
 * to end this program has come.
 *
 * Return: 0 or a negative errno; told.
 */
int link_call(struct link *link, const char *method,
	      sd_json_variant *parameters, sd_json_variant **reply);

#endif
