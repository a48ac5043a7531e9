# Completion for bash: asks keyward at each Tab. What was typed goes to its stdin and is never expanded.

_keyward() {
    local kind='' line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $kind ]]; then
            kind=$line
        else
            COMPREPLY+=("$line")
        fi
    done < <(printf '%s\0' "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" |
        command keyward completions bash --answer 2>/dev/null)
    case $kind in
        files) compopt -o default 2>/dev/null ;;
        folders) compopt -o dirnames 2>/dev/null ;;
        programs)
            while IFS= read -r line; do
                printf -v line %q "$line"
                COMPREPLY+=("$line")
            done < <(compgen -c -- "$2")
            ;;
    esac
    return 0
}

complete -F _keyward keyward
