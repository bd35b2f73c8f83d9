/* SPDX-License-Identifier: MIT */
/*
 * The broker's control socket, from a client's side: io.tranche.Broker over
 * Varlink. What goes wrong is told here, once, as cause and cure; callers only
 * pass the error on.
 *
 * Ownership: links and replies are the caller's. Locking: none, one thread.
 */
#ifndef TRANCHE_BROKER_H
#define TRANCHE_BROKER_H

#include <systemd/sd-json.h>
#include <systemd/sd-varlink.h>

#define BROKER_SOCKET "/run/tranche/io.tranche.Broker"
#define BROKER_INTERFACE "io.tranche.Broker."

#define _link_ __attribute__((cleanup(sd_varlink_close_unrefp)))

/* broker_socket - its path: $TRANCHE_SOCKET or the default */
const char *broker_socket(void);

/**
 * broker_open - connect, and tell nothing
 * @link: the connection, to be closed by sd_varlink_close_unref()
 *
 * Return: 0 or a negative errno.
 */
int broker_open(sd_varlink **link);

/**
 * broker_connect - connect, and tell why not
 * @link: as broker_open()
 *
 * Return: 0 or a negative errno.
 */
int broker_connect(sd_varlink **link);

/**
 * broker_call - one method
 * @link: the connection
 * @method: name without the interface
 * @parameters: an object, or NULL for none
 * @reply: what came, to be unreferenced; NULL: not wanted
 *
 * Return: 0 or a negative errno; told.
 */
int broker_call(sd_varlink *link, const char *method,
		sd_json_variant *parameters, sd_json_variant **reply);

/**
 * broker_try - one method, and tell all but that the broker ended
 * @link: the connection
 * @method: name without the interface
 * @parameters: an object, or NULL for none
 * @reply: what came, to be unreferenced; NULL: not wanted
 *
 * Return: 0; -ECONNRESET: the broker ended before it answered, not told;
 * another negative errno; told.
 */
int broker_try(sd_varlink *link, const char *method,
	       sd_json_variant *parameters, sd_json_variant **reply);

/**
 * broker_ask - one method, and tell nothing
 * @link: the connection
 * @method: name without the interface
 * @parameters: an object, or NULL for none
 * @reply: what came, to be unreferenced
 *
 * Return: 0 or a negative errno; -EREMOTEIO: the broker refused.
 */
int broker_ask(sd_varlink *link, const char *method,
	       sd_json_variant *parameters, sd_json_variant **reply);

/**
 * broker_request - connect, call, close
 *
 * Return: as broker_call().
 */
int broker_request(const char *method, sd_json_variant *parameters,
		   sd_json_variant **reply);

/**
 * broker_error_tell - say what the broker's error means
 * @error: its name
 * @parameters: its parameters
 *
 * Return: a negative errno that fits.
 */
int broker_error_tell(const char *error, sd_json_variant *parameters);

/**
 * broker_set_text - give a parameter
 * @parameters: the object, made when it is NULL
 * @name: of the parameter
 * @value: its value; NULL leaves it out
 *
 * Return: 0 or a negative errno; told.
 */
int broker_set_text(sd_json_variant **parameters, const char *name,
		    const char *value);

#endif
