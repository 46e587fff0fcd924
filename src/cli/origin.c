/*
 * Asks the system for its name and for what a terminal can show.
 */
#include "cli/origin.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <sys/utsname.h>

#include "report/output.h"
#include "version.h"

/* Is there no more than ASCII? */
static bool is_ascii_locale(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool ascii;

	if (!locale)
		return true;
	ascii = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") != 0;
	freelocale(locale);
	return ascii;
}

void pyi_origin_describe(void)
{
	static struct utsname name;
	struct pyi_output_origin origin = { .version = PYI_VERSION, .ascii = is_ascii_locale() };

	if (uname(&name) == 0)
		origin.host = name.nodename;
	pyi_output_set_origin(&origin);
}
