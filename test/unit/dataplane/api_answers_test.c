/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients that go before they have their answers, that are slow to read them, and that never do: who is
 * thrown out, and what the log says of it.
 */
#include "test/unit/dataplane/api_fixture.h"

#include <rte_log.h>

#include <signal.h>
#include <sys/time.h>

#define ALARM_US   100000  /* less than the server waits for room */
#define N_REQUESTS 100000u /* far more than a socket holds the answers of */

static char *logged;
static size_t n_logged;
static FILE *log_stream;
static int slow_fd;
static volatile sig_atomic_t n_alarms;

static int log_to_memory(void **state)
{
	(void)state;
	log_stream = open_memstream(&logged, &n_logged);
	assert_non_null(log_stream);
	assert_true(rte_log_set_level(RTE_LOGTYPE_USER1, RTE_LOG_INFO) >= 0); // as dataplane/eal.c
	return rte_openlog_stream(log_stream);
}

static int log_as_before(void **state)
{
	(void)state;
	rte_openlog_stream(NULL);
	assert_true(rte_log_set_level(RTE_LOGTYPE_USER1, RTE_LOG_ERR) >= 0);
	fclose(log_stream);
	free(logged);
	return 0;
}

static bool is_logged(const char *text)
{
	fflush(log_stream);
	return strstr(logged, text) != NULL;
}

static void send_request(int fd, enum wire_type type)
{
	size_t len = wire_build(buf, type, 9, NULL, 0);

	assert_int_equal(send(fd, buf, len, 0), (ssize_t)len);
}

/* Its user stopped it while it waited. */
static void test_send_whole_client_is_gone(void **state)
{
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_READER), 0);
	send_request(fd, WIRE_STATS);
	hang_up(fd);
	assert_false(is_logged("client"));
}

static void test_send_whole_client_is_gone_with_answers(void **state)
{
	const struct wire_probe_reply reply = {.id = 1};
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	say(fd, WIRE_STATS, NULL, 0);
	close(fd); // unread: the server's end is reset
	api_server_announce_probe_reply(server, &reply);
	api_server_run(server);
	assert_false(tables.is_controlled);
	assert_false(is_logged("client"));
}

static void test_send_whole_client_does_not_read(void **state)
{
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	for (unsigned i = 0; i < N_REQUESTS && tables.is_controlled; i++)
		say(fd, WIRE_STATS, NULL, 0);
	assert_false(tables.is_controlled);
	assert_true(is_logged("api: client closed: it does not read its answers"));
	close(fd);
}

/* In the midst of the server's wait for room. */
static void read_all(int signal)
{
	static uint8_t scratch[4096];

	(void)signal;
	while (recv(slow_fd, scratch, sizeof(scratch), 0) > 0)
		;
	n_alarms++;
}

static void test_send_whole_waits_on_after_a_signal(void **state)
{
	const struct itimerval once = {.it_value.tv_usec = ALARM_US}, never = {0};
	const struct sigaction action = {.sa_handler = read_all};

	(void)state;
	slow_fd = dial();
	n_alarms = 0;
	assert_int_equal(greet(slow_fd, WIRE_ROLE_CONTROL), 0);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	for (unsigned i = 0; i < N_REQUESTS && n_alarms == 0; i++) {
		assert_int_equal(setitimer(ITIMER_REAL, &once, NULL), 0);
		say(slow_fd, WIRE_STATS, NULL, 0);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(n_alarms, 1);
	assert_true(tables.is_controlled);
	hang_up(slow_fd);
	assert_false(is_logged("client"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_send_whole_client_is_gone, log_to_memory,
			log_as_before),
		cmocka_unit_test_setup_teardown(test_send_whole_client_is_gone_with_answers,
			log_to_memory, log_as_before),
		cmocka_unit_test_setup_teardown(test_send_whole_client_does_not_read, log_to_memory,
			log_as_before),
		cmocka_unit_test_setup_teardown(test_send_whole_waits_on_after_a_signal,
			log_to_memory, log_as_before),
	};

	support_eal_init(256);
	return cmocka_run_group_tests(tests, api_setup, api_teardown);
}
