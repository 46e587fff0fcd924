/*
 * Which run of the machine this is. Opens no history.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/small_file.h"
#include "history/history.h"

struct pyi_error *pyi_history_read_boot_id(char ret_boot_id[PYI_HISTORY_BOOT_ID_BYTES])
{
	errno = EIO;
	if (!pyi_small_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret_boot_id,
				 PYI_HISTORY_BOOT_ID_BYTES) ||
	    !ret_boot_id[0])
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_HISTORY, errno,
					      "cannot read the boot id");
	ret_boot_id[strcspn(ret_boot_id, "\n")] = '\0';
	return NULL;
}
