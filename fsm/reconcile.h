/* fsm/reconcile: settles an intent that an interruption left open, by looking at the target, never
 * by guessing. Records a reconciliation that names what was found. A dangling ARM is answered with
 * DISARM, observed, before anything else. */
#ifndef FSM_RECONCILE_H
#define FSM_RECONCILE_H

#include "fsm/resumption.h"

/* `stop`: why the operator goes back, NULL when they do not. That, and the removal of the driving
 * operator from the roster, fails an act that went forward where a service may have changed, so
 * that a rollback follows. */
enum error_code reconcile(struct driver *driver, const char *stop,
                          struct reconciled *ret_reconciled, struct error *error) CHECKED;

/* The target could not be looked at while there was time: only the record. */
enum error_code reconcile_unseen(struct driver *driver, const struct reconciled *reconciled,
                                 struct error *error) CHECKED;

#endif
