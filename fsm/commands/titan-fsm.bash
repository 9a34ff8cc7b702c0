# bash completion for titan-fsm. It asks the program itself, so that it knows what the installed one
# knows.

# What may follow `--option` in the usage: its alternatives, or files.
_titan_fsm_value()
{
    local usage=$1 option=$2 word=$3 value
    value=$(sed -n "1s/.*$option \([^] ]*\).*/\1/p" <<<"$usage")
    [ -n "$value" ] || value=$(sed -n "s/^  $option \([A-Z]*\) .*/\1/p" <<<"$usage")
    case $value in
    '' | -*) return 1 ;;
    FILE) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    *[!a-z/]*) COMPREPLY=() ;;
    *) mapfile -t COMPREPLY < <(compgen -W "${value//\// }" -- "$word") ;;
    esac
}

_titan_fsm()
{
    local program=${1/#\~/$HOME} word=$2 before=$3 command='' usage words i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }
    done
    if [ -z "$command" ]; then
        words=$("$program" --help 2>/dev/null | sed -n '/^Exit status/q; s/^  \([a-z]*\) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$word")
        return
    fi
    usage=$("$program" "$command" --help 2>/dev/null) || return
    [[ $before != --* ]] || ! _titan_fsm_value "$usage" "$before" "$word" || return
    if [[ $word == -* ]]; then
        words=$(sed -n '1p; /^  --/p' <<<"$usage" | grep -oE -- '--[a-z][a-z-]*' | sort -u)
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    # Words of the command itself: the lower-case word, or alternatives, that its usage begins with
    # or has; the names of states for `explain`; else files.
    words=$(head -n 1 <<<"$usage" | cut -d ' ' -f 3- | sed 's/\[*--[a-z-]* *[^] ]*\]*//g' \
        | grep -oE '[a-z]+(/[a-z]+)+|^[a-z]+' | tr / '\n')
    [ "$command" != explain ] \
        || words=$("$program" graph dot | sed -n 's/^  \([a-z_]*\) \[fillcolor.*/\1/p')
    if [ -n "$words" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -o filenames -F _titan_fsm titan-fsm
