/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker sees while the main lcore changes the FIB: for a prefix that does not change always
 * its next hop, for one that does the old or the new, never another and never none.
 *
 * One thread looks up probes: addresses for each of which a few next hops are right. The other
 * changes what lies around them in the ways that make the libraries take, fill, free and reuse their
 * groups of 256 entries. The next hop says which probe it belongs to, so one that came out of a
 * reused group is known by its number; all that never is a probe's longest match has BAD_NH.
 *
 * PODLANE_TEST_LOOKUPS sets how many lookups each variant has to stand.
 */
#include "dataplane/table/fib.h"

#include "test/unit/support.h"

#include <rte_common.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define N_LOOKUPS  300000000ull
#define N_BLOCKS   16u
#define BAD_NH	   0x700000u
#define BULK	   32u
#define N_BULKS	   256u
#define TURN_BULKS 8ull /* until the worker is quiescent */
#define MAX_OPS	   64u

/** Where in a /24 the probe is. */
#define PROBE_HOST 200u

/** What happens around a probe; each has 8 * 256 addresses of its block. */
enum scene {
	SCENE_BESIDE,	   /* /24; longer prefixes come and go beside the probe */
	SCENE_LONG,	   /* /28, with others beside and around it */
	SCENE_CHANGING,	   /* the same, changing its next hop */
	SCENE_LAST_LONG,   /* /24, and a /32 for the probe that comes and goes with its group */
	SCENE_LAST_BESIDE, /* /24, and one /32 beside the probe */
	SCENE_SWAP,	   /* /24 or /25, one replaced by the other in one batch */
	SCENE_HALVES,	   /* two /25 that have the same next hop or not */
	SCENE_COVER, /* /22, and a /24 that comes and goes with longer ones beside the probe */
	SCENE_TAIL,  /* 240.0.0.0/4 or a /24 in it, one replaced by the other; block 0 only */
	N_SCENES,
};

struct probe {
	uint32_t addr;
	uint32_t id;
	uint32_t versions; /* bits of those that are right */
};

struct variant {
	enum fib_engine engine;
	enum scene only; /* N_SCENES: all */
};

struct world {
	const struct variant *variant;
	struct epoch epoch;
	struct fib *fib;
	uint64_t random; /* the writer's */

	/* the reader's; written before it starts */
	struct probe bulk[N_BULKS][BULK];
	uint64_t n_lookups;

	/* written by the reader */
	bool is_done;
	uint64_t n_none, n_foreign, n_stale;
	struct probe wrong;
	uint32_t wrong_nh;
};

struct batch {
	struct fib_op op[MAX_OPS];
	unsigned n;
	bool sets_only; /* a batch without a grace period */
};

static uint32_t version_nh(uint32_t id, unsigned version)
{
	return id << 2 | version;
}

static uint32_t probe_id(uint32_t block, enum scene scene)
{
	return 1 + block * N_SCENES + scene;
}

static uint32_t scene_base(uint32_t block, enum scene scene)
{
	return scene == SCENE_TAIL ? 0xf0010200 : 10u << 24 | block << 16 | (uint32_t)scene << 11;
}

static uint32_t mask(unsigned depth)
{
	return (uint32_t)(UINT64_MAX << (32 - depth));
}

static void add_set(struct batch *batch, uint32_t prefix, unsigned depth, uint32_t nh)
{
	batch->op[batch->n++] = (struct fib_op){.prefix = prefix & mask(depth),
		.depth = (uint8_t)depth,
		.nh = nh,
		.kind = FIB_OP_SET};
}

static void add_del(struct batch *batch, uint32_t prefix, unsigned depth)
{
	if (!batch->sets_only)
		batch->op[batch->n++] = (struct fib_op){.prefix = prefix & mask(depth),
			.depth = (uint8_t)depth,
			.kind = FIB_OP_DEL};
}

static void add_either(struct batch *batch, bool is_set, uint32_t prefix, unsigned depth,
	uint32_t nh)
{
	if (is_set)
		add_set(batch, prefix, depth, nh);
	else
		add_del(batch, prefix, depth);
}

/** Something longer than /24 in this /24; at the probe only if shorter than what the probe has. */
static void add_beside(struct batch *batch, uint32_t base, unsigned probe_depth, uint64_t r)
{
	unsigned depth = 25 + (unsigned)(r >> 8) % 6;
	uint32_t prefix = base | (r & 0xff);

	if (depth >= probe_depth && ((prefix ^ (base | PROBE_HOST)) & mask(depth)) == 0)
		return;
	add_either(batch, r >> 20 & 1, prefix, depth, BAD_NH | (r >> 24 & 0xffff));
}

