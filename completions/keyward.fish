# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_keyward_global_optspecs
    string join \n store= w/workspace= o/output= header json q/quiet y/yes no-input color= as= as-owner wait= h/help V/version
end

function __fish_keyward_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_keyward_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_keyward_using_subcommand
    set -l cmd (__fish_keyward_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c keyward -n "__fish_keyward_needs_command" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_needs_command" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_needs_command" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_needs_command" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_needs_command" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_needs_command" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_needs_command" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_needs_command" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_needs_command" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_needs_command" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_needs_command" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_needs_command" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_needs_command" -s V -l version -d 'Print version'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "mint" -d 'Mint a key and deliver its secret once'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "list" -d 'List keys'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "show" -d 'Show one key'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "rename" -d 'Rename a key'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "set" -d 'Change a key\'s scopes, expiry, addresses, owner or labels'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "disable" -d 'Disable a key until it is enabled again'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "enable" -d 'Enable a disabled key'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "rotate" -d 'Replace a key\'s secret with an overlap'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "activate" -d 'Activate a pending key with its secret'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "revoke" -d 'Permanently revoke keys'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "verify" -d 'Check a secret and say whether it is valid'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "whoami" -d 'Show the current caller'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "usage" -d 'Show what keys were used for'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "check" -d 'Find keys that are stale, expiring, never used or too old'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "ensure" -d 'Ensure a key exists and its secret is in place'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "apply" -d 'Create workspaces and keys from a manifest'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "prune" -d 'Delete the records of keys revoked or expired long ago'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "workspace" -d 'Manage workspaces and their policies'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "audit" -d 'Read and check the audit trail'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "store" -d 'Manage the store'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "schema" -d 'Print the JSON Schema of a command\'s output'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "completions" -d 'Print a shell\'s completion script'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "man" -d 'Print a manual page'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand mint" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -s e -l environment -d 'The environment [default: the policy\'s first]' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l scope -d 'A scope the key has (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l expires -d 'When the key expires: a date, an RFC 3339 time, a duration such as 90d, or never' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l allow -d 'An address or network the key may be used from (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l owner -d 'Person or team responsible for the key' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l label -d 'A label (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l count -d 'Mint this many keys, named NAME-1, NAME-2, ...' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l idempotency-key -d 'Makes retries safe: within a week the same WORD mints no second key, unless the first was not delivered' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l out -d 'Write the secret to this new file (mode 0600)' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l dotenv -d 'Set a variable in this dotenv file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l var -d 'The variable that --dotenv sets' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l github-env -d 'Set an environment variable for a GitHub Actions job\'s later steps, masked' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l github-output -d 'Set an output of a GitHub Actions step, masked' -r
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l hold -d 'Keep the key pending until its holder presents the secret to `keyward activate`'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -l stdout -d 'Write the secret to stdout without the CI warning'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -s n -l no-newline -d 'Do not print the trailing newline'
complete -c keyward -n "__fish_keyward_using_subcommand mint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand list" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand list" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand list" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand list" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand list" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand list" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand list" -l status -d 'List keys of this status (can be repeated)' -r -f -a "active\t''
pending\t''
disabled\t''
expired\t''
revoked\t''"
complete -c keyward -n "__fish_keyward_using_subcommand list" -s e -l environment -d 'List keys in this environment' -r
complete -c keyward -n "__fish_keyward_using_subcommand list" -l name -d 'List keys whose name contains this text' -r
complete -c keyward -n "__fish_keyward_using_subcommand list" -l owner -d 'List keys of this owner' -r
complete -c keyward -n "__fish_keyward_using_subcommand list" -l label -d 'List keys with this label (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand list" -l scope -d 'List keys with this scope (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand list" -l sort -d 'Sort by this' -r -f -a "created\t'As minted'
name\t'By name'
environment\t'By environment'
expires\t'By expiry, soonest first'
last-used\t'By last use, longest unused first'"
complete -c keyward -n "__fish_keyward_using_subcommand list" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand list" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand list" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand list" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand list" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand list" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand list" -s a -l all -d 'Include revoked and expired keys'
complete -c keyward -n "__fish_keyward_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand show" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand show" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand show" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand show" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand show" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand show" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand show" -s e -l environment -d 'The environment, where two environments share the name' -r
complete -c keyward -n "__fish_keyward_using_subcommand show" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand show" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand show" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand show" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand show" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand show" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand rename" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand rename" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand rename" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand rename" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand rename" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand rename" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand rename" -s e -l environment -d 'The environment, where two environments share the name' -r
complete -c keyward -n "__fish_keyward_using_subcommand rename" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand rename" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand rename" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand rename" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand rename" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand rename" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand rename" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand set" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand set" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand set" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand set" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand set" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand set" -s e -l environment -d 'The environment, where two environments share the name' -r
complete -c keyward -n "__fish_keyward_using_subcommand set" -l scope -d 'A scope; replaces the current ones (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand set" -l expires -d 'When the key expires: a date, an RFC 3339 time, a duration such as 90d, or never' -r
complete -c keyward -n "__fish_keyward_using_subcommand set" -l allow -d 'An address or network; replaces the current ones (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand set" -l owner -d 'Person or team responsible for the key' -r
complete -c keyward -n "__fish_keyward_using_subcommand set" -l label -d 'A label to add or overwrite (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand set" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand set" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand set" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l clear-scopes -d 'Remove all scopes'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l clear-expires -d 'Remove the expiry'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l clear-allow -d 'Remove the allow-list'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l clear-owner -d 'Remove the owner'
complete -c keyward -n "__fish_keyward_using_subcommand set" -l clear-labels -d 'Remove all labels first'
complete -c keyward -n "__fish_keyward_using_subcommand set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand disable" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand disable" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand disable" -s e -l environment -d 'The environment, where two environments share the name' -r
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l if-unused-for -d 'Refuse if the key was used within this time' -r
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand disable" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand disable" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand disable" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand disable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand enable" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand enable" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand enable" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand enable" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand enable" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand enable" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand enable" -s e -l environment -d 'The environment, where two environments share the name' -r
complete -c keyward -n "__fish_keyward_using_subcommand enable" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand enable" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand enable" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand enable" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand enable" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand enable" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand enable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -s e -l environment -d 'The environment, where two environments share the name' -r
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l grace -d 'How long the old key stays valid [default: the policy\'s, 24h]' -r
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l expires -d 'When the new key expires [default: after a life as long as the old key\'s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l out -d 'Write the secret to this new file (mode 0600)' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l dotenv -d 'Set a variable in this dotenv file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l var -d 'The variable that --dotenv sets' -r
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l github-env -d 'Set an environment variable for a GitHub Actions job\'s later steps, masked' -r
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l github-output -d 'Set an output of a GitHub Actions step, masked' -r
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l now -d 'Revoke the old key, and those it replaced, at once'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l cancel -d 'Cancel an unfinished rotation'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l hold -d 'Keep the key pending until its holder presents the secret to `keyward activate`'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -l stdout -d 'Write the secret to stdout without the CI warning'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -s n -l no-newline -d 'Do not print the trailing newline'
complete -c keyward -n "__fish_keyward_using_subcommand rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand activate" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand activate" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l file -d 'Read the secret from this file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l env -d 'Read the secret from this environment variable' -r
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand activate" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand activate" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand activate" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand activate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -s e -l environment -d 'The environment, where two environments share a name' -r
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l reason -d 'Why' -r -f -a "compromised\t'The secret leaked or may have leaked'
superseded\t'Replaced by another key'
retired\t'No longer needed'
unspecified\t'No reason given'"
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l message -d 'Why, in your own words; stored in the record and the audit trail' -r
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l if-unused-for -d 'Refuse if any of the keys was used within this time' -r
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand verify" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand verify" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l file -d 'Read the secret from this file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l env -d 'Read the secret from this environment variable' -r
complete -c keyward -n "__fish_keyward_using_subcommand verify" -s e -l environment -d 'The environment the key must belong to' -r
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l require -d 'A scope the key must have (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l ip -d 'The address the request comes from, a port being left out; a key with an allow-list is denied without it' -r
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l cost -d 'The credits it costs when it is valid; 0 passes a spent quota' -r
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l no-record -d 'Do not record the use or count it against limits'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -l stream -d 'Answer requests, one a line, until stdin ends'
complete -c keyward -n "__fish_keyward_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand whoami" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand usage" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand usage" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand usage" -s e -l environment -d 'The environment, where two environments share the name' -r
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l by -d 'Add up by this (can be repeated) [default: key,day]' -r -f -a "key\t'Each key'
day\t'Each day, in UTC'
environment\t'Each environment'
workspace\t'Each workspace, all of them unless -w names one'"
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l since -d 'Start with this day: a date, or a duration before now' -r
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l until -d 'End with this day' -r
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand usage" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand usage" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand usage" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand usage" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand check" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand check" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand check" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand check" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand check" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand check" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand check" -l expiring-within -d 'Find keys that expire within this time' -r
complete -c keyward -n "__fish_keyward_using_subcommand check" -l unused-for -d 'Find keys not used for this long (never-used keys count from when they were minted)' -r
complete -c keyward -n "__fish_keyward_using_subcommand check" -l older-than -d 'Find keys minted at least this long ago' -r
complete -c keyward -n "__fish_keyward_using_subcommand check" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand check" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand check" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand check" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand check" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand check" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand check" -l never-used -d 'Find keys that were never used'
complete -c keyward -n "__fish_keyward_using_subcommand check" -l outside-policy -d 'Find keys whose environment or scopes the policy no longer has'
complete -c keyward -n "__fish_keyward_using_subcommand check" -s a -l all -d 'Include every workspace'
complete -c keyward -n "__fish_keyward_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -s e -l environment -d 'The environment [default: the policy\'s first]' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l scope -d 'A scope the key has (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l expires -d 'When the key expires: a date, an RFC 3339 time, a duration such as 90d, or never' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l allow -d 'An address or network the key may be used from (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l owner -d 'Person or team responsible for the key' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l label -d 'A label (can be repeated)' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l rotate-before -d 'Rotate the key when it expires within this time' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l grace -d 'How long a rotated key\'s old secret stays valid [default: the policy\'s, 24h]' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l out -d 'Write the secret to this new file (mode 0600)' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l dotenv -d 'Set a variable in this dotenv file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l var -d 'The variable that --dotenv sets' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l github-env -d 'Set an environment variable for a GitHub Actions job\'s later steps, masked' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l github-output -d 'Set an output of a GitHub Actions step, masked' -r
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l rotate-if-missing -d 'Rotate the key if the file named by --out or --dotenv does not contain its secret, replacing the file'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -l stdout -d 'Write the secret to stdout without the CI warning'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -s n -l no-newline -d 'Do not print the trailing newline'
complete -c keyward -n "__fish_keyward_using_subcommand ensure" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand apply" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand apply" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l dry-run -d 'Show the plan and change nothing'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l check -d 'Show the plan, change nothing, and exit 18 if it is not empty'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l prune -d 'Revoke live keys in the manifest\'s workspaces that it does not name'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l rotate-if-missing -d 'Rotate keys whose file does not contain their secret, replacing the file'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -l keep-outside -d 'Keep live keys that a changed policy no longer allows'
complete -c keyward -n "__fish_keyward_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand prune" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand prune" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l dead-for -d 'Delete keys revoked or expired for this long [default: the policy\'s usage retention]' -r
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l if-unused-for -d 'Refuse if any of them was used within this time' -r
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -s a -l all -d 'Include every workspace'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -l dry-run -d 'Show what would be deleted and delete nothing'
complete -c keyward -n "__fish_keyward_using_subcommand prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -f -a "create" -d 'Create a workspace'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -f -a "list" -d 'List workspaces'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -f -a "show" -d 'Show a workspace and its policy'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -f -a "set" -d 'Change a workspace\'s policy or plan'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -f -a "rename" -d 'Rename a workspace'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -f -a "delete" -d 'Delete a workspace that has no live keys'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and not __fish_seen_subcommand_from create list show set rename delete use" -f -a "use" -d 'Choose the workspace that commands use'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l plan -d 'The plan it is on' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l preset -d 'Take the policy of this preset' -r -f -a "default\t''
amazonscraperapi\t''
azscraper\t''
audioscrape\t''
amser\t''
scrapewise\t''"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l policy -d 'Take the policy from this TOML file, or - for standard input' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l token -d 'The token\'s template, of {prefix} {env} {short:N} {secret:N} {crc}' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l alphabet -d 'The alphabet of the token\'s random parts' -r -f -a "base62\t'0-9A-Za-z'
base58\t'base62 without 0 O I l'
base36\t'0-9a-z'
hex\t'0-9a-f'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l prefix -d 'What {prefix} stands for' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l environments -d 'The environments; replaces the current ones, and the first is the default' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l active-key-cap -l cap -d 'How many keys may be active, pending or disabled at once; 0 for no cap' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l default-lifetime -d 'How long a key lives without --expires; never removes it' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l maximum-lifetime -d 'The longest a key may live; never removes it' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l rotation-grace -d 'How long a rotated key\'s old secret stays valid' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l usage-retention -d 'How long the usage of a revoked or expired key is kept' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -l policy -d 'Print only the policy, as TOML that --policy FILE reads'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l plan -d 'The plan it is on' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l preset -d 'Take the policy of this preset' -r -f -a "default\t''
amazonscraperapi\t''
azscraper\t''
audioscrape\t''
amser\t''
scrapewise\t''"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l policy -d 'Take the policy from this TOML file, or - for standard input' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l token -d 'The token\'s template, of {prefix} {env} {short:N} {secret:N} {crc}' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l alphabet -d 'The alphabet of the token\'s random parts' -r -f -a "base62\t'0-9A-Za-z'
base58\t'base62 without 0 O I l'
base36\t'0-9a-z'
hex\t'0-9a-f'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l prefix -d 'What {prefix} stands for' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l environments -d 'The environments; replaces the current ones, and the first is the default' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l active-key-cap -l cap -d 'How many keys may be active, pending or disabled at once; 0 for no cap' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l default-lifetime -d 'How long a key lives without --expires; never removes it' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l maximum-lifetime -d 'The longest a key may live; never removes it' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l rotation-grace -d 'How long a rotated key\'s old secret stays valid' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l usage-retention -d 'How long the usage of a revoked or expired key is kept' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l clear-plan -d 'Use the policy\'s default plan, or none'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -l keep-outside -d 'Keep live keys that the new policy no longer allows'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand workspace; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -f -a "list" -d 'List events, oldest first'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -f -a "verify" -d 'Check that the audit trail is intact'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and not __fish_seen_subcommand_from list verify head" -f -a "head" -d 'Print the audit trail\'s head (SEQ:HASH) to save elsewhere'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l limit -d 'List only the newest N' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l against -d 'A saved head that the trail must still contain' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand audit; and __fish_seen_subcommand_from head" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -f -a "create" -d 'Create an empty store'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -f -a "info" -d 'Show where the store is and what it contains'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -f -a "check" -d 'Check every page, record and event of the store'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -f -a "backup" -d 'Back up the store to a file while it is in use'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -f -a "restore" -d 'Restore a backup; keys revoked since stay revoked'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -f -a "export" -d 'Export every record as a line of JSON, with hashes and no secrets'
complete -c keyward -n "__fish_keyward_using_subcommand store; and not __fish_seen_subcommand_from create info check backup restore export import" -f -a "import" -d 'Import workspaces and keys by hash'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -l reset-clock -d 'Reset the last recorded time to the current clock'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l against -d 'Refuse unless the trail contains this saved head' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -l keep-going -d 'Skip rejected lines and import the rest'
complete -c keyward -n "__fish_keyward_using_subcommand store; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand schema" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand schema" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand schema" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand schema" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand schema" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand schema" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand schema" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand schema" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand schema" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand schema" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand schema" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand schema" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand completions" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand completions" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand man" -l store -d 'Use this store [env: KEYWARD_STORE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand man" -s w -l workspace -d 'Use this workspace [env: KEYWARD_WORKSPACE]' -r
complete -c keyward -n "__fish_keyward_using_subcommand man" -s o -l output -d 'Write answers in this format' -r -f -a "table\t'Tables and sentences, for people'
wide\t'Tables with every column'
json\t'One JSON document'
jsonl\t'One JSON object a line'
tsv\t'One record a line, fields between tabs'"
complete -c keyward -n "__fish_keyward_using_subcommand man" -l color -d 'When to use colour (also NO_COLOR)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand man" -l as -d 'Act as the key whose secret is in this file (- for stdin) [env: KEYWARD_AS_FILE]' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand man" -l wait -d 'How long to wait for a busy store [default: 10s]' -r
complete -c keyward -n "__fish_keyward_using_subcommand man" -l header -d 'With --output tsv: name the columns in the first line'
complete -c keyward -n "__fish_keyward_using_subcommand man" -l json -d 'Write answers as one JSON document'
complete -c keyward -n "__fish_keyward_using_subcommand man" -s q -l quiet -d 'Leave out status messages and hints'
complete -c keyward -n "__fish_keyward_using_subcommand man" -s y -l yes -d 'Answer yes to every question'
complete -c keyward -n "__fish_keyward_using_subcommand man" -l no-input -d 'Never ask (also when CI is set)'
complete -c keyward -n "__fish_keyward_using_subcommand man" -l as-owner -d 'As root, use another user\'s store as that user'
complete -c keyward -n "__fish_keyward_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
