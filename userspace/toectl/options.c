// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "options.h"

int parse_filter(const struct ctl *ctl, int *argc, char ***argv,
		 struct toe_filter *filter)
{
	char why[TOE_WHY_LEN];
	int n;

	while ((n = toe_filter_read(filter, *argc, *argv, why)) > 0) {
		*argc -= n;
		*argv += n;
	}
	return n ? bad_words(ctl, why) : EXIT_OK;
}

int parse_options(const struct ctl *ctl, int argc, char **argv,
		  const struct option_word *words, struct toe_filter *filter, void *data)
{
	const struct option_word *w;
	unsigned int said = 0;
	int ret;

	for (;;) {
		ret = parse_filter(ctl, &argc, &argv, filter);
		if (ret || argc < 1)
			return ret;
		for (w = words; w->word && strcmp(argv[0], w->word); w++)
			;
		if (!w->word)
			return no_more(ctl, argc, argv);
		if (said & 1u << (w - words))
			return bad_word(ctl, argv[0], "expected a second time");
		said |= 1u << (w - words);
		if (argc < 2)
			return bad_word(ctl, NULL, w->value);
		ret = w->read(ctl, argv[1], data);
		if (ret)
			return ret;
		argc -= 2;
		argv += 2;
		if (w->suffix && argc > 0 && !strcmp(argv[0], w->suffix)) {
			w->suffixed(data);
			argc--;
			argv++;
		}
	}
}
