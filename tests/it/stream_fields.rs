//! Fields of a request that decide nothing refuse nothing: addresses as proxies write them, zero values, and ids that others
//! can read again.

use serde_json::{Value, json};

use crate::support::stream::{Stream, answers, each, parsed};
use crate::support::{Sandbox, text};

/// A key that may be used from some networks alone, and one that may be used from anywhere.
fn keys(sandbox: &Sandbox) -> (String, String) {
    let flags = ["--allow", "10.0.0.0/8", "--allow", "::1", "--allow", "fe80::/10"];
    (sandbox.mint_with("bound", &flags), sandbox.mint("free"))
}

#[test]
fn an_address_may_carry_a_port_brackets_and_a_zone() {
    let sandbox = Sandbox::new();
    let (bound, free) = keys(&sandbox);
    let mut stream = Stream::start(&sandbox, &[]);
    for (ip, code) in [
        ("10.0.0.1", "valid"),
        ("10.0.0.1:443", "valid"),
        ("::1", "valid"),
        ("[::1]", "valid"),
        ("[::1]:443", "valid"),
        ("fe80::1%eth0", "valid"),
        ("[fe80::1%eth0]:443", "valid"),
        ("::ffff:10.0.0.1", "valid"),
        ("[::ffff:10.0.0.1]:80", "valid"),
        ("11.0.0.1:443", "ip_denied"),
        ("[2001:db8::1]:443", "ip_denied"),
    ] {
        stream.expect(&json!({"key": bound, "ip": ip}).to_string(), code);
        stream.expect(&json!({"key": free, "ip": ip}).to_string(), "valid");
        let exit = if code == "valid" { 0 } else { 14 };
        sandbox.verdict(&bound, &["--ip", ip], exit, code);
    }
    assert_eq!(stream.end().status, 0);
    let recorded = sandbox.keyward(["usage"]).answer();
    assert!(recorded["usage"].is_array());
}

#[test]
fn what_is_no_address_is_one_that_is_not_known() {
    let sandbox = Sandbox::new();
    let (bound, free) = keys(&sandbox);
    // Also where the options would let it in.
    for options in [&[][..], &["--ip", "10.0.0.1"]] {
        let mut stream = Stream::start(&sandbox, options);
        for ip in ["unknown", "-", " ", "10.0.0.1:x", "10.0.0.999", "localhost:80", "[::1"] {
            stream.expect(&json!({"key": bound, "ip": ip}).to_string(), "ip_denied");
            stream.expect(&json!({"key": free, "ip": ip}).to_string(), "valid");
        }
        let code = if options.is_empty() { "ip_denied" } else { "valid" };
        for ip in [json!(""), Value::Null] {
            stream.expect(&json!({"key": bound, "ip": ip}).to_string(), code);
        }
    }
    for (ip, exit) in [("unknown", 2), ("10.0.0.1:x", 2), (" ", 2)] {
        let run = sandbox.keyward(["verify", "--ip", ip]).stdin(&free);
        run.refused(exit, "usage");
    }
    sandbox.verdict(&free, &["--ip", ""], 0, "valid");
    sandbox.verdict(&bound, &["--ip", ""], 14, "ip_denied");
}

#[test]
fn zero_values_are_not_given() {
    let sandbox = Sandbox::with_policy("default", "default_plan = \"p\"\n[plans.p]\nquota = 100\n");
    let secret = sandbox.mint("ci");
    let mut stream = Stream::start(&sandbox, &["-e", "live", "--ip", "10.0.0.1"]);
    let mut ask = |more: Value, code: &str| {
        let mut line = json!({ "key": secret });
        let fields = line.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        stream.expect(&line.to_string(), code)
    };
    for more in [
        json!({"environment": ""}),
        json!({"environment": null}),
        json!({"ip": ""}),
        json!({"scopes": null}),
        json!({"cost": null}),
        json!({"environment": "", "ip": "", "scopes": null, "cost": 1.0}),
    ] {
        ask(more, "valid");
    }
    assert_eq!(ask(json!({"cost": 1.0}), "valid")["remaining"], 93);
    assert_eq!(ask(json!({"cost": 3.0}), "valid")["remaining"], 90);
    assert_eq!(ask(json!({"cost": 0.0}), "valid")["remaining"], 90);
    for cost in [json!(1.5), json!(-1), json!(-1.0), json!(4_294_967_296_u64), json!("1")] {
        assert_eq!(ask(json!({ "cost": cost }), "bad_request")["status"], 400);
    }
    let none = stream.expect("{\"key\":null,\"id\":1}", "malformed");
    assert_eq!((&none["status"], &none["id"]), (&json!(401), &json!(1)));
    stream.expect("{\"id\":1}", "bad_request");
    stream.expect("{\"key\":1}", "bad_request");
}

#[test]
fn a_byte_order_mark_before_the_first_line_is_skipped() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for line in [secret.clone(), json!({ "key": secret }).to_string()] {
        let input = format!("\u{feff}{line}\r\n{line}\r\n\u{feff}{line}\n");
        let verdicts = answers(&sandbox, &[], input);
        assert_eq!(each(&verdicts, "valid"), ["true", "true", "false"]);
    }
    let verdicts = answers(&sandbox, &[], format!("\n\u{feff}{secret}\n"));
    assert_eq!(each(&verdicts, "valid"), ["false", "false"]);
    // In pieces, before a line of the greatest length, and alone.
    let mut stream = Stream::start(&sandbox, &[]);
    for byte in "\u{feff}".as_bytes() {
        stream.send([*byte]);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    stream.expect(&secret, "valid");
    let longest = format!("\u{feff}{}\n{secret}", "x".repeat(64 * 1024));
    assert_eq!(each(&answers(&sandbox, &[], longest), "code"), ["malformed", "valid"]);
    assert!(answers(&sandbox, &[], "\u{feff}").is_empty());
}

#[test]
fn an_id_is_any_json_that_others_can_read_again() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let mut stream = Stream::start(&sandbox, &[]);
    for id in [
        "null".to_owned(),
        "1e400".to_owned(),
        "\"\\ud83d\\ude00\"".to_owned(),
        "[\"\\\\ud800\",{\"\\u00e9\":\"]\"}]".to_owned(),
        nested(128),
        objects(128),
        format!("[{},{}]", nested(127), nested(127)),
    ] {
        stream.send(format!("{{\"key\":\"{secret}\",\"id\":{id}}}\n"));
        let line = stream.line();
        assert!(line.contains("\"valid\":true"), "{id}: {line}");
    }
    for id in [
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800x\"",
        "\"\\ud800\\ud800\"",
        "\"\\ude00\\ud83d\"",
        "\"\\ud83d\\n\"",
        "{\"\\ud800\":1}",
        &nested(129),
        &objects(129),
        &nested(30_000),
    ] {
        for key in [format!("\"{secret}\""), "7".to_owned()] {
            stream.send(format!("{{\"key\":{key},\"id\":{id}}}\n"));
            let verdict = parsed(&stream.line());
            assert_eq!(text(&verdict, "code"), "bad_request", "{id}");
            assert!(verdict.get("id").is_none(), "{verdict:#}");
        }
    }
    stream.expect(&secret, "valid");
}
