/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pods are attached, by pattern, operator and dataplane. */
#include "control/step/pods.h"

#include "test/unit/support.h"

#include <errno.h>
#include <string.h>

static struct {
	unsigned n;
	enum wire_type type;
	uint32_t ifindex;
	int err;
} sent;

static struct pods *pods;

static int note_send(void *arg, enum wire_type type, const void *items, size_t n_items,
	uint32_t *seq)
{
	(void)arg;
	assert_int_equal(n_items, 1);
	if (sent.err != 0)
		return sent.err;
	sent.type = type;
	sent.ifindex = ((const struct wire_pod *)items)->ifindex;
	*seq = ++sent.n;
	return 0;
}

static bool is_routed = true;

static bool answer_routed(void *arg, uint32_t ifindex)
{
	(void)arg;
	(void)ifindex;
	return is_routed;
}

static int setup(void **state)
{
	(void)state;
	is_routed = true;
	memset(&sent, 0, sizeof(sent));
	pods = pods_new("cali*", note_send, answer_routed, NULL);
	return pods == NULL;
}

static int teardown(void **state)
{
	(void)state;
	pods_free(pods);
	return 0;
}

/* What the dataplane says after it has done a request: the pod, then the acknowledgement. */
static void answer(const char *name, int error)
{
	struct wire_pod pod = {.ifindex = sent.ifindex,
		.is_attached = sent.type == WIRE_POD_ATTACH};

	strncpy(pod.name, name, sizeof(pod.name) - 1);
	if (error == 0)
		pods_set_attached(pods, &pod);
	pods_ack(pods, sent.n, error);
}

static struct pods_view view_of(const char *name)
{
	struct pods_view view;

	assert_true(pods_view(pods, name, &view));
	return view;
}

/* Attached before its route is there, a pod could not send: its source would be nobody's. */
static void test_pods_pump_waits_for_the_route(void **state)
{
	(void)state;
	is_routed = false;
	pods_set_link(pods, 6, "cali6");
	pods_pump(pods);
	assert_int_equal(sent.n, 0);
	assert_true(view_of("cali6").is_wanted);
	is_routed = true;
	pods_pump(pods);
	assert_int_equal(sent.n, 1);
	assert_int_equal(sent.type, WIRE_POD_ATTACH);
}

static void test_pods_pump_attaches_matching(void **state)
{
	(void)state;
	pods_set_link(pods, 5, "eth0");
	pods_set_link(pods, 6, "cali6");
	pods_pump(pods);
	assert_int_equal(sent.n, 1);
	assert_int_equal(sent.type, WIRE_POD_ATTACH);
	assert_int_equal(sent.ifindex, 6);
	pods_pump(pods); // once, while it is on the way
	assert_int_equal(sent.n, 1);
	answer("cali6", 0);
	pods_pump(pods);
	assert_int_equal(sent.n, 1);
	assert_true(view_of("cali6").is_attached);
	assert_false(view_of("eth0").is_wanted);
}

static void test_pods_override(void **state)
{
	(void)state;
	pods_set_link(pods, 5, "eth0");
	pods_set_link(pods, 6, "cali6");
	pods_pump(pods);
	answer("cali6", 0);
	assert_int_equal(pods_set_override(pods, "nosuch", PODS_OVERRIDE_DETACH), -ENOENT);
	assert_int_equal(pods_set_override(pods, "cali6", PODS_OVERRIDE_DETACH), 0);
	pods_pump(pods);
	assert_int_equal(sent.type, WIRE_POD_DETACH);
	answer("cali6", 0);
	pods_retry(pods);
	pods_pump(pods);
	assert_int_equal(sent.n, 2);
	pods_set_override(pods, "eth0", PODS_OVERRIDE_ATTACH);
	pods_pump(pods);
	assert_int_equal(sent.type, WIRE_POD_ATTACH);
	assert_int_equal(sent.ifindex, 5);
}

static void test_pods_refused_until_retry(void **state)
{
	(void)state;
	pods_set_link(pods, 6, "cali6");
	pods_pump(pods);
	answer("cali6", -EPERM);
	pods_pump(pods);
	assert_int_equal(sent.n, 1);
	assert_int_equal(view_of("cali6").error, -EPERM);
	pods_retry(pods);
	pods_pump(pods);
	assert_int_equal(sent.n, 2);
}

/* The same name with another ifindex is another pod: the old one is detached first. */
static void test_pods_link_replaced(void **state)
{
	(void)state;
	pods_set_link(pods, 6, "cali6");
	pods_pump(pods);
	answer("cali6", 0);
	pods_del_link(pods, 6);
	pods_set_link(pods, 9, "cali6");
	pods_pump(pods);
	assert_int_equal(sent.type, WIRE_POD_DETACH);
	assert_int_equal(sent.ifindex, 6);
	answer("cali6", -ENOENT); // gone with its interface
	pods_retry(pods);
	pods_pump(pods);
	assert_int_equal(sent.type, WIRE_POD_ATTACH);
	assert_int_equal(sent.ifindex, 9);
}

/* After a restart of the dataplane, and after one of ours. */
static void test_pods_reconnect(void **state)
{
	struct wire_pod other = {.ifindex = 5, .is_attached = 1, .name = "eth5"};

	(void)state;
	pods_set_link(pods, 5, "eth5");
	pods_set_link(pods, 6, "cali6");
	pods_pump(pods);
	answer("cali6", 0);
	pods_forget_dataplane(pods);
	pods_set_attached(pods, &other); // somebody attached it by hand: it stays
	pods_pump(pods);
	assert_int_equal(sent.n, 2);
	assert_int_equal(sent.type, WIRE_POD_ATTACH);
	assert_int_equal(sent.ifindex, 6);
	assert_true(view_of("eth5").is_wanted);
}

static void test_pods_socket_full(void **state)
{
	(void)state;
	pods_set_link(pods, 6, "cali6");
	sent.err = -EAGAIN;
	pods_pump(pods);
	sent.err = 0;
	pods_pump(pods);
	assert_int_equal(sent.n, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pods_pump_waits_for_the_route),
		TEST(test_pods_pump_attaches_matching),
		TEST(test_pods_override),
		TEST(test_pods_refused_until_retry),
		TEST(test_pods_link_replaced),
		TEST(test_pods_reconnect),
		TEST(test_pods_socket_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
