/* SPDX-License-Identifier: MIT */
/*
 * Operations on a guest's blobs that reach table, window and renderer at once,
 * in the order that keeps memory from being seen after it was given up:
 *
 *   map     renderer, then window, then the answer to the guest
 *   unmap   window, then renderer, then the answer to the guest
 *
 * Stateless. Locking: the queue thread's alone.
 */
#ifndef DEVICE_BLOB_H
#define DEVICE_BLOB_H

#include "mdev/device/gpu.h"

/**
 * blob_create - make a blob of a context's memory
 * @gpu: the device
 * @blob: what to make; the context exists
 *
 * Return: 0, -EINVAL, -EEXIST, -ENOSPC, -ENOMEM or the renderer's error.
 */
int blob_create(struct gpu *gpu, const struct renderer_blob *blob);

/**
 * blob_map - show a blob in the window
 * @gpu: the device
 * @resource: the blob
 * @offset: bytes from the window's start; any value
 * @map_info: how the guest should cache it, VIRTIO_GPU_MAP_CACHE_*
 *
 * Return: 0, -EBUSY when it is mapped, -EINVAL, -EEXIST, or an error of renderer
 * or transport.
 */
int blob_map(struct gpu *gpu, struct resource *resource, uint64_t offset,
	     uint32_t *map_info);

/**
 * blob_unmap - hide a blob again
 * @gpu: the device
 * @resource: the blob
 *
 * Return: 0, -EINVAL when it is not mapped, or the transport's error: it is
 * still mapped then.
 */
int blob_unmap(struct gpu *gpu, struct resource *resource);

/**
 * blob_destroy - unmap if need be, and destroy
 * @gpu: the device
 * @resource: the blob, freed on success
 *
 * Return: 0 or the transport's error.
 */
int blob_destroy(struct gpu *gpu, struct resource *resource);

/**
 * blob_discard - as blob_destroy(), and succeed: the guest's driver is gone
 * @gpu: the device
 * @resource: the blob, freed
 */
void blob_discard(struct gpu *gpu, struct resource *resource);

#endif