/** Around all probes, and in /24s without one that take the groups just freed. */
static void add_elsewhere(struct batch *batch, uint64_t r)
{
	uint32_t base = 10u << 24 | (uint32_t)(r >> 8) % N_BLOCKS << 16;
	uint32_t nh = BAD_NH | (r >> 24 & 0xffff);
	bool is_set = r >> 20 & 1;

	switch (r >> 40 & 7) {
	case 0:
		add_either(batch, is_set, base | (uint32_t)(r >> 44 & 0xffff),
			12 + (unsigned)(r >> 60) % 9, nh);
		return;
	case 1:
		// the tail: default route and 192.0.0.0/2
		add_either(batch, is_set, r >> 44 & 1 ? 0 : 0xc0000000, r >> 44 & 1 ? 0 : 2, nh);
		return;
	default:
		add_either(batch, is_set, base | 0x8000 | (uint32_t)(r >> 44 & 0x7ff),
			25 + (unsigned)(r >> 57) % 4, nh);
		return;
	}
}

static void add_scene(struct batch *batch, uint32_t block, enum scene scene, uint64_t r)
{
	uint32_t base = scene_base(block, scene), id = probe_id(block, scene);
	unsigned version = r >> 32 & 1;
	uint32_t nh = version_nh(id, version);

	switch (scene) {
	case SCENE_BESIDE:
		add_beside(batch, base, 25, r);
		return;
	case SCENE_LONG:
		add_beside(batch, base, 28, r);
		return;
	case SCENE_CHANGING:
		add_set(batch, base | 192, 28, nh);
		add_beside(batch, base, 28, r);
		return;
	case SCENE_LAST_LONG:
		add_either(batch, version, base | PROBE_HOST, 32, version_nh(id, 1));
		return;
	case SCENE_LAST_BESIDE:
		add_either(batch, version, base | 7, 32, BAD_NH);
		return;
	case SCENE_SWAP:
		if (batch->sets_only)
			return;
		add_either(batch, version == 0, base, 24, version_nh(id, 0));
		add_either(batch, version == 1, base | 128, 25, version_nh(id, 1));
		return;
	case SCENE_HALVES:
		add_set(batch, r & 1 ? base : base | 128, 25, nh);
		// next in order, and the first to take a group if the halves gave up theirs
		add_either(batch, r >> 1 & 1, base | 0x100, 32, BAD_NH);
		return;
	case SCENE_COVER:
		add_beside(batch, base, 25, r);
		add_either(batch, version, base, 24, version_nh(id, 1));
		return;
	case SCENE_TAIL:
		if (batch->sets_only || block != 0)
			return;
		add_either(batch, version == 0, 0xf0000000, 4, version_nh(id, 0));
		add_either(batch, version == 1, base, 24, version_nh(id, 1));
		return;
	case N_SCENES:
		return;
	}
}

static void apply(struct world *world, struct batch *batch)
{
	fib_apply(world->fib, batch->op, batch->n);
	for (unsigned i = 0; i < batch->n; i++)
		if (batch->op[i].error != 0)
			assert_int_equal(batch->op[i].error, -ENOENT);
}

/** What is always there, or there at first. */
static void set_up_scene(struct world *world, uint32_t block, enum scene scene)
{
	static const unsigned depth[N_SCENES] = {24, 28, 28, 24, 24, 24, 25, 22, 4};
	uint32_t base = scene_base(block, scene);
	struct batch batch = {.n = 0};

	if (scene == SCENE_TAIL && block != 0)
		return;
	add_set(&batch, base | PROBE_HOST, depth[scene], version_nh(probe_id(block, scene), 0));
	apply(world, &batch);
	assert_int_equal(batch.op[0].error, 0);
}

static enum scene choose_scene(struct world *world)
{
	if (world->variant->only != N_SCENES)
		return world->variant->only;
	return support_random(&world->random) % N_SCENES;
}

static void choose_probes(struct world *world)
{
	static const uint32_t versions[N_SCENES] = {1, 1, 3, 3, 1, 3, 3, 3, 3};

	for (unsigned i = 0; i < N_BULKS * BULK; i++) {
		enum scene scene = choose_scene(world);
		uint32_t block = (uint32_t)(support_random(&world->random) % N_BLOCKS);

		if (scene == SCENE_TAIL)
			block = 0;
		world->bulk[i / BULK][i % BULK] = (struct probe){
			.addr = scene_base(block, scene) | PROBE_HOST,
			.id = probe_id(block, scene),
			.versions = versions[scene],
		};
	}
}

static void note_wrong(struct world *world, const struct probe *probe, uint32_t nh)
{
	if (nh == 0)
		world->n_none++;
	else if (nh >> 2 != probe->id)
		world->n_foreign++;
	else
		world->n_stale++;
	world->wrong = *probe;
	world->wrong_nh = nh;
}

