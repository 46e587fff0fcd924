/*
 * The steps. Does not take away anything itself: base/confine.c does.
 */
#include "broker/keeper.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/confine.h"

struct pyi_error *pyi_keeper_confine(void)
{
	pyi_confine_bound_capabilities();
	if (pyi_confine_drop_capabilities() && pyi_confine_no_new_privileges() &&
	    prctl(PR_SET_DUMPABLE, 0) == 0 && pyi_confine_limit(RLIMIT_CORE, 0))
		return NULL;
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, errno,
				      "the part of pyinspect that keeps the history cannot give up "
				      "its capabilities");
}
