/* What the kernels that only move data share. */
#ifndef AGI_MOVE_H
#define AGI_MOVE_H

#include "node.h"

/* One element or a run of them; few bytes, the case that hurts, are plain loads and stores. */
static inline void agi_move(char *to, const char *from, size_t bytes)
{
    if (bytes == 8) memcpy(to, from, 8);
    else if (bytes == 4) memcpy(to, from, 4);
    else if (bytes == 16) memcpy(to, from, 16);
    else if (bytes == 32) memcpy(to, from, 32);
    else if (bytes == 64) memcpy(to, from, 64);
    else memcpy(to, from, bytes);
}

#endif
