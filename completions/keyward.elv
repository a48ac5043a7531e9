# Completion for elvish: asks keyward at each Tab. What was typed goes to its stdin and is never expanded.
use str

set edit:completion:arg-completer[keyward] = {|@words|
    var kind @lines = (
        for word $words[1..] { print $word"\x00" } |
        (external keyward) completions elvish --answer 2>/dev/null |
        from-lines
        put ''
    )
    if (eq $kind values) {
        for line $lines[..-1] {
            var word @about = (str:split "\t" $line)
            edit:complex-candidate $word &display=(str:join '  -- ' [$word $@about])
        }
    } elif (or (eq $kind files) (eq $kind folders)) {
        edit:complete-filename $words[-1]
    }
}
