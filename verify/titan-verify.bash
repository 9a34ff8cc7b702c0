# bash completion for titan-verify. It asks the program itself, so that it knows what the installed
# one knows.
_titan_verify()
{
    local program=${1/#\~/$HOME} word=$2 before=$3 usage value words=''
    COMPREPLY=()
    usage=$("$program" --help 2>/dev/null) || return
    [[ $before != --* ]] || value=$(sed -n "s/^  $before \([A-Z][A-Za-z|]*\).*/\1/p" <<<"$usage")
    if [[ $word == -* ]]; then
        words=$(sed -n '/^titan-verify /p; /^  --/p' <<<"$usage" | grep -oE -- '--[a-z][a-z-]*' \
            | sort -u)
    elif [ -n "${value:-}" ] && [ "$value" != FILE ]; then
        words=$(tr '|' '\n' <<<"$value" | grep -v '[A-Z]')
    elif [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY \
            < <(compgen -W "$(sed -n 's/^titan-verify \([a-z][a-z]*\) .*/\1/p' <<<"$usage")" \
            -- "$word"; compgen -f -- "$word")
        return
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -o filenames -F _titan_verify titan-verify
