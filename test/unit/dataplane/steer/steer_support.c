/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by steer_test.c and pod_test.c.
 */
#include "test/unit/dataplane/steer/steer_support.h"

#include <string.h>

#include <bpf/bpf.h>

#include "test/unit/dataplane/steer/namespaces.h"

/** What steer said last. */
static char error[256];

int enter(void **state)
{
	(void)state;
	return node_enter();
}

struct steer *create(void)
{
	struct steer *steer;

	assert_int_equal(steer_create(&steer, BPF_OBJECT_DIR, error, sizeof(error)), 0);
	return steer;
}

struct steer *create_with_trunk(void)
{
	struct steer *steer = create();

	if (steer_trunk_create(steer, error, sizeof(error)) != 0)
		fail_msg("%s", error);
	return steer;
}

int load_other_prog(enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(type, "other", "GPL", insns, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

unsigned count_keys(int map_fd)
{
	uint8_t key[8], next[8];
	unsigned n = 0;

	for (void *from = NULL; bpf_map_get_next_key(map_fd, from, next) == 0; n++) {
		memcpy(key, next, sizeof(key));
		from = key;
	}
	return n;
}
