/*
 * The text of --help, and of help COMMAND.
 */
#include "cli/help.h"

static const char help_head[] =
	"usage: pyinspect TARGET COMMAND [TYPE|ADDRESS] [options]\n"
	"       pyinspect help COMMAND\n"
	"\n"
	"Says what fills the memory of a running Python process, and who holds it.\n"
	"\n"
	"Nothing is installed in the process and nothing of it is run: it stands still\n"
	"for the time of one clone (a millisecond, and about 20 for each GB), and its\n"
	"frozen copy is examined.\n"
	"\n"
	"TARGET is a process id; unit:NAME.service for a systemd unit, cgroup:PATH or\n"
	"container:ID. top-types and check look at all Python processes of these, and\n"
	"with --children at those that a process has started; other commands at a unit's\n"
	"main process. A TARGET with a slash, or the name of a file that begins as one\n"
	"does, is a core of a process, or what dump has written. Of a core all can be\n"
	"asked but growth; of a dump all but that and check.\n"
	"\n"
	"Commands:\n";

static const char help_tail[] =
	"\n"
	"Options of all commands:\n"
	"      --format FORMAT  table (the default), json or ndjson; the variable\n"
	"                       PYINSPECT_FORMAT is another default; of path, show,\n"
	"                       referrers and referents also dot, for Graphviz\n"
	"      --json           the same as --format json\n"
	"  -p, --pid TARGET     the same as TARGET in front\n"
	"      --max-pause MS   refuse if the process would stand still for longer than\n"
	"                       this (default 250 ms)\n"
	"      --max-total-pause MS\n"
	"                       stop it for no longer than this in all, with all tries\n"
	"                       (default: four times --max-pause)\n"
	"      --source SOURCE  clone: freeze a copy (milliseconds); mirror: copy the\n"
	"                       memory, run nothing in it (250 ms for each GB); auto (the\n"
	"                       default): clone, else mirror if --max-pause allows it\n"
	"      --sysroot DIR    of a core: where the programs and libraries are that its\n"
	"                       process had mapped (default: /)\n"
	"      --runtime N      of several Pythons in one process that with this number;\n"
	"                       an error lists them\n"
	"      --interpreter N  of several interpreters in one Python that with this\n"
	"                       number, as interpreters.list_all() has it (0: the main)\n"
	"      --force          take a Python that is newer than pyinspect for the newest\n"
	"                       that it knows; every figure may then be wrong\n"
	"      --timeout S      give up after this time (default 60 s; 0: never)\n"
	"  -v, --verbose        say on stderr what was done to the process\n"
	"  -h, --help           this text, or that of a command\n"
	"  -V, --version        the version\n"
	"\n"
	"From symptom to cause:\n"
	"  pyinspect 1234 explain                   one page: where is its memory?\n"
	"  pyinspect list                           which process has grown?\n"
	"  pyinspect 1234 top-types --by count      what is in there? Which of it grows?\n"
	"  pyinspect 1234 top-objects               is it one big list, dict or string?\n"
	"  pyinspect 1234 referrers foo.Session     who holds all of these?\n"
	"  pyinspect 1234 path foo.Session          what keeps one of them alive?\n"
	"  pyinspect unit:firewalld slip-dbus       is it firewalld's old leak?\n"
	"  pyinspect unit:firewalld history         what has grown since when?\n"
	"\n"
	"Before there is a symptom, by a timer or a monitoring system:\n"
	"  pyinspect unit:firewalld check --preset firewalld\n"
	"  pyinspect unit:foo check --preset generic --max-rss 500MiB --format nagios\n"
	"\n"
	"Exit codes: 0 ok; 1 failed; 2 bad usage; 3 no such process, or no permission;\n"
	"4 not a supported CPython; 5 incomplete result, labelled; 6 the process could\n"
	"not be put back as it was. In all cases but 6 it is as it was before. Those of\n"
	"check are others: see pyinspect help check.\n";

/* What must stand behind the name. */
static const char *behind_name(const struct pyi_command *command)
{
	if (command->use.file)
		return "FILE";
	if (command->use.two_files)
		return "A B";
	if (command->use.address)
		return "ADDR";
	if (command->use.optional_type)
		return "[TYPE]";
	return command->use.subject ? "TYPE" : "";
}

void pyi_help_print(FILE *stream, const struct pyi_command *command,
		    const struct pyi_command *const *commands, size_t count)
{
	if (command) {
		fputs(command->help, stream);
		return;
	}
	fputs(help_head, stream);
	for (size_t c = 0; c < count; c++)
		fprintf(stream, "  %-12s%-6s %s\n", commands[c]->name, behind_name(commands[c]),
			commands[c]->summary);
	fputs(help_tail, stream);
}
