/* actions/target/reach: which TCP ports of an address answer to a connection made from this machine
 * and not through the target: world->reach attempts all ports at once under one deadline.
 * Evidence:  OPEN and REFUSED came back from the other side. SILENT is a time-out or an
 *            administrative refusal on the way: no answer, but no way in either. NOWHERE: no
 *            attempt could be made at all (no route from here). ERROR_UNREACHABLE: the name has no
 *            address. */
#ifndef ACTIONS_REACH_H
#define ACTIONS_REACH_H

enum reach_result { REACH_INVALID = 0, REACH_OPEN, REACH_REFUSED, REACH_SILENT, REACH_NOWHERE };

enum { REACH_PORTS_MAX = 64 };

struct reach {
    int port;
    /* of all addresses of the name: the first of the list above that one of them gave */
    enum reach_result result;
};

#endif
