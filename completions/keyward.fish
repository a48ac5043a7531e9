# Completion for fish: asks keyward at each Tab. What was typed goes to its stdin and is never expanded.

function __keyward_answer
    set -l words (commandline -opc)
    # Variables may be set before the command.
    while string match -q -- '*=*' "$words[1]"
        set -e words[1]
    end
    set -e words[1]
    set -l word (commandline -ct)
    # A quotation mark may still be open.
    set -l plain (string unescape -- $word; or string unescape -- $word"'"; or string unescape -- $word'"')
    set -l lines (printf '%s\0' $words "$plain" | command keyward completions fish --answer 2>/dev/null)
    set -l front (string match -r -- '^--[^=]*=' $word)
    switch "$lines[1]"
        case values
            printf '%s\n' $lines[2..]
        case files folders
            set -l path (string replace -- "$front" '' $word)
            set -l kind path
            test $lines[1] = folders; and set kind directories
            for found in (__fish_complete_$kind $path)
                printf '%s\n' "$front$found"
            end
        case programs
            __fish_complete_command
    end
end

complete -c keyward -e
complete -c keyward -f -k -a '(__keyward_answer)'
