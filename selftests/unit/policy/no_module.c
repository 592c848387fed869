// SPDX-License-Identifier: GPL-2.0-only
/*
 * For a toectl that is to load the classifier where there is no module: linked
 * with --wrap, it finds one that has met no rule.
 */
#include <errno.h>
#include <stdlib.h>
#include "netlink.h"

/* More than a struct toe_nl; toe_nl_close() takes it. */
#define ENOUGH 65536

int __wrap_toe_nl_open(struct toe_nl **result);

int __wrap_toe_nl_open(struct toe_nl **result)
{
	*result = calloc(1, ENOUGH);
	return *result ? 0 : -ENOMEM;
}

int __wrap_toe_nl_rule_dump(struct toe_nl *nl, struct toe_rule_use **rules, size_t *n);

int __wrap_toe_nl_rule_dump(struct toe_nl *nl, struct toe_rule_use **rules, size_t *n)
{
	(void)nl;
	*rules = NULL;
	*n = 0;
	return 0;
}
