// SPDX-License-Identifier: GPL-2.0-only
/*
 * A policy in a file. Its last line says how many rules stand before it, so
 * half a file is never taken for a whole one.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "policy_words.h"
#include "units.h"

#define FIRST_LINE	"toe-policy 1"
#define WORDS_MAX	64	/* a rule has no more than 32 */

/**
 * struct reader - a file that is being read
 * @file: where from
 * @name: its name
 * @kept: see toe_policy_read_kept()
 * @nr: number of the line in @line
 * @line: the line, without its end
 * @p: the rules so far, not sorted
 * @line_of: by priority, the line of that rule
 * @why: what is wrong
 */
struct reader {
	FILE *file;
	const char *name;
	bool kept;
	unsigned int nr;
	char line[TOE_POLICY_LINE_LEN];
	struct toe_policy p;
	unsigned int line_of[TOE_RULE_PRIO_MAX + 1];
	char *why;
};

__attribute__((format(printf, 2, 3)))
static int bad_line(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(r->why, TOE_WHY_LEN, "%.100s:%u: ", r->name, r->nr);
	va_start(ap, fmt);
	vsnprintf(r->why + n, TOE_WHY_LEN - n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Return: 1: a line; 0: the end of the file; or a negative errno. */
static int next_line(struct reader *r)
{
	size_t n = 0;
	int c;

	r->nr++;
	while ((c = getc(r->file)) != EOF && c != '\n') {
		if (!c)
			return bad_line(r, "a zero byte is in the line");
		if (n == sizeof(r->line) - 1)
			return bad_line(r, "the line is longer than %zu bytes",
					sizeof(r->line) - 1);
		r->line[n++] = c;
	}
	r->line[n] = 0;
	if (c == '\n')
		return 1;
	if (ferror(r->file)) {
		bad_line(r, "%s", strerror(errno));
		return errno ? -errno : -EIO;
	}
	return n ? bad_line(r, "the file breaks off in the middle of a line") : 0;
}

/*
 * Cuts the line into words, in place. A backslash takes away what the character
 * behind it would mean. Return: their number, or -1 when there are too many, -2
 * for a backslash at the end.
 */
static int split(char *line, char **words)
{
	char *to = line;
	int n = 0;

	for (;;) {
		line += strspn(line, " \t");
		if (!*line)
			return n;
		if (n == WORDS_MAX)
			return -1;
		words[n++] = to = line;
		while (*line && *line != ' ' && *line != '\t') {
			if (*line == '\\' && !*++line)
				return -2;
			*to++ = *line++;
		}
		if (*line)
			line++;
		*to = 0;
	}
}

static int append(struct reader *r, const struct toe_rule *rule)
{
	unsigned int prio = rule->action.prio;
	struct toe_policy *p = &r->p;

	if (r->line_of[prio])
		return bad_line(r, "priority %u is taken by line %u", prio,
				r->line_of[prio]);
	if (p->n == TOE_POLICY_MAX_RULES)
		return bad_line(r, "rule %u is one too many: a policy has up to %u rules",
				p->n + 1, TOE_POLICY_MAX_RULES);
	if (!(p->n & (p->n - 1))) {
		size_t room = p->n ? p->n * 2 : 1;
		struct toe_rule *rules = realloc(p->rules, room * sizeof(*rules));

		if (!rules) {
			bad_line(r, "%s", strerror(ENOMEM));
			return -ENOMEM;
		}
		p->rules = rules;
	}
	p->rules[p->n++] = *rule;
	r->line_of[prio] = r->nr;
	return 0;
}

static int read_rule(struct reader *r, int argc, char **argv)
{
	struct toe_rule rule;
	char why[TOE_WHY_LEN];

	if (rule_parse(&rule, r->kept, argc, argv, why))
		return bad_line(r, "%s", why);
	return append(r, &rule);
}

static int read_end(struct reader *r, int argc, char **argv)
{
	uint32_t count;
	int ret;

	if (argc != 2 || toe_parse_u32(argv[1], &count))
		return bad_line(r, "the last line is 'end' and the number of rules");
	if (count != r->p.n)
		return bad_line(r, "'%s' is not the number of rules: there are %u",
				argv[1], r->p.n);
	ret = next_line(r);
	if (ret > 0)
		return bad_line(r, "something stands behind 'end'");
	return ret;
}

static int read_rules(struct reader *r)
{
	char *words[WORDS_MAX];
	int n, ret;

	ret = next_line(r);
	if (ret < 0)
		return ret;
	if (!ret || strcmp(r->line, FIRST_LINE))
		return bad_line(r, "a policy begins with the line '" FIRST_LINE "'");
	while ((ret = next_line(r)) > 0) {
		n = r->line[strspn(r->line, " \t")] == '#' ? 0 : split(r->line, words);
		if (n == -1)
			return bad_line(r, "the line has more than %u words", WORDS_MAX);
		if (n == -2)
			return bad_line(r, "nothing stands behind the last '\\'");
		if (n && !strcmp(words[0], "end"))
			return read_end(r, n, words);
		ret = n ? read_rule(r, n, words) : 0;
		if (ret)
			return ret;
	}
	return ret ? ret : bad_line(r, "the file breaks off: 'end' is missing");
}

static int by_prio(const void *a, const void *b)
{
	const struct toe_rule *x = a, *y = b;

	return (x->action.prio > y->action.prio) - (x->action.prio < y->action.prio);
}

static int read_policy(struct toe_policy *p, bool kept, FILE *file,
		       const char *name, char *why)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err;

	memset(p, 0, sizeof(*p));
	if (!r) {
		snprintf(why, TOE_WHY_LEN, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	r->file = file;
	r->name = name;
	r->kept = kept;
	r->why = why;
	*why = 0;
	err = read_rules(r);
	if (err) {
		toe_policy_free(&r->p);
	} else {
		if (r->p.n)
			qsort(r->p.rules, r->p.n, sizeof(*r->p.rules), by_prio);
		*p = r->p;
	}
	free(r);
	return err;
}

int toe_policy_read(struct toe_policy *p, FILE *file, const char *name, char *why)
{
	return read_policy(p, false, file, name, why);
}

int toe_policy_read_kept(struct toe_policy *p, FILE *file, const char *name,
			 char *why)
{
	return read_policy(p, true, file, name, why);
}

static int write_policy(const struct toe_policy *p, bool kept, FILE *file)
{
	char text[TOE_RULE_TEXT_LEN];

	fputs(FIRST_LINE "\n", file);
	for (unsigned int i = 0; i < p->n && !ferror(file); i++) {
		rule_format(&p->rules[i], kept, text, sizeof(text));
		fprintf(file, "%s\n", text);
	}
	fprintf(file, "end %u\n", p->n);
	if (fflush(file) || ferror(file))
		return errno ? -errno : -EIO;
	return 0;
}

int toe_policy_write(const struct toe_policy *p, FILE *file)
{
	return write_policy(p, false, file);
}

int toe_policy_write_kept(const struct toe_policy *p, FILE *file)
{
	return write_policy(p, true, file);
}
