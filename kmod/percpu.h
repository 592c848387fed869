/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before every source (see Kbuild): pointers to per-CPU data are plain
 * pointers, as the kernel's headers have it for a compiler before GCC 14.
 *
 * With a newer one they are pointers into a named address space, and debugging
 * information describes two types, "int *" and "int *". BTF does not know the
 * difference, and libbpf before 1.6, which pahole finds the kernel's own types
 * with, stumbles over the pair: all that leads there (struct sock and nearly
 * everything else) is then taken for a type of this module, and the verifier
 * refuses our kfuncs every socket.
 */
#undef USE_TYPEOF_UNQUAL
#undef __percpu_qual
#define __percpu_qual
