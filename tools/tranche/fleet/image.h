/* SPDX-License-Identifier: MIT */
/*
 * What the guests of a fleet boot: an initial file system that somebody made,
 * and behind it an archive with the fleet's script as /run.sh.
 *
 * It lies in memory and is named by a descriptor, so that nothing stays behind,
 * however the program ends. Stateless.
 */
#ifndef TRANCHE_FLEET_IMAGE_H
#define TRANCHE_FLEET_IMAGE_H

/* The script, tools/tranche/fleet/guest.sh. */
extern const char image_script[];

/**
 * image_open - make the image
 * @initrd: path of the initial file system
 *
 * Return: a descriptor, or a negative errno.
 */
int image_open(const char *initrd);

#endif
