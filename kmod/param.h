/* SPDX-License-Identifier: GPL-2.0-only */
/* Module parameters within bounds. */
#ifndef _TOE_PARAM_H
#define _TOE_PARAM_H

#include <linux/moduleparam.h>

/**
 * TOE_PARAM() - a number as a module parameter
 * @name: the parameter, and the beginning of its functions' names
 * @var: unsigned int; its readers use READ_ONCE() if @perm lets it change
 * @low: the least that it may be
 * @high: the most
 * @perm: mode of its file
 *
 * What is out of bounds is refused with -EINVAL: while loading that fails the load.
 */
#define TOE_PARAM(name, var, low, high, perm)				       \
static int toe_param_set_##name(const char *val,			       \
				const struct kernel_param *kp)		       \
{									       \
	return param_set_uint_minmax(val, kp, low, high);		       \
}									       \
static const struct kernel_param_ops toe_param_##name = {		       \
	.set = toe_param_set_##name,					       \
	.get = param_get_uint,						       \
};									       \
module_param_cb(name, &toe_param_##name, &(var), perm);			       \
__MODULE_PARM_TYPE(name, "uint")

#endif /* _TOE_PARAM_H */
