//! Black-box tests: every module here runs the built `keyward` in a sandbox and looks at what a user would see.
//!
//! One file per command, named like it; the other modules hold what cuts across commands. A file that is not
//! listed below would silently never run, so `every_test_file_is_in_this_list` fails when one is forgotten.

// The sandbox, the runner, the transcript and the few rules of the token that tests recompute for themselves.
mod support;
// What holds whatever comes in: the laws that fuzz targets and their corpus are held to.
mod laws;

// One file per command.

// `keyward mint`: the secret on stdout, its shape, names, the cap, lifetimes, and each sink's happy path; a folder,
// because it is the largest.
mod mint;
// `keyward activate`: a held key becomes live by presenting its secret.
mod activate;
// `keyward list`: filters, order and the four output forms.
mod list;
// `-A`, `--all-workspaces`: what a listing says of every workspace at once, and to whom.
mod every_workspace;
// Tables on terminals of different widths, wide ones, coloured ones, and what is said instead of an empty one.
mod tables;
// `keyward show`: every way to name a key, and what happens when a name means several.
mod show;
// `-o value=FIELD`: one field of each record, a line each, and which fields there are.
mod one_field;
// `keyward show`: what a key's limits leave it, when a pending one lapses, and which key replaced which.
mod show_limits;
// `keyward rename`: names taken, names kept, names that change nothing.
mod rename;
// `keyward set`: each field set and cleared.
mod set;
// `keyward disable` and `keyward enable`: pausing and resuming.
mod disable;
// `--dry-run` on revoke, rotate and store import: what would be done, and a store that stays as it is.
mod dry_run;
// `keyward revoke -`: KEYs on standard input, a line each.
mod keys_on_stdin;
// `keyward rotate`: the overlap, its end and its inheritance.
mod rotate;
// What may happen between a replacement's delivery and its activation.
mod rotate_held;
// What `keyward rotate --cancel` says in each state.
mod cancel;
// A name stands for its lineage, and an id for one record: revoking, rotating, showing.
mod lineage;
// The same of `disable`, `enable`, `set`, `rename` and `ensure`.
mod lineage_changes;
// What could have come back to life.
mod revived;
// `keyward revoke`: permanently, with a reason, many at once.
mod revoke;
// `keyward ensure`: created once, unchanged from then on, updated where it differs.
mod ensure;
// What `keyward ensure` makes of what is in its sink, and of sinks that fail.
mod ensure_sinks;
// When `keyward ensure` rotates, and what becomes of the old key and of the file.
mod ensure_rotation;
// `keyward apply`: a manifest's plan, carrying it out, and running it again.
mod apply;
// The same of a manifest that is edited at random.
mod apply_rounds;
// What `keyward apply` does for each key and workspace: sinks, paths, updates, policies, and who may.
mod apply_keys;
// What `apply` says of the fields that differ: in its plan, in JSON, and in the answer of what was done.
mod apply_differences;
// Manifests that are refused, and that nothing is done then.
mod apply_manifest;
// `keyward verify`: the verdicts, their order, and the forms a secret may arrive in.
mod verify;
// Why a verdict is what it is: said to people, in JSON and in a stream in the same words.
mod verdicts;
// `keyward check`: the gate, its reasons and its remedies.
mod check;
// The commands that `keyward check` names mend what it found.
mod remedies;
// What a key is, in one order for all, and what is past its expiry.
mod status;
// `keyward scan`: keys in files, archives and git, and what is done about them; a folder of its own.
mod scan;
// `keyward patterns`: scanners' rules, held against real engines.
mod patterns;
// `keyward prune`: which records go, what goes with them, and what stays.
mod prune;
// `keyward prune` of many keys, and beside other processes.
mod prune_races;
// `keyward usage`: what is counted, added up by what, and for which days.
mod usage;
// `keyward verify` where a plan limits keys: rates, quotas, and what a refusal costs.
mod limits;
// `keyward verify --stream`: what a line may be, what it is answered, and how the stream ends.
mod stream;
// What a stream knows of changes that other processes make.
mod stream_changes;
// What a stream writes down, and when.
mod stream_counts;
// What the fields of a request may be, and what an id may be.
mod stream_fields;
// `keyward whoami`: an operator and a key.
mod whoami;
// `keyward workspace …`: owners of keys and the choice among them.
mod workspace;
// `keyward audit …`: a row per change, and a chain that shows when a row was altered.
mod audit;
// `keyward audit list`: the events of a key, a workspace, a time, an action or an actor, and how many of them.
mod audit_list;
// Every edit of the trail is found, and what a chain alone cannot show.
mod audit_trail;
// The use of a revoked key is an event.
mod reuse;
// `keyward store info`, and where the store is looked for.
mod store_info;
// `keyward store backup`: of one moment, whole or not there, and never in the place of something else.
mod backup;
// The same of a damaged store, killed, and on a full disk.
mod backup_faults;
// `keyward store restore`: what comes back and what does not.
mod restore;
// What it leaves as it is because it is stricter than in the backup.
mod restore_keeps;
// The same of random histories.
mod restore_random;
// Keys that were voided and given another secret.
mod reissued;
// The same where the current store is damaged or gone.
mod restore_damaged;
// Hostile and older backups, and restorations that are killed or fail.
mod restore_faults;
// `keyward store export` and `keyward store import`: what goes out comes in again.
mod transfer;
// Lines that `keyward store import` refuses.
mod transfer_refusals;
// Lines of records that are there already: what differs.
mod import_differs;
// The links between a key and its successor: what an import takes, and what `store check` finds.
mod import_links;
// A store's own export comes in again, whatever was done to its policies.
mod import_own;
// A key's own plan: its rate and quota, inherited, exact, and no way round a limit.
mod key_plans;
// Keys that another system minted, whatever it hashes of their tokens.
mod foreign;
// `store import --from`: each system's table to verified keys, what is made to fit, what is refused and how bad lines are named.
mod coming;

