/* How a gradient check ends early: the first failure is its status and its message. */
#include "checking.h"

ag_status agi_check_stop(agi_check *c, ag_status status, const char *message)
{
    if (!c->status) {
        c->status = status;
        agi_print(&(agi_text){ c->report->message, c->report->message + sizeof c->report->message }, "%s", message);
    }
    return c->status;
}

ag_status agi_check_no_memory(agi_check *c)
{
    return agi_check_stop(c, AG_EMEM, "ag_check_gradient: out of memory");
}
