/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A screen to draw on, for as long as a command runs. However that ends, but for
 * SIGKILL, the terminal is as it was.
 */
#ifndef _TERMINAL_H
#define _TERMINAL_H

#include <stddef.h>

/**
 * terminal_begin() - take the screen; keys come one by one and are not shown
 *
 * Standard output is a terminal. May be called again, after somebody else used it.
 */
void terminal_begin(void);

/**
 * terminal_end() - give it back; does nothing without terminal_begin()
 */
void terminal_end(void);

/**
 * terminal_size() - how large it is now
 * @rows: the result, lines; 1 or more
 * @columns: the result
 */
void terminal_size(unsigned int *rows, unsigned int *columns);

/**
 * terminal_draw() - show a picture
 * @text: lines, none longer than the terminal is wide and no more than it has
 * @len: bytes
 *
 * Return: 0 or a negative errno.
 */
int terminal_draw(const char *text, size_t len);

#endif /* _TERMINAL_H */
