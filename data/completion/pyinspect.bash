# bash completion of pyinspect(1)

_pyinspect_targets() {
    local folder unit
    for folder in /proc/[0-9]*; do
        case $(readlink "$folder/exe" 2>/dev/null) in
        *python* | *uwsgi*) echo "${folder#/proc/}" ;;
        esac
    done
    for unit in $(systemctl list-units --type=service --state=running --plain --no-legend \
        2>/dev/null | cut -d ' ' -f 1); do
        echo "unit:$unit"
    done
}

# The options of a command.
_pyinspect_options() {
    local common="--force --format --interpreter --json --pid --max-pause --max-total-pause --source --sysroot --runtime --timeout --verbose --help"
    case $1 in
    top-types) echo "$common --limit --by --scope --type --module --no-builtins" --children ;;
    top-objects) echo "$common --limit --by --values" ;;
    referrers) echo "$common --limit --exact --address --depth --tree --values" ;;
    referents | path) echo "$common --limit --exact --address --values" ;;
    show) echo "$common --limit --address --values --state" ;;
    explain) echo "$common" ;;
    dominators) echo "$common --limit --depth --min-share --exact --address --values" ;;
    garbage) echo "$common --limit --by" ;;
    growth) echo "$common --limit --by --interval --scope --type --module --no-builtins" ;;
    diff) echo "$common --limit --by --type --module --no-builtins" ;;
    dump) echo "$common --values" ;;
    slip-dbus) echo "$common" ;;
    check)
        echo "$common --limit --preset --rules --max --max-growth --max-container --max-rss" \
            "--max-tracked --history --no-history --state --min-age --output --children"
        ;;
    history) echo "$common --limit --by --since --history" ;;
    list | incidents) echo "$common --limit --state" ;;
    *) echo "$common --version" ;;
    esac
}

_pyinspect() {
    local commands="explain top-types top-objects referrers referents path show dominators garbage dump diff growth slip-dbus check history incidents list"
    local cur prev words cword split=false
    # A target has a colon in it.
    _init_completion -s -n : || return

    local word command='' target='' at
    for ((at = 1; at < cword; at++)); do
        word=${words[at]}
        case $word in
        --format | --max-total-pause | --max-pause | --source | --sysroot | --interpreter | --runtime | --timeout | --limit | -n | --by | --scope | --address | \
            --depth | --preset | --rules | --max | --max-growth | --max-container | --max-rss | \
            --max-tracked | --history | --state | --min-age | --output | --since | --type | --module | --min-share | --interval)
            ((at++))
            ;;
        -*) ;;
        *)
            if [[ -z $target ]]; then
                target=$word
            elif [[ -z $command ]]; then
                command=$word
            fi
            ;;
        esac
    done

    case $prev in
    --format)
        if [[ $command == check ]]; then
            mapfile -t COMPREPLY < <(compgen -W "table json ndjson nagios prometheus" -- "$cur")
        elif [[ $command =~ ^(path|show|referrers|referents)$ ]]; then
            mapfile -t COMPREPLY < <(compgen -W "table json ndjson dot" -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -W "table json ndjson" -- "$cur")
        fi
        return
        ;;
    --source)
        mapfile -t COMPREPLY < <(compgen -W "auto clone mirror" -- "$cur")
        return
        ;;
    --by)
        local by="count bytes"
        [[ $command != @(top-types|diff) && $target != diff ]] || by="count bytes retained"
        [[ $command != top-objects ]] || by="bytes referents retained"
        mapfile -t COMPREPLY < <(compgen -W "$by" -- "$cur")
        return
        ;;
    --scope)
        mapfile -t COMPREPLY < <(compgen -W "all tracked" -- "$cur")
        return
        ;;
    --preset)
        mapfile -t COMPREPLY < <(compgen -W "firewalld generic" -- "$cur")
        return
        ;;
    --rules | --history | --output)
        _filedir
        return
        ;;
    --state | --sysroot)
        _filedir -d
        return
        ;;
    --max-pause | --max-total-pause | --interpreter | --runtime | --timeout | --limit | -n | --address | --depth | --max | --max-growth | \
        --max-container | --max-rss | --max-tracked | --min-age | --since | --min-share | --interval)
        return
        ;;
    esac
    $split && return

    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_pyinspect_options "$command")" -- "$cur")
    elif [[ $command == @(dump|diff) || $target == diff || $cur == */* ]]; then
        _filedir
    elif [[ -z $target ]]; then
        mapfile -t COMPREPLY < <(compgen -W "help history diff incidents list $(_pyinspect_targets)" -- "$cur")
        __ltrim_colon_completions "$cur"
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
    fi
} &&
    complete -F _pyinspect pyinspect
