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

#include "mdev/broker/config.h"

/* Reads @text as a file; its name is F in errors. */
static int read_text(struct config *config, const char *text, char *error)
{
	char path[] = "/tmp/config-test-XXXXXX";
	char whole[CONFIG_ERROR_SIZE] = "";
	int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = config_init(config, path, whole);
	unlink(path);
	error[0] = '\0';
	if (r < 0) {
		assert_int_equal(strncmp(whole, path, strlen(path)), 0);
		strcpy(error, whole + strlen(path));
	}
	return r;
}

static void test_defaults(void **state)
{
	char error[CONFIG_ERROR_SIZE];
	struct config config;

	(void)state;
	assert_int_equal(read_text(&config, "", error), 0);
	assert_string_equal(config.socket, "/run/tranche/io.tranche.Broker");
	assert_string_equal(config.run, "/run/tranche");
	assert_int_equal(config.gpu.types, 0x8b);
	assert_int_equal(config.gpu.defaults.weight, 100);
	assert_int_equal(config.gpu.defaults.cap, 1000);
	assert_int_equal(config.gpu.defaults.kill_ns, 2000000000);
	assert_int_equal(config.gpu.defaults.guard_kills, 3);
	assert_int_equal(config.gpu.window, 256 << 20);
	assert_true(config.gpu.serve);
	assert_ptr_equal(config_gpu(&config, "0000:01:00.0"), &config.gpu);
	config_deinit(&config);
}

static void test_missing_file(void **state)
{
	char error[CONFIG_ERROR_SIZE];
	struct config config;

	(void)state;
	assert_int_equal(config_init(&config, "/nowhere/x.conf", error),
			 -ENOENT);
	assert_non_null(strstr(error, "/nowhere/x.conf: No such file"));
}

static void test_values(void **state)
{
	static const char text[] = "# comment\n"
				   "[GPU \"0000:01:00.0\"]\n"
				   "VideoMemory=8G\n"
				   "Weight=50\n"
				   "[Broker]\n"
				   "  Socket = /tmp/s \n"
				   "RestartCount=0\n"
				   "[GPU]\n"
				   "; another\n"
				   "Policy=best-effort\n"
				   "Slice=0.5ms\n"
				   "Types=2, 8\n"
				   "Cap=12.5%\n"
				   "Latency=low\n"
				   "Window=1G\n"
				   "[GPU \"software\"]\n"
				   "Serve=no\n";
	char error[CONFIG_ERROR_SIZE];
	const struct gpu_config *gpu;
	struct config config;

	(void)state;
	assert_int_equal(read_text(&config, text, error), 0);
	assert_string_equal(config.socket, "/tmp/s");
	assert_int_equal(config.restart_count, 0);
	/* What stands in [GPU] holds for sections before it as well. */
	gpu = config_gpu(&config, "0000:01:00.0");
	assert_int_equal(gpu->vram, 8ull << 30);
	assert_int_equal(gpu->defaults.weight, 50);
	assert_int_equal(gpu->scheduler.policy, TSCHED_BEST_EFFORT);
	assert_int_equal(gpu->scheduler.slice_ns, 500000);
	assert_int_equal(gpu->types, 0x82);
	assert_int_equal(gpu->defaults.cap, 125);
	assert_int_equal(gpu->defaults.latency, TSCHED_LATENCY_LOW);
	assert_int_equal(gpu->window, 1 << 30);
	assert_false(config_gpu(&config, "software")->serve);
	gpu = config_gpu(&config, "0000:02:00.0");
	assert_int_equal(gpu->defaults.weight, 100);
	assert_int_equal(gpu->vram, 0);
	config_deinit(&config);
}

/* Each is one line, refused with its number, its text and a cure. */
static void test_bad(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"Weight=1\n", ":1: Weight=... stands in no section"},
		{"[GPU]\nWeight=0\n", ":2: Weight=0 can't be: write 1 to"},
		{"[GPU]\nWeight=type\n", ":2: Weight=type can't be"},
		{"[GPU]\nWeight=\n", ":2: Weight= can't be"},
		{"[GPU]\n\nCap=101\n", ":3: Cap=101 can't be: write a perc"},
		{"[GPU]\nCap=0\n", ":2: Cap=0 can't be"},
		{"[GPU]\nCap=1e1\n", ":2: Cap=1e1 can't be"},
		{"[GPU]\nReservation=-1\n", ":2: Reservation=-1 can't be"},
		{"[GPU]\nPolicy=random\n",
		 ":2: Policy=random can't be: write fair"},
		{"[GPU]\nSlice=2s\n", ":2: Slice=2s can't be"},
		{"[GPU]\nSlice=0.01ms\n", ":2: Slice=0.01ms can't be"},
		{"[GPU]\nTypes=9\n", ":2: Types=9 can't be"},
		{"[GPU]\nTypes=\n", ":2: Types= can't be"},
		{"[GPU]\nWindow=3M\n", ":2: Window=3M can't be: write a power"},
		{"[GPU]\nKillLimit=0\n", ":2: KillLimit=0 can't be"},
		{"[GPU]\nServe=maybe\n", ":2: Serve=maybe can't be: write yes"},
		{"[GPU]\nVideoMemory=1K\n", ":2: VideoMemory=1K can't be"},
		{"[GPU]\nGuardKills=65\n", ":2: GuardKills=65 can't be"},
		{"[GPU]\nSpeed=1\n", ":2: [GPU] has no key 'Speed': see"},
		{"[Broker]\nWeight=1\n", ":2: [Broker] has no key 'Weight'"},
		{"[Broker]\nSocket=here\n", ":2: Socket=here can't be"},
		{"[Broker]\nUserFirst=0\n", ":2: UserFirst=0 can't be"},
		{"[GPU \"1:2\"]\nWeight=1\n", ":2: [GPU \"1:2\"] is no PCI"},
		{"[GPU \"01:00.0\"]\nWeight=1\n", ":2: [GPU \"01:00.0\"] is"},
		{"[Other]\nA=1\n", ":2: A=... stands in no section"},
		{"[GPU\nWeight=1\n", ":1: this is no [Section]"},
		{"[GPU \"x]\n", ":1: this is no [Section]"},
		{"[]\n", ":1: this is no [Section]"},
		{"[GPU]\nWeight\n", ":2: this is no [Section], Key=Value"},
		{"[GPU]\n=1\n", ":2: this is no [Section], Key=Value"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[CONFIG_ERROR_SIZE];
		struct config config;

		assert_int_equal(read_text(&config, cases[i].text, error),
				 -EINVAL);
		if (!strstr(error, cases[i].error))
			fail_msg("'%s' said for '%s'", error, cases[i].text);
		assert_null(strchr(error, '\n'));
	}
}

static void test_users(void **state)
{
	char error[CONFIG_ERROR_SIZE] = "";
	char path[] = "/tmp/config-test-XXXXXX";
	static const char text[] = "[Broker]\nUserFirst=4294967290\n";
	struct config config;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(config_init(&config, path, error), -EINVAL);
	unlink(path);
	assert_non_null(strstr(error, "pass the last user ID"));
}

static void test_reservation(void **state)
{
	char error[CONFIG_ERROR_SIZE] = "";
	char path[] = "/tmp/config-test-XXXXXX";
	static const char text[] = "[GPU \"software\"]\nCap=50\n"
				   "[GPU]\nReservation=60\n";
	struct config config;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(config_init(&config, path, error), -EINVAL);
	unlink(path);
	assert_non_null(strstr(error, "[GPU software]: Reservation= passes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_reservation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
