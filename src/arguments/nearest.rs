//! The nearest help and the nearest word, for words and options that keyward does not have.
//!
//! This module never repeats what was typed.

use crate::domain::words::nearest;

pub fn nearest_help(command: &str) -> String {
    let command = format!("keyward {command}");
    format!("see `{} --help`", command.trim_end())
}

/// The hint of a word that is not a command: what other tools call by it, the command of a group that has this name, or the
/// one that is nearest.
pub fn meant(command: &str, word: &str, whole: &clap::Command) -> String {
    if let Some(hint) = elsewhere(command, word) {
        return hint.to_owned();
    }
    let groups = command.split_whitespace();
    let Some(group) = groups.clone().try_fold(whole, |group, word| group.find_subcommand(word))
    else {
        return nearest_help(command);
    };
    let names = group.get_subcommands().map(clap::Command::get_name);
    let within = || {
        let mut groups = group.get_subcommands();
        let group = groups.find(|group| group.find_subcommand(word).is_some())?;
        Some(format!("{} {word}", group.get_name()))
    };
    match within().or_else(|| nearest(word, names).map(str::to_owned)) {
        Some(found) => {
            let words: Vec<&str> = groups.chain([found.as_str()]).collect();
            format!("did you mean `keyward {}`?", words.join(" "))
        }
        None => nearest_help(command),
    }
}

/// What other tools call by this word is called here.
fn elsewhere(command: &str, word: &str) -> Option<&'static str> {
    Some(match (command, word) {
        ("", "get" | "ls" | "keys" | "key" | "tokens" | "token") => {
            "`keyward list` lists keys, `keyward show KEY` shows one"
        }
        ("", "describe" | "view" | "cat") => "`keyward show KEY` shows a key",
        ("", "info") => {
            "`keyward show KEY` shows a key, `keyward store info` says where the store is"
        }
        ("", "create" | "new" | "add" | "generate" | "issue" | "init") => {
            "`keyward mint NAME` mints a key, `keyward workspace create NAME` creates a workspace"
        }
        ("", "delete" | "remove" | "rm" | "del" | "destroy") => {
            "`keyward revoke KEY` revokes a key, `keyward prune` deletes old records"
        }
        ("", "purge" | "gc" | "clean" | "cleanup") => "`keyward prune` deletes old records",
        ("", "update" | "edit" | "patch") => "`keyward set KEY` changes a key",
        ("", "pause" | "suspend" | "block") => "`keyward disable KEY` pauses a key",
        ("", "resume" | "unblock" | "restart") => "`keyward enable KEY` resumes a key",
        ("", "renew" | "roll" | "regenerate") => "`keyward rotate KEY` replaces a key's secret",
        ("", "mv") => "`keyward rename KEY NAME` renames a key",
        ("", "validate" | "auth" | "authenticate" | "test") => "`keyward verify` checks a secret",
        ("", "find" | "search" | "grep") => {
            "`keyward list --name TEXT` finds keys by name, `keyward scan` finds their secrets in files"
        }
        ("", "leak" | "leaks") => "`keyward scan` finds keys in files, git history and archives",
        ("", "workspaces" | "projects") => "`keyward workspace list` lists workspaces",
        ("", "switch" | "select") => "`keyward workspace use NAME` chooses a workspace",
        ("", "policy" | "policies" | "config" | "settings") => {
            "`keyward workspace show` shows a workspace's policy, `keyward workspace set` changes it"
        }
        ("", "log" | "logs" | "history" | "events") => "`keyward audit list` lists events",
        ("", "stats" | "metrics") => "`keyward usage` shows how keys were used",
        ("", "start" | "run" | "server" | "daemon") => {
            "`keyward serve` verifies requests in front of an HTTP API"
        }
        ("", "login" | "user" | "users") => "`keyward whoami` shows who is calling",
        ("", "status") => "`keyward store info` says where the store is and what it contains",
        ("workspace", "get" | "ls") => "`keyward workspace list` lists workspaces",
        ("workspace", "new" | "add" | "init") => "`keyward workspace create NAME` creates one",
        ("workspace", "rm" | "remove" | "del") => "`keyward workspace delete NAME` deletes one",
        ("workspace", "switch" | "select") => "`keyward workspace use NAME` chooses one",
        ("audit", "ls" | "show" | "log") => "`keyward audit list` lists events",
        _ => return None,
    })
}

/// The option that is meant by one that other commands have.
pub fn other_option(command: &str, option: &str) -> Option<&'static str> {
    match (command, option) {
        ("verify", "--scope" | "--scopes") => {
            Some("`keyward verify --require SCOPE` asks for a scope")
        }
        ("check" | "prune", "--all" | "-a") => {
            Some("--all-workspaces (-A) includes every workspace")
        }
        ("verify", word) if !word.starts_with('-') => {
            Some("the secret is read from stdin: `keyward verify < FILE`, or --file or --env")
        }
        ("activate", word) if !word.starts_with('-') => {
            Some("the secret is read from stdin: `keyward activate < FILE`, or --file or --env")
        }
        _ => None,
    }
}
