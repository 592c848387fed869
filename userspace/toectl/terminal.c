// SPDX-License-Identifier: GPL-2.0-only
/*
 * The few sequences that every terminal of today knows: the other screen, the
 * cursor, wrapping, and where to write.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "terminal.h"

#define BEGIN	"\033[?1049h\033[?25l\033[?7l"
#define END	"\033[?7h\033[?25h\033[?1049l"
#define HOME	"\033[H"
#define TO_EOL	"\033[K"
#define TO_END	"\033[J"

static struct termios before;
static volatile sig_atomic_t taken, has_keys;

static void put(const char *text)
{
	/* Nothing would be better for knowing that it failed. */
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		return;
}

/* Also from a signal handler: nothing here is not allowed there. */
void terminal_end(void)
{
	if (!taken)
		return;
	taken = false;
	put(END);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* SA_RESETHAND: the second time it does what it would have done. */
static void on_crash(int signal)
{
	terminal_end();
	raise(signal);
}

static void prepare(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND };
	static bool prepared;

	if (prepared)
		return;
	prepared = true;
	has_keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
	atexit(terminal_end);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
}

void terminal_begin(void)
{
	struct termios keys;

	prepare();
	if (has_keys) {
		keys = before;
		keys.c_lflag &= ~(ICANON | ECHO);
		keys.c_cc[VMIN] = 1;
		keys.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	taken = true;
	put(BEGIN);
}

void terminal_size(unsigned int *rows, unsigned int *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return;
	*rows = size.ws_row;
	*columns = size.ws_col;
}

static int write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= n;
		}
	}
	return 0;
}

/* One write, so that no half of a picture is seen; none is cleared beforehand, so
 * that nothing flickers.
 */
int terminal_draw(const char *text, size_t len)
{
	char *picture = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&picture, &size);
	int err;

	if (!file)
		return -errno;
	fputs(HOME, file);
	for (size_t i = 0; i < len; i++) {
		/* The last line's end would move all up. */
		if (text[i] == '\n')
			fputs(i + 1 < len ? TO_EOL "\r\n" : TO_EOL, file);
		else
			fputc(text[i], file);
	}
	fputs(TO_END, file);
	err = fclose(file) ? -ENOMEM : write_all(picture, size);
	free(picture);
	return err;
}
