// SPDX-License-Identifier: MIT
/* Both threads together: registers answer while the renderer does not. */
#include <errno.h>
#include <linux/vfio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
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
#include "mdev/device/device.h"
#include "mdev/device/layout.h"

#define STATUS VIRTIO_PCI_COMMON_STATUS
#define DRIVING (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define FEATURES (DRIVING | VIRTIO_CONFIG_S_FEATURES_OK)
#define READY (FEATURES | VIRTIO_CONFIG_S_DRIVER_OK)

struct fixture {
	struct fake fake;
	struct device device;
	pthread_t thread;
	int end;
	int result;
	uint64_t seq;
};

static void *serve(void *arg)
{
	struct fixture *f = arg;

	f->result = device_serve(&f->device, f->end);
	return NULL;
}

static uint64_t send_access(struct fixture *f, enum fake_op op, uint64_t offset,
			    uint32_t length, uint64_t value)
{
	struct fake_message message = {
		.seq = ++f->seq,
		.op = op,
		.region = LAYOUT_BAR_REGISTERS,
		.offset = offset,
		.length = length,
	};

	memcpy(message.data, &value, sizeof(value));
	fake_send(&f->fake, &message);
	return message.seq;
}

static void put(struct fixture *f, uint64_t offset, uint32_t length,
		uint64_t value)
{
	fake_answer(&f->fake,
		    send_access(f, FAKE_WRITE, offset, length, value));
}

static uint64_t get(struct fixture *f, uint64_t offset, uint32_t length)
{
	struct fake_answer answer = fake_answer(
		&f->fake, send_access(f, FAKE_READ, offset, length, 0));
	uint64_t value = 0;

	memcpy(&value, answer.data, length);
	return value;
}

static void drive(struct fixture *f)
{
	memset(f->fake.memory, 0, sizeof(f->fake.memory));
	put(f, STATUS, 1, DRIVING);
	put(f, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	put(f, VIRTIO_PCI_COMMON_GF, 4, 1);
	put(f, STATUS, 1, FEATURES);
	put(f, VIRTIO_PCI_COMMON_Q_SIZE, 2, DRIVER_QUEUE_SIZE);
	put(f, VIRTIO_PCI_COMMON_Q_DESCLO, 4, DRIVER_DESC);
	put(f, VIRTIO_PCI_COMMON_Q_AVAILLO, 4, DRIVER_AVAIL);
	put(f, VIRTIO_PCI_COMMON_Q_USEDLO, 4, DRIVER_USED);
	put(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	put(f, STATUS, 1, READY);
}

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fake_init(&fixture.fake);
	fixture.fake.device_ops = &device_ops;
	fixture.fake.device = &fixture.device;
	fixture.end = eventfd(0, 0);
	assert_int_equal(device_init(&fixture.device,
				     &fixture.fake.main.transport, FAKE_WINDOW,
				     &fixture.fake.renderer),
			 0);
	pthread_create(&fixture.thread, NULL, serve, &fixture);
	send_access(&fixture, FAKE_OPEN, 0, 0, 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	eventfd_write(f->end, 1);
	pthread_join(f->thread, NULL);
	assert_int_equal(f->result, 0);
	assert_int_equal(device_deinit(&f->device), 0);
	assert_int_equal(fake_left(&f->fake), 0);
	close(f->end);
	fake_deinit(&f->fake);
	return 0;
}

static void wait_used(struct fixture *f, uint16_t count)
{
	for (unsigned int i = 0; i < 60000; i++) {
		if (driver_used(&f->fake) == count)
			return;
		usleep(1000);
	}
	fail_msg("request %u does not come back", count);
}

static void wait_status(struct fixture *f, uint8_t wanted)
{
	for (unsigned int i = 0; i < 10000; i++) {
		if (get(f, STATUS, 1) == wanted)
			return;
		usleep(1000);
	}
	fail_msg("the status does not become %u", wanted);
}

static void context_create(struct fixture *f)
{
	struct virtio_gpu_ctx_create request = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = 1},
		.context_init = VIRTIO_GPU_CAPSET_VENUS,
	};

	driver_offer(&f->fake, &request, sizeof(request), DRIVER_ROOM);
	put(f, VIRTIO_PCI_AREA_NOTIFY, 2, 0);
	wait_used(f, 1);
	assert_int_equal(driver_response_type(&f->fake, 0),
			 VIRTIO_GPU_RESP_OK_NODATA);
}

/* Leaves the queue thread inside a submission. */
static void block(struct fixture *f)
{
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint32_t dwords[2];
	} request = {.submit = {.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D,
					.ctx_id = 1},
				.size = 8}};

	context_create(f);
	pthread_mutex_lock(&f->fake.lock);
	f->fake.hold_submit = true;
	pthread_mutex_unlock(&f->fake.lock);
	driver_offer(&f->fake, &request, sizeof(request), DRIVER_ROOM);
	put(f, VIRTIO_PCI_AREA_NOTIFY, 2, 0);
	pthread_mutex_lock(&f->fake.lock);
	while (!f->fake.holding)
		pthread_cond_wait(&f->fake.changed, &f->fake.lock);
	pthread_mutex_unlock(&f->fake.lock);
}

