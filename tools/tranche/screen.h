/* SPDX-License-Identifier: MIT */
/*
 * The screen of `tranche top`, by ncurses: draws what usage.h holds and says
 * what keys ask for.
 *
 * States: open between screen_open() and screen_close(); ncurses has one
 * screen. Locking: none, one thread.
 */
#ifndef TRANCHE_SCREEN_H
#define TRANCHE_SCREEN_H

#include "tools/tranche/usage.h"

#define SCREEN_FILTER 32

/**
 * struct screen - what is shown how
 * @order: of the rows
 * @filter: which rows
 * @editing: the filter is being typed
 * @first: how many rows are scrolled away
 * @paused: nothing new is asked for
 * @quit: a key asked for the end
 */
struct screen {
	enum usage_order order;
	char filter[SCREEN_FILTER];
	bool editing;
	size_t first;
	bool paused;
	bool quit;
};

/**
 * screen_open - take the terminal
 *
 * Return: 0; -ENOTTY: the terminal can't be used so.
 */
int screen_open(void);

/* screen_close - give it back; again is no harm */
void screen_close(void);

/* screen_draw - show it all; sorts the rows */
void screen_draw(struct screen *screen, struct usage *usage);

/**
 * screen_wait - take keys
 * @screen: changed as they say
 * @ms: how long to wait for one
 *
 * Return: whether there was one, so that it is time to draw.
 */
bool screen_wait(struct screen *screen, int ms);

/* screen_key - what a key does; for screen_wait() and tests */
void screen_key(struct screen *screen, int key);

#endif
