/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the next-hop table share: an empty table, and those who read it.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_TABLE_NEXTHOP_FIXTURE_H
#define PODLANE_TEST_UNIT_DATAPLANE_TABLE_NEXTHOP_FIXTURE_H

#include <stdint.h>
#include <stdlib.h>

#include "dataplane/table/nexthop.h"
#include "test/unit/support.h"

#define MAX_PATHS 64u
#define FIRST	  ((uint32_t)WIRE_NH_PATH_FIRST)
#define GROUP	  ((uint32_t)WIRE_NH_GROUP)

struct fixture {
	struct epoch epoch;
	struct nexthop_table *table;
	const struct nexthop_view *view;
};

static inline int nexthop_fixture_make(void **state, uint32_t n_groups, unsigned n_workers)
{
	struct fixture *f = calloc(1, sizeof(*f));

	support_eal_init(64);
	assert_int_equal(epoch_init(&f->epoch, n_workers), 0);
	assert_int_equal(nexthop_create(&f->table, MAX_PATHS, n_groups, SOCKET_ID_ANY, &f->epoch),
		0);
	f->view = nexthop_view(f->table);
	*state = f;
	return 0;
}

static inline int nexthop_fixture_free(void **state)
{
	struct fixture *f = *state;

	nexthop_free(f->table);
	epoch_fini(&f->epoch);
	free(f);
	return 0;
}

#endif