static void release(struct fixture *f)
{
	pthread_mutex_lock(&f->fake.lock);
	f->fake.hold_submit = false;
	pthread_cond_broadcast(&f->fake.changed);
	pthread_mutex_unlock(&f->fake.lock);
}

static void test_registers_answer_while_blocked(void **state)
{
	struct fixture *f = *state;

	drive(f);
	block(f);
	assert_int_equal(get(f, STATUS, 1), READY);
	put(f, STATUS, 1, 0);
	assert_int_not_equal(get(f, STATUS, 1), 0);
	release(f);
	wait_status(f, 0);
	assert_int_equal(fake_left(&f->fake), 0);
	drive(f);
	context_create(f);
}

static void test_bus_reset_is_answered_at_the_end(void **state)
{
	struct fixture *f = *state;
	uint64_t seq;

	drive(f);
	block(f);
	seq = send_access(f, FAKE_RESET, 0, 0, 0);
	assert_int_not_equal(get(f, STATUS, 1), 0);
	release(f);
	assert_int_equal(fake_answer(&f->fake, seq).error, 0);
	assert_int_equal(get(f, STATUS, 1), 0);
	assert_int_equal(fake_left(&f->fake), 0);
}

static void test_reset_does_not_wait_for_ever(void **state)
{
	struct fixture *f = *state;
	uint64_t seq;

	drive(f);
	block(f);
	seq = send_access(f, FAKE_RESET, 0, 0, 0);
	assert_int_equal(fake_answer(&f->fake, seq).error, 0);
	assert_int_equal(f->fake.abandoned, 1);
	assert_int_equal(fake_left(&f->fake), 0);
	drive(f);
	context_create(f);
}

static uint32_t context_request(struct fixture *f, uint32_t type, uint32_t id,
				uint16_t used)
{
	struct virtio_gpu_ctx_create request = {
		.hdr = {.type = type, .ctx_id = id},
		.context_init = VIRTIO_GPU_CAPSET_VENUS,
	};
	uint16_t number =
		driver_offer(&f->fake, &request, sizeof(request), DRIVER_ROOM);

	put(f, VIRTIO_PCI_AREA_NOTIFY, 2, 0);
	wait_used(f, used);
	return driver_response_type(&f->fake, number);
}

/* Nobody resets: the others go on, and the guest can begin anew. */
static void test_blocked_context_is_given_up(void **state)
{
	struct fixture *f = *state;

	drive(f);
	block(f);
	wait_used(f, 2);
	assert_int_equal(f->fake.given_up, 1);
	assert_int_equal(f->fake.abandoned, 0);
	assert_int_equal(context_request(f, VIRTIO_GPU_CMD_CTX_CREATE, 2, 3),
			 VIRTIO_GPU_RESP_OK_NODATA);
	/* Its number is taken until the guest destroys it. */
	assert_int_equal(context_request(f, VIRTIO_GPU_CMD_CTX_CREATE, 1, 4),
			 VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
	assert_int_equal(context_request(f, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 5),
			 VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(context_request(f, VIRTIO_GPU_CMD_CTX_CREATE, 1, 6),
			 VIRTIO_GPU_RESP_OK_NODATA);
	put(f, STATUS, 1, 0);
	wait_status(f, 0);
	assert_int_equal(fake_left(&f->fake), 0);
}

static void test_blocked_renderer_is_abandoned(void **state)
{
	struct fixture *f = *state;

	f->fake.deaf = true;
	drive(f);
	block(f);
	wait_used(f, 2);
	assert_int_equal(f->fake.abandoned, 1);
	put(f, STATUS, 1, 0);
	wait_status(f, 0);
}

static void test_close_takes_all_down(void **state)
{
	struct fixture *f = *state;

	drive(f);
	context_create(f);
	send_access(f, FAKE_CLOSE, 0, 0, 0);
	send_access(f, FAKE_OPEN, 0, 0, 0);
	wait_status(f, 0);
	assert_int_equal(fake_left(&f->fake), 0);
}

static void test_broken_driver_is_told(void **state)
{
	struct fixture *f = *state;

	drive(f);
	f->fake.memory[DRIVER_AVAIL + 3] = 0xff;
	put(f, VIRTIO_PCI_AREA_NOTIFY, 2, 0);
	wait_status(f, READY | VIRTIO_CONFIG_S_NEEDS_RESET);
	put(f, STATUS, 1, 0);
	wait_status(f, 0);
	drive(f);
	context_create(f);
}

static void test_many_drivers(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 200; i++) {
		drive(f);
		context_create(f);
		put(f, STATUS, 1, 0);
		wait_status(f, 0);
		assert_int_equal(fake_left(&f->fake), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_registers_answer_while_blocked),
		TEST(test_bus_reset_is_answered_at_the_end),
		TEST(test_reset_does_not_wait_for_ever),
		TEST(test_blocked_context_is_given_up),
		TEST(test_blocked_renderer_is_abandoned),
		TEST(test_close_takes_all_down),
		TEST(test_broken_driver_is_told),
		TEST(test_many_drivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
