//! The clients of `verify --stream` in `docs/services.md` work as they stand there.

use crate::support::docs::{SERVICES, path_with_keyward};
use crate::support::{Sandbox, token, tool};

/// What asks with a valid, a revoked, an unknown and no key, and then with many at once whose answers must not be mixed up.
const NODE: &str = r#"
(async () => {
  const verifier = startVerifier();
  const keys = require("node:fs").readFileSync("keys", "utf8").split("\n");
  for (const key of [...keys.slice(0, 3), undefined]) console.log((await verifier.verify(key)).code);
  console.log((await verifier.verify(keys[0], { environment: "test" })).code);
  const many = Array.from({ length: 500 }, (_, index) => index % 2 ? keys[1] : keys[0]);
  const verdicts = await Promise.all(many.map((key) => verifier.verify(key)));
  console.log(verdicts.every((verdict, index) => verdict.subject.name === (index % 2 ? "lost" : "kept")));
  console.log(await verifier.close());
  console.log(await verifier.verify(keys[0]).then(() => "answered", () => "rejected"));
})();
"#;

const PYTHON: &str = r#"
verifier = Verifier()
keys = open("keys").read().split("\n")
for key in [*keys[:3], None]:
    print(verifier.verify(key)["code"])
print(verifier.verify(keys[0], environment="test")["code"])
names = {keys[0]: "kept", keys[1]: "lost"}
right = []
def ask(key):
    for _ in range(100):
        right.append(verifier.verify(key)["subject"]["name"] == names[key])
threads = [threading.Thread(target=ask, args=(keys[number % 2],)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("true" if len(right) == 400 and all(right) else "false")
print(verifier.close())
try: print(verifier.verify(keys[0]))
except Exception: print("rejected")
"#;

/// What either prints.
const EXPECTED: &str =
    "valid\nrevoked\nnot_found\nmalformed\nwrong_environment\ntrue\n0\nrejected\n";

#[test]
fn the_node_client_of_the_docs_works_as_written() {
    check("node", "## Node.js", "js", NODE);
}

#[test]
fn the_python_client_of_the_docs_works_as_written() {
    check("python3", "## Python", "python", PYTHON);
}

/// Runs the code block under a heading, followed by these lines.
fn check(program: &str, heading: &str, language: &str, lines: &str) {
    if !tool(program) {
        return;
    }
    let (sandbox, kept) = Sandbox::with_key("kept");
    let lost = sandbox.mint("lost");
    sandbox.keyward(["revoke", "lost", "--yes"]).ok();
    let unknown = token::well_formed();
    sandbox.file("keys", &format!("{kept}\n{lost}\n{unknown}\n"));
    let code = SERVICES.block(heading, language);
    let script = sandbox.file(&format!("client.{language}"), &format!("{code}\n{lines}"));
    let output = sandbox.program(program, [script]).env("PATH", path_with_keyward()).ok();
    assert_eq!(output.stdout, EXPECTED, "{}", output.stderr);
    let uses = sandbox.number("SELECT sum(valid) FROM usage");
    let many = if program == "node" { 250 } else { 200 };
    assert_eq!(uses, 1 + many, "the uses at the end are recorded too");
}