// What cuts across commands.

// `--as`: what a key may do in its own name.
mod acting;
// What a caller gives away: no scope beyond its grant, whatever the way.
mod grants;
// The five documented systems, each by the steps of its own page.
mod seeds;
// The shipped policies survive being printed and read again.
mod presets;
// Policies that are refused, and the checksum in each alphabet.
mod policy;
// Keys that a changed policy leaves out.
mod outside;
// Every exit status that can be reached, with its code word.
mod exit_codes;
// A store that is not there, and who makes one.
mod no_store;
// The walls between the rooms of src/.
mod architecture;
// Source files as those walls see them.
mod rust_source;
// No circle of files in src/.
mod circles;
// A secret appears once, on its sink, and nowhere else.
mod secrecy;
// Secrets among the arguments.
mod secret_arguments;
// A secret that only its hash tells, wherever it is written by mistake.
mod exposure;
// Modes, owners and links of files and folders.
mod permissions;
// Stores that a user can read and not write.
mod read_only;
// Many processes at once.
mod concurrency;
// Processes that are killed at any moment, and system calls that fail.
mod killed;
// A model of the store, and random operations and crashes that must do the same to both.
mod model;
// Counts that are exact whoever else counts, and a log that stays short.
mod metering;
// One key's rate under many callers at once, some with a clock of their own.
mod rates;
// `ensure` and `apply` at once, and one waiting for another.
mod provision_at_once;
// `ensure` and `apply` killed at every system call, and run again.
mod provision_crash;
// Every command with faults in its system calls.
mod faults;
// The library's `Verifier` beside the binary.
mod library;
// What others commit is seen by the next verdict, however the log was written and cleared.
mod freshness;
// What a verifier remembers changes no verdict, whatever is changed and counted meanwhile.
mod remembering;
// The library's `Keyring`: what is left when a service's delivery fails, or its process is killed in it.
mod keyring;
// A store whose file is replaced, moved or deleted under its readers.
mod moved;
// The example service: the library in a middleware.
mod embedding;
// The co-process clients of the docs.
mod clients;
// Stores of older schemas are brought up to date and keep what they knew.
mod migrations;
// Questions asked on a real terminal.
mod prompts;
// What a long job says of itself on a terminal, and that it says nothing anywhere else.
mod progress;
// JSON answers and errors against their schemas.
mod json;
// Sinks that fail, and what becomes of the key.
mod delivery;
// Dotenv files, read by those they are for.
mod dotenv;
// The files of GitHub's runner, and the mask.
mod runner;
// The generator of secrets, and what else of the machine is asked.
mod entropy;
// Files that keyward writes are whole or as they were.
mod drafts;
// Root's deliveries into a folder that its owner swaps meanwhile.
mod swapped;
// Access control lists that folders give to what is made in them.
mod access_lists;
// What keyward does where a file system cannot do everything.
mod file_systems;
// Folders of real machines: private groups, volumes of an orchestrator, services' folders, links on the way.
mod folders;
// `mint --idempotency-key`: asked twice for the same thing, the same key.
mod idempotency;
// What hints say can be done about a key that is in the way.
mod way_out;
// The same of many at once, and killed at any system call.
mod idempotency_crashes;
// `--if-unused-for`: a key in use is not ended by mistake.
mod in_use;
// What a Tab offers and inserts in bash, zsh and fish: names of the store, whatever is in them, and files.
mod completing;
// Manual pages and completions equal what the parser renders.
mod generated;
// Help texts and the examples in them.
mod help;
// The commands in hints, and what is said to a near miss.
mod hints;
// What is said where something else was meant: the nearest help, the nearest word, and where the thing is.
mod nearest;
// The console blocks of the README and docs, and what else they show that can be run.
mod docs;
// The links between Markdown files.
mod doc_links;
// The recipes of the docs, with stand-ins for services that need an account.
mod recipes;
// The recipes for pipelines.
mod recipes_ci;
// The recipes for containers, and the one for a page.
mod recipes_containers;
// The Debian and the RPM package, each installed in a root of its own; the bill of materials, the checksums and the source's package.
mod package;
// The GitHub action: its YAML, and its step as the runner runs it.
mod action;
// Manual pages: their sections, on a terminal, and all of them in a folder.
mod manual;
// Completion scripts in real shells.
mod shells;
// Where the two streams and the exit status meet.
// Arguments, paths and variables that are not UTF-8.
mod bytes;
mod streams;
// Changes that stand although their answer could not be written.
mod unwritten;
// Hostile names and inputs on every output.
mod hostile;
// What a key or a workspace may be called, and what finds it by its name.
mod names;
// A file system that is full, or that can only be read.
mod full_disk;
// The corpus of the fuzz targets against their laws.
mod fuzz_corpus;
// Stores that are damaged, foreign, newer or busy.
mod store_guards;
// Where a store may be, and when one is made.
mod store_paths;
// What stdin may hold besides one secret, one line or one text.
mod input;
// The same without an end or measure: answered soon, and in little memory.
mod input_without_end;
// What is left of a process that held a secret, and who can look into it.
mod process;
// A revocation is seen by whoever verifies after it, a thousand times.
mod rounds;
// Writers and readers for a minute.
mod crowd;
// `keyward serve`: a real server on real sockets, and whoever asks it.
mod serve;
// The published vectors, judged by keyward and by a second implementation.
mod vectors;
// Stores in which bytes were changed or lost, or something was planted.
mod mangled;
// Records that were changed outside keyward.
mod integrity;
// Records that pretend to be what keyward wrote.
mod forgery;
// What each kind of edit outside keyward is found by.
mod tampering;
// Words that help, pages, documents and messages do without.
mod wording;
// Other programs in the same file, and file systems that lack something.
mod neighbours;
// Keys that have ended, and what could bring one back.
mod ended;
// Clocks that go back and clocks that jump ahead.
mod clock;
// One test per defect that was once found.
mod regression;
// The list of the tests that do not run on the second engine.
mod second_engine;
// A store on a PostgreSQL server, one that the tests make: several hosts' promises, faults, roles, credentials.
#[cfg(feature = "postgres")]
mod postgres;

use std::fs;
use std::path::Path;

#[test]
fn every_test_file_is_in_this_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let forgotten = forgotten_files(&folder, "main.rs");
    assert!(forgotten.is_empty(), "no list of modules names these files: {forgotten:?}");
}

/// The files of a folder and of the folders in it that their folder's root file declares no module for.
fn forgotten_files(folder: &Path, root: &str) -> Vec<String> {
    let list = fs::read_to_string(folder.join(root)).expect("the root file can be read");
    let mut forgotten = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of tests can be read") {
        let path = entry.expect("a folder entry can be read").path();
        let is_folder = path.join("mod.rs").exists();
        if is_folder {
            forgotten.extend(forgotten_files(&path, "mod.rs"));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_module = is_folder || path.extension().is_some_and(|end| end == "rs");
        let is_root = path.ends_with(root);
        let declared = [format!("mod {name};"), format!("pub mod {name};")];
        if is_module
            && !is_root
            && !list.lines().any(|line| declared.iter().any(|module| module == line))
        {
            forgotten.push(path.display().to_string());
        }
    }
    forgotten
}
