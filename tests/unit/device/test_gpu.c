// SPDX-License-Identifier: MIT
/* The virtio-gpu device: requests in a queue, against fake ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver.h"
#include "fake.h"
#include "mdev/device/gpu.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define PAGE 4096ull
#define ALL_RUNG (GPU_RUNG(GPU_QUEUE_CONTROL) | GPU_RUNG(GPU_QUEUE_CURSOR))

struct fixture {
	struct fake fake;
	struct gpu gpu;
	struct virtq control, cursor;
	int wake;
};

static void start(struct fixture *f)
{
	const struct gpu_session session = {
		.view = fake_view(&f->fake),
		.queues = {&f->control, &f->cursor},
		.vectors = {1, 2},
	};

	f->control = (struct virtq){.memory = &f->gpu.memory.guest,
				    .size_max = DRIVER_QUEUE_SIZE};
	f->cursor = f->control;
	virtq_reset(&f->control);
	virtq_reset(&f->cursor);
	f->control.desc = DRIVER_DESC;
	f->control.avail = DRIVER_AVAIL;
	f->control.used = DRIVER_USED;
	assert_int_equal(virtq_enable(&f->control), 0);
	memset(f->fake.memory, 0, sizeof(f->fake.memory));
	assert_int_equal(gpu_start(&f->gpu, &session), 0);
}

static int setup(void **state)
{
	static struct fixture fixture;

	fake_init(&fixture.fake);
	fixture.wake = eventfd(0, EFD_NONBLOCK);
	assert_int_equal(gpu_init(&fixture.gpu, FAKE_WINDOW,
				  &fixture.fake.renderer, fixture.wake),
			 0);
	start(&fixture);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gpu_deinit(&f->gpu);
	assert_int_equal(fake_left(&f->fake), 0);
	close(f->wake);
	fake_deinit(&f->fake);
	return 0;
}

/* Offers, runs, and returns the response's type. */
static uint32_t ask(struct fixture *f, const void *request, uint32_t length)
{
	uint16_t number = driver_offer(&f->fake, request, length, DRIVER_ROOM);

	assert_int_equal(gpu_run(&f->gpu, ALL_RUNG, 8), 0);
	return driver_response_type(&f->fake, number);
}

static struct virtio_gpu_ctrl_hdr header(uint32_t type, uint32_t context)
{
	return (struct virtio_gpu_ctrl_hdr){.type = type, .ctx_id = context};
}

static uint32_t context_create(struct fixture *f, uint32_t id, uint32_t capset)
{
	struct virtio_gpu_ctx_create request = {
		.hdr = header(VIRTIO_GPU_CMD_CTX_CREATE, id),
		.nlen = 4,
		.context_init = capset,
		.debug_name = "test",
	};

	return ask(f, &request, sizeof(request));
}

static uint32_t context_destroy(struct fixture *f, uint32_t id)
{
	struct virtio_gpu_ctx_destroy request = {
		.hdr = header(VIRTIO_GPU_CMD_CTX_DESTROY, id),
	};

	return ask(f, &request, sizeof(request));
}

static uint32_t blob_create(struct fixture *f, uint32_t id, uint64_t size)
{
	struct virtio_gpu_resource_create_blob request = {
		.hdr = header(VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, 1),
		.resource_id = id,
		.blob_mem = VIRTIO_GPU_BLOB_MEM_HOST3D,
		.blob_flags = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
		.size = size,
	};

	return ask(f, &request, sizeof(request));
}

static uint32_t blob_map(struct fixture *f, uint32_t id, uint64_t offset)
{
	struct virtio_gpu_resource_map_blob request = {
		.hdr = header(VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, 0),
		.resource_id = id,
		.offset = offset,
	};

	return ask(f, &request, sizeof(request));
}

static uint32_t on_resource(struct fixture *f, uint32_t type, uint32_t id)
{
	struct virtio_gpu_resource_unref request = {
		.hdr = header(type, 1),
		.resource_id = id,
	};

	return ask(f, &request, sizeof(request));
}