static void look_up_bulk(struct world *world, const struct probe *probes)
{
	uint32_t addrs[BULK], nh[BULK];

	for (unsigned i = 0; i < BULK; i++)
		addrs[i] = probes[i].addr;
	fib_lookup_bulk(world->fib, addrs, nh, BULK);
	for (unsigned i = 0; i < BULK; i++)
		if (nh[i] >> 2 != probes[i].id || (probes[i].versions >> (nh[i] & 3) & 1) == 0)
			note_wrong(world, &probes[i], nh[i]);
}

/** A worker, as dataplane/worker.c has them: turns, a quiescent state after each, now and then away. */
static void *read_fib(void *arg)
{
	struct world *world = arg;
	unsigned next = 0, n_turns = 0;

	epoch_enter(&world->epoch, 0);
	for (uint64_t done = 0; done < world->n_lookups; done += TURN_BULKS * BULK) {
		for (unsigned i = 0; i < TURN_BULKS; i++)
			look_up_bulk(world, world->bulk[next++ % N_BULKS]);
		epoch_quiescent(&world->epoch, 0);
		if (++n_turns % 1024 == 0) {
			epoch_leave(&world->epoch, 0);
			epoch_enter(&world->epoch, 0);
		}
	}
	epoch_leave(&world->epoch, 0);
	__atomic_store_n(&world->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void change_something(struct world *world)
{
	uint64_t r = support_random(&world->random);
	struct batch batch = {.sets_only = r & 1};
	unsigned n = 1 + (unsigned)(r >> 8) % 12;

	for (unsigned i = 0; i < n; i++) {
		enum scene scene = choose_scene(world);
		uint32_t block = (uint32_t)(support_random(&world->random) % N_BLOCKS);

		add_scene(&batch, block, scene, support_random(&world->random));
		if (i % 2 == 0)
			add_elsewhere(&batch, support_random(&world->random));
	}
	apply(world, &batch);
}

static uint64_t wanted_lookups(void)
{
	const char *wanted = getenv("PODLANE_TEST_LOOKUPS");

	return wanted == NULL ? N_LOOKUPS : strtoull(wanted, NULL, 10);
}

static void test_lookup_under_change(void **state)
{
	struct fib_config config = {
		.engine = ((const struct variant *)*state)->engine,
		.max_routes = 60000,
		.n_tbl8 = N_BLOCKS * (N_SCENES + 1 + 8) + 1,
		.socket = SOCKET_ID_ANY,
	};
	struct world *world = calloc(1, sizeof(*world));
	uint64_t n_batches = 0;
	pthread_t reader;

	support_eal_init(256);
	world->variant = *state;
	world->random = 7;
	world->n_lookups = wanted_lookups();
	assert_int_equal(epoch_init(&world->epoch, 1), 0);
	assert_int_equal(fib_create(&world->fib, &config, &world->epoch), 0);
	for (uint32_t block = 0; block < N_BLOCKS; block++)
		for (enum scene scene = 0; scene < N_SCENES; scene++)
			set_up_scene(world, block, scene);
	choose_probes(world);

	assert_int_equal(pthread_create(&reader, NULL, read_fib, world), 0);
	for (; !__atomic_load_n(&world->is_done, __ATOMIC_ACQUIRE); n_batches++)
		change_something(world);
	pthread_join(reader, NULL);

	print_message("%s: %lu lookups under %lu batches: none %lu, foreign %lu, stale %lu\n",
		fib_engine_name(world->fib), world->n_lookups, n_batches, world->n_none,
		world->n_foreign, world->n_stale);
	if (world->n_none + world->n_foreign + world->n_stale > 0)
		fail_msg("%08x of probe %u read %x", world->wrong.addr, world->wrong.id,
			world->wrong_nh);
	assert_true(n_batches > 0);
	fib_free(world->fib);
	epoch_fini(&world->epoch);
	free(world);
}

int main(void)
{
	static struct variant lpm = {FIB_ENGINE_LPM, N_SCENES};
	static struct variant dir24 = {FIB_ENGINE_DIR24_8, N_SCENES};
	// a group that is seen before it is filled is too seldom met among the others
	static struct variant groups = {FIB_ENGINE_DIR24_8, SCENE_LAST_BESIDE};
	const struct CMUnitTest tests[] = {
		{"test_lookup_under_change lpm", test_lookup_under_change, NULL, NULL, &lpm},
		{"test_lookup_under_change dir24-8", test_lookup_under_change, NULL, NULL, &dir24},
		{"test_lookup_under_change groups", test_lookup_under_change, NULL, NULL, &groups},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
