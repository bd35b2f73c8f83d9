// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mdev/broker/state.h"

#define UUID "6d2c8a70-1f0e-4c5b-9f0e-3b8a4e1c7d21"

static int run_make(void **state)
{
	static char run[32];

	strcpy(run, "/tmp/state-test-XXXXXX");
	if (!mkdtemp(run) || state_init(run) < 0)
		return -1;
	*state = run;
	return 0;
}

static int run_remove(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", (char *)*state);
	return system(command);
}

static void file_put(const char *run, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", run, name);
	file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

static struct state_vgpu example(void)
{
	struct state_vgpu vgpu = {
		.uuid = UUID,
		.gpu = "0000:01:00.0",
		.name = "a = b # c",
		.program = true,
		.elastic = true,
		.stopped = true,
		.uid = 1900000001,
		.owner = 77,
		.owner_start = UINT64_MAX,
		.kill_ns = 5,
	};

	strcpy(vgpu.values[SETTING_WEIGHT], "100");
	strcpy(vgpu.values[SETTING_TENANT], "t");
	return vgpu;
}

static void test_vgpu(void **state)
{
	struct state_vgpu vgpu = example(), back;

	assert_int_equal(state_vgpu_write(*state, &vgpu), 0);
	assert_int_equal(state_vgpu_read(*state, UUID, &back), 0);
	assert_memory_equal(&vgpu, &back, sizeof(vgpu));
	state_vgpu_remove(*state, UUID);
	assert_int_equal(state_vgpu_read(*state, UUID, &back), -ENOENT);
}

static void test_broken(void **state)
{
	static const char *const texts[] = {
		"",
		"gpu=x\n",
		"gpu=x\nkill_ns=0\n",
		"gpu=x\nkill_ns=1\nuid=-1\n",
		"gpu=x\nkill_ns=1\nprogram=2\n",
		"gpu=x\nkill_ns=1\nother=2\n",
		"gpu=0123456789abcdef0\nkill_ns=1\n",
		"gpu=x\nkill_ns=18446744073709551616\n",
	};
	struct state_vgpu back;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		file_put(*state, "state/" UUID, texts[i]);
		assert_int_equal(state_vgpu_read(*state, UUID, &back),
				 -EBADMSG);
	}
}

static void count(void *owner, const char *uuid)
{
	assert_string_equal(uuid, UUID);
	++*(int *)owner;
}

/* Only whole files count. */
static void test_each(void **state)
{
	struct state_vgpu vgpu = example();
	int found = 0;
	char path[128];

	assert_int_equal(state_vgpu_write(*state, &vgpu), 0);
	snprintf(path, sizeof(path), "%s/state/" UUID ".new", (char *)*state);
	fclose(fopen(path, "w"));
	state_vgpu_each(*state, count, &found);
	assert_int_equal(found, 1);
}

static void test_policy_holds_while_the_configuration_does(void **state)
{
	const char *gpu = "0000:01:00.0";

	assert_int_equal(state_policy_read(*state, gpu, TSCHED_EQUAL),
			 TSCHED_EQUAL);
	assert_int_equal(state_policy_write(*state, gpu, TSCHED_EQUAL,
					    TSCHED_BEST_EFFORT),
			 0);
	assert_int_equal(state_policy_read(*state, gpu, TSCHED_EQUAL),
			 TSCHED_BEST_EFFORT);
	assert_int_equal(state_policy_read(*state, gpu, TSCHED_FAIR),
			 TSCHED_FAIR);
	assert_int_equal(state_policy_read(*state, "software", TSCHED_EQUAL),
			 TSCHED_EQUAL);
}

static void test_broken_policy_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"configured=fair\n",
		"set=equal\n",
		"configured=fair\nset=other\n",
		"configured=fair\nset=equal\nmore=equal\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		file_put(*state, "policy/0000:01:00.0", texts[i]);
		assert_int_equal(
			state_policy_read(*state, "0000:01:00.0", TSCHED_FAIR),
			TSCHED_FAIR);
	}
}

static void test_gpu(void **state)
{
	struct state_gpu gpu = {.address = "0000:01:00.0",
				.vram = 1ull << 40,
				.types = 0x8b,
				.window = 1 << 28,
				.defaults = "1000 0 normal"};
	struct state_gpu back;

	assert_int_equal(state_gpu_read(*state, gpu.address, &back), -ENOENT);
	assert_int_equal(state_gpu_write(*state, &gpu), 0);
	assert_int_equal(state_gpu_read(*state, gpu.address, &back), 0);
	assert_string_equal(gpu.address, back.address);
	assert_string_equal(gpu.defaults, back.defaults);
	assert_int_equal(gpu.vram, back.vram);
	assert_int_equal(gpu.types, back.types);
	assert_int_equal(gpu.window, back.window);
}

static void test_process(void **state)
{
	uint64_t first, second;

	(void)state;
	assert_int_equal(process_began(getpid(), &first), 0);
	assert_int_equal(process_began(getpid(), &second), 0);
	assert_int_equal(first, second);
	assert_int_equal(process_began(1 << 30, &first), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vgpu),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_gpu),
		cmocka_unit_test(test_process),
		cmocka_unit_test(
			test_policy_holds_while_the_configuration_does),
		cmocka_unit_test(test_broken_policy_is_none),
	};

	return cmocka_run_group_tests(tests, run_make, run_remove);
}
