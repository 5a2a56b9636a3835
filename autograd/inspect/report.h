/* What a plan does. A part of autograd.h, which includes it. 0, or -1: it cannot be written. */
#ifndef AUTOGRAD_REPORT_H
#define AUTOGRAD_REPORT_H

#include "../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

int ag_write_text(FILE *, const ag_plan *); /* every step: operations, shapes, buffers, bytes, flops */

#ifdef __cplusplus
}
#endif
#endif
