/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Routes, links, addresses and neighbours change: the flows whose way no longer leads
 * through their engine go back at once.
 */
#ifndef _TOE_ROUTE_H
#define _TOE_ROUTE_H

struct net;
struct toe_flow;

/**
 * toe_route_watch() - hear of changes in a network namespace
 * @net: the namespace of a flow; watched from now on until it goes
 *
 * Context: process or softirq; the watch begins a little later.
 */
void toe_route_watch(struct net *net);

/**
 * toe_route_look() - does the way of a flow still lead through its engine?
 * @flow: any; one that is on an engine is returned if it does not
 *
 * Context: process. Does not wait for who owns the socket: then the flow's work
 * looks.
 */
void toe_route_look(struct toe_flow *flow);

/**
 * toe_route_look_own() - the same
 * @flow: in its work, on an engine
 */
void toe_route_look_own(struct toe_flow *flow);

int toe_route_init(void);
void toe_route_exit(void);

#endif /* _TOE_ROUTE_H */