static uint16_t offer_submit(struct fixture *f, uint32_t context, uint8_t ring)
{
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint32_t dwords[4];
	} request = {
		.submit = {.hdr = header(VIRTIO_GPU_CMD_SUBMIT_3D, context),
			   .size = 16}};

	request.submit.hdr.flags =
		VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX;
	request.submit.hdr.fence_id = 77;
	request.submit.hdr.ring_idx = ring;
	return driver_offer(&f->fake, &request, sizeof(request), DRIVER_ROOM);
}

/* Submits commands without a fence. */
static void submit(struct fixture *f, uint32_t context, const void *commands,
		   uint32_t size)
{
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint8_t commands[256];
	} request = {
		.submit = {.hdr = header(VIRTIO_GPU_CMD_SUBMIT_3D, context),
			   .size = size}};

	memcpy(request.commands, commands, size);
	assert_int_equal(ask(f, &request, sizeof(request.submit) + size), OK);
}

/* A command of venus about a ring. */
static void ring_command(uint32_t *words, uint32_t type, uint64_t ring)
{
	memset(words, 0, 256);
	words[0] = type;
	words[2] = ring;
	words[3] = ring >> 32;
}

#define CREATE_RING 188
#define DESTROY_RING 189
#define NOTIFY_RING 190

/* With @links in the chain: a monitor, a priority; @idle_ns before it sleeps. */
static void ring_create(struct fixture *f, uint32_t context, uint64_t ring,
			unsigned int links, uint64_t idle_ns)
{
	uint32_t words[64];

	ring_command(words, CREATE_RING, ring);
	words[7] = !!links;
	memcpy(&words[15 + 4 * links], &idle_ns, sizeof(idle_ns));
	submit(f, context, words, 124 + 16 * links);
}

static void assert_nudges(struct fixture *f, uint32_t context, uint64_t ring)
{
	uint32_t before = f->fake.submitted, words[64];

	gpu_nudge(&f->gpu);
	assert_int_equal(f->fake.submitted - before, 6);
	assert_int_equal(f->fake.last_context, context);
	ring_command(words, NOTIFY_RING, ring);
	assert_memory_equal(f->fake.last, words, 24);
}

static void assert_no_nudge(struct fixture *f)
{
	uint32_t before = f->fake.submitted;

	gpu_nudge(&f->gpu);
	assert_int_equal(f->fake.submitted, before);
}

static void test_rings_are_notified(void **state)
{
	struct fixture *f = *state;
	const uint64_t ring = 0x123456789abcdef0;
	uint32_t words[64];

	context_create(f, 7, 4);
	assert_no_nudge(f);
	ring_create(f, 7, ring, 1, 1000000);
	assert_nudges(f, 7, ring);
	/* What drivers say about rings takes nothing back. */
	ring_command(words, NOTIFY_RING, ring);
	submit(f, 7, words, 24);
	assert_nudges(f, 7, ring);
	ring_command(words, DESTROY_RING, ring + 1);
	submit(f, 7, words, 16);
	assert_nudges(f, 7, ring);
	ring_command(words, DESTROY_RING, ring);
	submit(f, 7, words, 16);
	assert_no_nudge(f);
}

static void test_rings_that_may_be_gone_are_not_notified(void **state)
{
	struct fixture *f = *state;
	uint32_t words[64];

	context_create(f, 7, 4);
	context_create(f, 8, 4);
	ring_create(f, 7, 1, 0, 0);
	ring_create(f, 8, 2, 0, 0);
	ring_command(words, DESTROY_RING, 3);
	submit(f, 7, words, 32);
	assert_nudges(f, 8, 2);
	context_destroy(f, 8);
	assert_no_nudge(f);
	context_create(f, 8, 4);
	assert_no_nudge(f);
	for (unsigned int i = 0; i < 2 * RINGS_MAX; i++)
		ring_create(f, 8, i, 1, 0);
	assert_int_equal(f->gpu.rings.count, RINGS_MAX);
	gpu_reset(&f->gpu);
	start(f);
	assert_no_nudge(f);
}

static uint64_t idle_given(struct fixture *f, unsigned int links,
			   uint64_t idle_ns)
{
	uint64_t given;

	ring_create(f, 7, 1, links, idle_ns);
	memcpy(&given, &f->fake.last[15 + 4 * links], sizeof(given));
	return given;
}

