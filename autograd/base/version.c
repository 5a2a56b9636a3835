/* Which library this is. */
#include "base.h"

const char *ag_version(void)
{
    return AG_VERSION;
}
