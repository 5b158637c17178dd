/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The routes of a RIB in the form of the .fib.tsv files.
 */
#ifndef PODLANE_TEST_UNIT_FPM_FIB_TEXT_H
#define PODLANE_TEST_UNIT_FPM_FIB_TEXT_H

#include "control/step/rib.h"

enum fib_text_form {
	FIB_TEXT_FULL,	  /**< all routes and columns, as in the files */
	FIB_TEXT_ANSWERS, /**< only routes with next hops, protocol left out: what a drain reports
			   */
};

/** Owner: the caller frees; the lines are sorted as text */
char *fib_text_print(const struct rib *rib, enum fib_text_form form);

/** Sort the lines of a text in place. */
void fib_text_sort(char *text);

#endif