static void test_rings_stay_awake(void **state)
{
	struct fixture *f = *state;

	context_create(f, 7, 4);
	for (unsigned int links = 0; links <= 2; links++) {
		assert_int_equal(idle_given(f, links, 1000000), RINGS_AWAKE_NS);
		assert_int_equal(idle_given(f, links, 50000000), 50000000);
		assert_int_equal(f->gpu.rings.count, 2 * links + 2);
	}
}

static void test_capset(void **state)
{
	struct fixture *f = *state;
	struct virtio_gpu_get_capset_info info = {
		.hdr = header(VIRTIO_GPU_CMD_GET_CAPSET_INFO, 0),
	};
	struct virtio_gpu_get_capset get = {
		.hdr = header(VIRTIO_GPU_CMD_GET_CAPSET, 0),
		.capset_id = VIRTIO_GPU_CAPSET_VENUS,
	};
	const struct virtio_gpu_resp_capset_info *response =
		driver_response(&f->fake, 0);
	const struct virtio_gpu_resp_capset *capset =
		driver_response(&f->fake, 1);

	assert_int_equal(ask(f, &info, sizeof(info)),
			 VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	assert_int_equal(response->capset_id, VIRTIO_GPU_CAPSET_VENUS);
	assert_int_equal(response->capset_max_size, 160);
	assert_int_equal(ask(f, &get, sizeof(get)), VIRTIO_GPU_RESP_OK_CAPSET);
	assert_int_equal(capset->capset_data[159], 0x5a);
	info.capset_index = 1;
	assert_int_equal(ask(f, &info, sizeof(info)),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	get.capset_id = VIRTIO_GPU_CAPSET_VIRGL;
	assert_int_equal(ask(f, &get, sizeof(get)),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
}

static void test_every_other_kind_is_refused(void **state)
{
	struct fixture *f = *state;
	struct virtio_gpu_ctrl_hdr request = header(0, 0);

	request.flags = VIRTIO_GPU_FLAG_FENCE;
	request.fence_id = 1234;
	for (request.type = 0x100; request.type < 0x310; request.type++) {
		uint16_t number = driver_offer(&f->fake, &request,
					       sizeof(request), DRIVER_ROOM);
		const struct virtio_gpu_ctrl_hdr *response =
			driver_response(&f->fake, number);

		assert_int_equal(gpu_run(&f->gpu, ALL_RUNG, 8), 0);
		if (request.type == VIRTIO_GPU_CMD_GET_DISPLAY_INFO)
			continue;
		assert_true(response->type >= VIRTIO_GPU_RESP_ERR_UNSPEC);
		assert_int_equal(response->flags, VIRTIO_GPU_FLAG_FENCE);
		assert_int_equal(response->fence_id, 1234);
	}
}

static void test_no_scanout(void **state)
{
	struct fixture *f = *state;
	struct virtio_gpu_ctrl_hdr request =
		header(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0);
	const struct virtio_gpu_resp_display_info *response =
		driver_response(&f->fake, 0);

	assert_int_equal(ask(f, &request, sizeof(request)),
			 VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	for (unsigned int i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		assert_int_equal(response->pmodes[i].enabled, 0);
}

static void test_contexts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(context_create(f, 1, 4), OK);
	assert_int_equal(context_create(f, 1, 4),
			 VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
	assert_int_equal(context_create(f, 0, 4),
			 VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
	assert_int_equal(context_create(f, 2, 2),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(context_destroy(f, 1), OK);
	assert_int_equal(context_destroy(f, 1),
			 VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
	for (unsigned int i = 0; i < CONTEXTS_MAX; i++)
		assert_int_equal(context_create(f, 10 + i, 4), OK);
	assert_int_equal(context_create(f, 9, 4),
			 VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
}

static void test_context_that_fails_is_none(void **state)
{
	struct fixture *f = *state;

	f->fake.fail = -EIO;
	assert_int_equal(context_create(f, 1, 4), VIRTIO_GPU_RESP_ERR_UNSPEC);
	f->fake.fail = 0;
	assert_int_equal(context_create(f, 1, 4), OK);
}

static void test_what_makes_contexts_comes_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(context_create(f, 1, 4), OK);
	assert_int_equal(context_create(f, 2, 4), OK);
	assert_int_equal(blob_create(f, 7, PAGE), OK);
	f->fake.gone = true;
	/* What there is goes on, and is in the way of a new beginning. */
	assert_true(context_create(f, 3, 4) >= VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(blob_map(f, 7, 0), VIRTIO_GPU_RESP_OK_MAP_INFO);
	assert_int_equal(context_destroy(f, 2), OK);
	assert_int_equal(context_destroy(f, 1), OK);
	assert_true(context_create(f, 3, 4) >= VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 7),
			 OK);
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNREF, 7), OK);
	assert_int_equal(context_create(f, 3, 4), OK);
	assert_int_equal(context_create(f, 1, 4), OK);
}

static void test_blobs(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(blob_create(f, 5, PAGE),
			 VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
	assert_int_equal(context_create(f, 1, 4), OK);
	assert_int_equal(blob_create(f, 5, PAGE - 1),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(blob_create(f, 0, PAGE),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(blob_create(f, 5, PAGE), OK);
	assert_int_equal(blob_create(f, 5, PAGE),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	/* Memory of the host that no GPU accounts for is limited. */
	assert_int_equal(blob_create(f, 6, FAKE_WINDOW),
			 VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNREF, 5), OK);
	assert_int_equal(blob_create(f, 6, FAKE_WINDOW), OK);
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNREF, 5),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
}

static void test_mapping(void **state)
{
	struct fixture *f = *state;

	context_create(f, 1, 4);
	blob_create(f, 1, 2 * PAGE);
	blob_create(f, 2, PAGE);
	assert_int_equal(blob_map(f, 3, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(blob_map(f, 1, 1),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(blob_map(f, 1, FAKE_WINDOW - PAGE),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(blob_map(f, 1, -2 * PAGE),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(blob_map(f, 1, FAKE_WINDOW - 2 * PAGE),
			 VIRTIO_GPU_RESP_OK_MAP_INFO);
	assert_int_equal(blob_map(f, 1, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(blob_map(f, 2, FAKE_WINDOW - PAGE),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(blob_map(f, 2, 0), VIRTIO_GPU_RESP_OK_MAP_INFO);
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 2),
			 OK);
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 2),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	/* A mapped one goes too; the fake checks the order. */
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1), OK);
	assert_int_equal(f->gpu.window.taken, 0);
}

static void test_what_the_window_keeps_is_not_unmapped(void **state)
{
	struct fixture *f = *state;

	context_create(f, 1, 4);
	blob_create(f, 1, PAGE);
	blob_map(f, 1, 0);
	f->fake.fail_unmap = -EIO;
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 1),
			 VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_true(resources_find(&f->gpu.resources, 1)->mapped);
	f->fake.fail_unmap = 0;
	assert_int_equal(on_resource(f, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 1),
			 OK);
}

static void test_uuid(void **state)
{
	struct fixture *f = *state;
	const struct virtio_gpu_resp_resource_uuid *first, *second;
	uint32_t type = VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID;

	context_create(f, 1, 4);
	blob_create(f, 1, PAGE);
	assert_int_equal(on_resource(f, type, 1),
			 VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	assert_int_equal(on_resource(f, type, 1),
			 VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	first = driver_response(&f->fake, 2);
	second = driver_response(&f->fake, 3);
	assert_memory_equal(first->uuid, second->uuid, 16);
}

static void test_fence_waits(void **state)
{
	struct fixture *f = *state;
	const struct virtio_gpu_ctrl_hdr *response;
	uint16_t number;

	context_create(f, 1, 4);
	number = offer_submit(f, 1, 5);
	assert_int_equal(gpu_run(&f->gpu, ALL_RUNG, 8), 0);
	assert_int_equal(f->fake.submitted, 4);
	assert_int_equal(driver_used(&f->fake), 1);
	/* Others go on meanwhile. */
	assert_int_equal(context_create(f, 2, 4), OK);
	assert_int_equal(driver_used(&f->fake), 2);
	assert_int_equal(fake_fences_done(&f->fake), 1);
	assert_int_equal(gpu_run(&f->gpu, ALL_RUNG, 8), 0);
	assert_int_equal(driver_used(&f->fake), 3);
	response = driver_response(&f->fake, number);
	assert_int_equal(response->fence_id, 77);
	assert_int_equal(response->ring_idx, 5);
	assert_int_equal(response->flags,
			 VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX);
}

static void test_fences_of_a_lost_context_end(void **state)
{
	struct fixture *f = *state;

	context_create(f, 1, 4);
	offer_submit(f, 1, 5);
	gpu_run(&f->gpu, ALL_RUNG, 8);
	assert_int_equal(context_destroy(f, 1), OK);
	gpu_run(&f->gpu, ALL_RUNG, 8);
	assert_int_equal(driver_used(&f->fake), 3);
	/* A late word about it is harmless. */
	context_create(f, 1, 4);
	offer_submit(f, 1, 5);
	gpu_run(&f->gpu, ALL_RUNG, 8);
	assert_int_equal(driver_used(&f->fake), 4);
	fake_fences_done(&f->fake);
	gpu_run(&f->gpu, ALL_RUNG, 8);
	assert_int_equal(driver_used(&f->fake), 5);
}

static void test_failed_submit_does_not_wait(void **state)
{
	struct fixture *f = *state;

	context_create(f, 1, 4);
	offer_submit(f, 2, 5);
	offer_submit(f, 1, RENDERER_RINGS_MAX);
	gpu_run(&f->gpu, ALL_RUNG, 8);
	assert_int_equal(driver_used(&f->fake), 3);
	assert_int_equal(f->fake.submitted, 0);
}

static void test_reset_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	for (unsigned int round = 0; round < 1000; round++) {
		context_create(f, 1, 4);
		context_create(f, 2, 4);
		blob_create(f, 1, PAGE);
		blob_create(f, 2, PAGE);
		blob_map(f, 2, 8 * PAGE);
		offer_submit(f, 2, 3);
		gpu_run(&f->gpu, ALL_RUNG, 8);
		assert_int_not_equal(fake_left(&f->fake), 0);
		gpu_reset(&f->gpu);
		assert_int_equal(fake_left(&f->fake), 0);
		assert_int_equal(f->gpu.fences.pending, 0);
		assert_int_equal(f->gpu.window.taken, 0);
		fake_fences_done(&f->fake);
		start(f);
	}
}

static void test_broken_ring(void **state)
{
	struct fixture *f = *state;
	struct virtio_gpu_ctrl_hdr request = header(0, 0);

	f->control.desc = FAKE_MEMORY;
	driver_offer(&f->fake, &request, sizeof(request), DRIVER_ROOM);
	assert_int_equal(gpu_run(&f->gpu, ALL_RUNG, 8), -EPIPE);
	assert_int_equal(gpu_run(&f->gpu, ALL_RUNG, 8), 0);
	gpu_reset(&f->gpu);
	start(f);
	assert_int_equal(context_create(f, 1, 4), OK);
}

static void test_response_without_room(void **state)
{
	struct fixture *f = *state;
	struct virtio_gpu_ctrl_hdr request =
		header(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0);
	uint16_t number = driver_offer(&f->fake, &request, sizeof(request), 30);

	gpu_run(&f->gpu, ALL_RUNG, 8);
	assert_int_equal(driver_response_type(&f->fake, number),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	number = driver_offer(&f->fake, &request, sizeof(request), 8);
	gpu_run(&f->gpu, ALL_RUNG, 8);
	assert_int_equal(driver_response_type(&f->fake, number), 0);
	assert_int_equal(driver_used(&f->fake), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_capset),
		TEST(test_every_other_kind_is_refused),
		TEST(test_no_scanout),
		TEST(test_contexts),
		TEST(test_context_that_fails_is_none),
		TEST(test_what_makes_contexts_comes_back),
		TEST(test_blobs),
		TEST(test_mapping),
		TEST(test_what_the_window_keeps_is_not_unmapped),
		TEST(test_uuid),
		TEST(test_fence_waits),
		TEST(test_fences_of_a_lost_context_end),
		TEST(test_failed_submit_does_not_wait),
		TEST(test_reset_leaves_nothing),
		TEST(test_rings_are_notified),
		TEST(test_rings_that_may_be_gone_are_not_notified),
		TEST(test_rings_stay_awake),
		TEST(test_broken_ring),
		TEST(test_response_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
