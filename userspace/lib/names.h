/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of the UAPI: what the numbers in netlink messages are called.
 */
#ifndef _TOE_LIB_NAMES_H
#define _TOE_LIB_NAMES_H

/**
 * toe_state_name() - the keyword of a flow state
 * @state: enum toe_flow_state
 *
 * Return: the keyword, or NULL for a number this build does not know.
 */
const char *toe_state_name(unsigned int state);

/**
 * toe_reason_name() - the keyword of a reason
 * @reason: enum toe_reason
 *
 * Return: the keyword, or NULL for a number this build does not know.
 */
const char *toe_reason_name(unsigned int reason);

/**
 * toe_engine_change_name() - what became of an engine, as a word
 * @change: enum toe_engine_change
 *
 * Return: the word, or NULL for a number this build does not know.
 */
const char *toe_engine_change_name(unsigned int change);

/**
 * toe_reason_text() - a reason as a sentence
 * @reason: enum toe_reason
 *
 * Return: the sentence, or NULL for a number this build does not know.
 */
const char *toe_reason_text(unsigned int reason);

/**
 * toe_stat_name() - the key of a counter
 * @stat: enum toe_stat
 *
 * Return: the key, or NULL for a number this build does not know.
 */
const char *toe_stat_name(unsigned int stat);

#endif /* _TOE_LIB_NAMES_H */
