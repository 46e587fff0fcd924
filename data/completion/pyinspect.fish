# fish completion of pyinspect(1)

set -l commands explain top-types top-objects referrers referents path show dominators garbage dump diff growth slip-dbus check history incidents list

function __pyinspect_targets
    for folder in (string match -r '^/proc/\d+$' /proc/*)
        set -l program (readlink $folder/exe 2>/dev/null)
        if string match -qr 'python|uwsgi' -- "$program"
            printf '%s\t%s\n' (basename $folder) $program
        end
    end
    for unit in (systemctl list-units --type=service --state=running --plain --no-legend 2>/dev/null | string split -f 1 ' ')
        printf 'unit:%s\n' $unit
    end
    printf 'help\toptions of a command\n'
    printf 'diff\twhat has grown between two dumps\n'
    printf 'history\twhich processes are known\n'
    printf 'incidents\twhat checks have found wrong\n'
    printf 'list\tthe Python processes of this machine\n'
end

# True if the words so far name one of these commands.
function __pyinspect_is
    for word in (commandline -opc)
        contains -- $word $argv; and return 0
    end
    return 1
end

# True as long as only the program was named, and options.
function __pyinspect_wants_target
    set -l words (string match -v -- '-*' (commandline -opc))
    test (count $words) -le 1
end

function __pyinspect_wants_command
    set -l words (string match -v -- '-*' (commandline -opc))
    test (count $words) -eq 2
end

complete -c pyinspect -f
complete -c pyinspect -n __pyinspect_wants_target -a '(__pyinspect_targets)'
complete -c pyinspect -n __pyinspect_wants_command -a top-types -d 'how many objects of each type'
complete -c pyinspect -n __pyinspect_wants_command -a top-objects -d 'the largest single objects'
complete -c pyinspect -n __pyinspect_wants_command -a referrers -d 'who refers to objects of a type'
complete -c pyinspect -n __pyinspect_wants_command -a referents -d 'what objects of a type refer to'
complete -c pyinspect -n __pyinspect_wants_command -a path -d 'what keeps an object alive'
complete -c pyinspect -n __pyinspect_wants_command -a show -d 'one object: what it keeps, who holds it; or kept evidence'
complete -c pyinspect -n __pyinspect_wants_command -a explain -d 'where its memory is, on one page'
complete -c pyinspect -n __pyinspect_wants_command -a dominators -d 'who alone keeps how much alive'
complete -c pyinspect -n __pyinspect_wants_command -a garbage -d 'what gc.collect() would free'
complete -c pyinspect -n __pyinspect_wants_command -a dump -d 'write all objects into a file'
complete -c pyinspect -n __pyinspect_wants_command -a diff -d 'what has grown between two dumps'
complete -c pyinspect -n __pyinspect_wants_command -a growth -d 'which types grow'
complete -c pyinspect -n __pyinspect_wants_command -a slip-dbus -d 'callers of D-Bus that are gone'
complete -c pyinspect -n __pyinspect_wants_command -a check -d 'judge by rules, for monitoring'
complete -c pyinspect -n __pyinspect_wants_command -a history -d 'what earlier checks have seen'
complete -c pyinspect -n __pyinspect_wants_command -a incidents -d 'what checks have found wrong'
complete -c pyinspect -n __pyinspect_wants_command -a list -d 'the Python processes of this machine'

complete -c pyinspect -l format -x -a 'table json ndjson' -d 'how to print'
complete -c pyinspect -n '__pyinspect_is check' -l format -x -a 'nagios prometheus' -d 'how to print'
complete -c pyinspect -n '__pyinspect_is path show referrers referents' -l format -x -a dot -d 'how to print'
complete -c pyinspect -l json -d 'as --format json'
complete -c pyinspect -s p -l pid -x -d 'the target'
complete -c pyinspect -l max-pause -x -d 'refuse if it would stand still for longer, ms'
complete -c pyinspect -l max-total-pause -x -d 'stop it for no longer than this in all, ms'
complete -c pyinspect -l source -x -a 'auto clone mirror' -d 'what to look at'
complete -c pyinspect -l sysroot -x -a '(__fish_complete_directories)' -d 'where the files of a core are'
complete -c pyinspect -l interpreter -x -d 'which of several interpreters of that Python'
complete -c pyinspect -l runtime -x -d 'which of several Pythons in the process'
complete -c pyinspect -l force -d 'try a Python that is newer than pyinspect'
complete -c pyinspect -l timeout -x -d 'give up after this time, s'
complete -c pyinspect -s v -l verbose -d 'say what was done to the process'
complete -c pyinspect -s h -l help -d 'help'
complete -c pyinspect -n "not __pyinspect_is $commands" -s V -l version -d 'the version'

complete -c pyinspect -n '__pyinspect_is top-types top-objects referrers referents path show dominators garbage diff growth check history incidents list' -s n -l limit -x -d 'show so many'
complete -c pyinspect -n '__pyinspect_is history' -l since -x -d 'only what is not older'
complete -c pyinspect -n '__pyinspect_is top-types garbage diff growth history' -l by -x -a 'count bytes' -d 'what biggest means'
complete -c pyinspect -n '__pyinspect_is top-types diff' -l by -x -a retained -d 'what biggest means'
complete -c pyinspect -n '__pyinspect_is top-objects' -l by -x -a 'bytes referents retained' -d 'only one list'
complete -c pyinspect -n '__pyinspect_is top-types growth' -l scope -x -a 'all tracked' -d 'which objects'
complete -c pyinspect -n '__pyinspect_is top-types diff growth' -l type -x -d 'only such types'
complete -c pyinspect -n '__pyinspect_is top-types diff growth' -l module -x -d 'only types of a module'
complete -c pyinspect -n '__pyinspect_is top-types diff growth' -l no-builtins -d 'only types that a module defines'
complete -c pyinspect -n '__pyinspect_is top-types check' -l children -d 'also processes that it has started'
complete -c pyinspect -n '__pyinspect_is referrers referents path dominators' -l exact -d 'without objects of subclasses'
complete -c pyinspect -n '__pyinspect_is referrers referents path show dominators' -l address -x -d 'one object'
complete -c pyinspect -n '__pyinspect_is referrers dominators' -l depth -x -d 'so many levels upwards'
complete -c pyinspect -n '__pyinspect_is referrers' -l tree -d 'who refers to those of each group'
complete -c pyinspect -n '__pyinspect_is dominators' -l min-share -x -d 'none that keeps less, in percent'
complete -c pyinspect -n '__pyinspect_is dump' -l values -d 'keep short values'
complete -c pyinspect -n '__pyinspect_is top-objects referrers referents path show dominators' -l values -d 'show short values'

complete -c pyinspect -n '__pyinspect_is dump diff' -F
complete -c pyinspect -n '__pyinspect_is growth' -l interval -x -d 'time between two snapshots'
complete -c pyinspect -n '__pyinspect_is check' -l preset -x -a 'firewalld generic' -d 'a set of rules'
complete -c pyinspect -n '__pyinspect_is check' -l rules -r -F -d 'rules of a file or folder'
complete -c pyinspect -n '__pyinspect_is check' -l max -x -d 'objects or bytes, TYPE=LIMIT'
complete -c pyinspect -n '__pyinspect_is check' -l max-growth -x -d 'growth, TYPE=LIMIT/h'
complete -c pyinspect -n '__pyinspect_is check' -l max-container -x -d 'length of a container, NAME=LIMIT'
complete -c pyinspect -n '__pyinspect_is check' -l max-rss -x -d 'resident memory'
complete -c pyinspect -n '__pyinspect_is check' -l max-tracked -x -d 'tracked objects'
complete -c pyinspect -n '__pyinspect_is check history' -l history -r -F -d 'where the history is kept'
complete -c pyinspect -n '__pyinspect_is check' -l no-history -d 'keep no history'
complete -c pyinspect -n '__pyinspect_is check incidents list show' -l state -x -a '(__fish_complete_directories)' -d 'where history and reports are kept'
complete -c pyinspect -n '__pyinspect_is check' -l min-age -x -d 'do not judge a younger process, s'
complete -c pyinspect -n '__pyinspect_is check' -l output -r -F -d 'write to a file'
