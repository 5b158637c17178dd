/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/pipeline_code.h"

#include <rte_common.h>
#include <rte_cpuflags.h>

#include <stddef.h>

#ifdef PIPELINE_NATIVE
#define ANY "native"
#else
#define ANY "generic"
#endif

#ifdef PIPELINE_HAS_V3
uint16_t pipeline_run_v3(struct pipeline *pipeline, const struct port *port, uint16_t queue);
uint16_t pipeline_inject_v3(struct pipeline *pipeline);

/* Source: x86-64 psABI, table 3.1; what it has beyond DPDK's own least */
static bool has_v3(void)
{
	static const enum rte_cpu_flag_t flags[] = {RTE_CPUFLAG_AVX2, RTE_CPUFLAG_BMI1,
		RTE_CPUFLAG_BMI2, RTE_CPUFLAG_F16C, RTE_CPUFLAG_FMA, RTE_CPUFLAG_LZCNT,
		RTE_CPUFLAG_MOVBE, RTE_CPUFLAG_OSXSAVE};

	for (unsigned i = 0; i < RTE_DIM(flags); i++) {
		if (rte_cpu_get_flag_enabled(flags[i]) <= 0)
			return false;
	}
	return true;
}
#endif

const struct pipeline_code *pipeline_code(unsigned number)
{
	static const struct pipeline_code any = {ANY, pipeline_run, pipeline_inject};
#ifdef PIPELINE_HAS_V3
	static const struct pipeline_code v3 = {"x86-64-v3", pipeline_run_v3, pipeline_inject_v3};

	if (has_v3() && number-- == 0)
		return &v3;
#endif
	return number == 0 ? &any : NULL;
}
