//! Variables that a secret is put into: which names they may have, and which secrets they may hold.

use super::{Payload, undelivered};
use crate::domain::Safe;
use crate::error::{Error, Result};

/// Refuses a name that shells and dotenv libraries do not take: POSIX's rule for names, `[A-Za-z_][A-Za-z0-9_]*`.
pub(super) fn check_environment(name: &str) -> Result<()> {
    check(name, is_word, "use letters, digits and _, not beginning with a digit")
}

/// Refuses a name that GitHub's runner does not let a step set for later steps.
///
/// The runner keeps `GITHUB_*` and `RUNNER_*` to itself and blocks NODE_OPTIONS, in any case of letters
/// (GitHub Docs, "Workflow commands", setting an environment variable).
pub(super) fn check_github_environment(name: &str) -> Result<()> {
    check_environment(name)?;
    let is_reserved = ["GITHUB_", "RUNNER_"].iter().any(|prefix| name.starts_with(prefix))
        || name.eq_ignore_ascii_case("NODE_OPTIONS");
    if is_reserved {
        return Err(Error::usage(format!("the runner does not let a step set {name}")).hinted(
            "choose a name that is not NODE_OPTIONS and does not begin with GITHUB_ or RUNNER_",
        ));
    }
    Ok(())
}

/// Refuses a name that GitHub's expressions do not take as a step's output: `[A-Za-z_][A-Za-z0-9_-]*`.
pub(super) fn check_github_output(name: &str) -> Result<()> {
    check(
        name,
        |byte| is_word(byte) || byte == b'-',
        "use letters, digits, _ and -, beginning with a letter or _",
    )
}

fn check(name: &str, allowed: impl Fn(u8) -> bool, rule: &str) -> Result<()> {
    let begins_well =
        name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    if begins_well && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::usage(format!("\"{}\" cannot be a variable's name", Safe(name))).hinted(rule))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The only secret handed over, made of bytes that mean themselves wherever a variable's value is read.
pub(super) fn only_secret<'a>(payload: &Payload<'a>) -> Result<&'a str> {
    let [secret] = payload.secrets else {
        let message =
            format!("a variable can contain only one secret, not {}", payload.secrets.len());
        return Err(undelivered(message));
    };
    let secret = secret.expose();
    // SECURITY: every byte is itself to shells, dotenv libraries, docker, systemd and workflow commands alike, so
    // nothing is quoted; a secret with any other byte must not get as far as a file that a shell reads.
    if secret.is_empty()
        || !secret.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
    {
        return Err(undelivered("the secret has characters that a variable cannot hold safely"));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;
    use crate::error::Kind;

    #[test]
    fn environment_names_are_posix_names() {
        for name in ["A", "_", "acme_KEY_2"] {
            assert!(check_environment(name).is_ok(), "{name}");
        }
        for name in ["", "2A", "A-B", "A B", "A=B", "A\n", "Ä"] {
            assert_eq!(check_environment(name).expect_err(name).kind(), Kind::Usage);
        }
    }

    #[test]
    fn github_reserves_some_environment_names() {
        assert!(check_github_environment("ACME_KEY").is_ok());
        for name in ["GITHUB_TOKEN", "RUNNER_TEMP", "NODE_OPTIONS", "node_options", "A-B"] {
            assert_eq!(check_github_environment(name).expect_err(name).kind(), Kind::Usage);
        }
    }

    #[test]
    fn github_output_names_may_have_dashes() {
        assert!(check_github_output("api-key_2").is_ok());
        for name in ["", "-key", "2key", "a.b", "a<<b"] {
            assert_eq!(check_github_output(name).expect_err(name).kind(), Kind::Usage);
        }
    }

    #[test]
    fn a_variable_takes_one_secret_of_the_tokens_alphabet() {
        let only = |texts: &[&str]| {
            let secrets: Vec<Secret> =
                texts.iter().map(|text| Secret::new((*text).to_owned())).collect();
            only_secret(&Payload { secrets: &secrets, text: b"" }).map(str::to_owned)
        };
        assert_eq!(only(&["sw_live_a.B-9"]).expect("the alphabet"), "sw_live_a.B-9");
        for refused in
            [&["a", "b"][..], &[], &[""], &["a b"], &["a\nb"], &["a$b"], &["a'"], &["a%"], &["é"]]
        {
            assert_eq!(only(refused).expect_err("refused").kind(), Kind::DeliveryFailed);
        }
    }
}
