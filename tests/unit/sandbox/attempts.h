/* SPDX-License-Identifier: MIT */
/*
 * What a process that was taken over would try. Each attempt can succeed for
 * root outside of a sandbox, and does no harm there.
 *
 * Stateless. Locking: none.
 */
#ifndef TEST_SANDBOX_ATTEMPTS_H
#define TEST_SANDBOX_ATTEMPTS_H

/* A name in the abstract namespace that somebody outside listens on. */
#define ATTEMPT_ABSTRACT "tranche-sandbox-test"

/**
 * attempts_run - try everything, and print "NAME done" or "NAME denied: ERROR"
 * @paths: files that must be out of reach, ending with NULL
 *
 * Return: how many were done.
 */
int attempts_run(char *const *paths);

#endif
