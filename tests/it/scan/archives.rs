//! Archives: what is in them is found at its place, and what they cannot be made to do.

use std::time::Instant;

use super::{one, places, plant, scan, shell};
use crate::support::tool;

#[test]
fn what_is_in_an_archive_is_found_at_its_place_in_the_member() {
    if !tool("zstd") || !tool("zip") {
        return;
    }
    let (sandbox, secret) = one();
    plant(&sandbox, "made/etc/app.env", format!("first\nKEY={secret}\n"));
    plant(&sandbox, &format!("made/etc/{}.txt", "long-name/".repeat(15)), "text");
    shell(
        &sandbox,
        "made",
        "t=../tree
        gzip < etc/app.env > $t/a.gz
        cat $t/a.gz $t/a.gz > $t/two.gz
        zstd -q < etc/app.env > $t/a.zst
        cat $t/a.zst $t/a.zst > $t/two.zst
        tar cf $t/a.tar etc; tar czf $t/a.tgz etc; tar c etc | zstd -q > $t/a.tar.zst
        tar --format=pax -cf $t/pax.tar etc; tar --format=ustar -cf $t/ustar.tar etc/app.env
        zip -qr $t/a.zip etc; zip -q0 $t/stored.zip etc/app.env
        zip -q - etc/app.env > $t/streamed.zip
        cp $t/a.zip in.zip; tar czf $t/nested.tgz in.zip; gzip < $t/nested.tgz > $t/deep.gz",
    );
    let answer = scan(&sandbox, &["tree"], 18);
    assert_eq!(answer["complete"], true, "{:#}", answer["incomplete"]);
    let mut expected: Vec<String> =
        ["a.gz", "a.zst"].map(|name| format!("tree/{name}:2:5")).to_vec();
    for name in ["two.gz", "two.zst"] {
        expected.extend([2, 4].map(|line| format!("tree/{name}:{line}:5")));
    }
    let archives = [
        "a.tar",
        "a.tgz",
        "a.tar.zst",
        "pax.tar",
        "ustar.tar",
        "a.zip",
        "stored.zip",
        "streamed.zip",
    ];
    expected.extend(archives.map(|name| format!("tree/{name}!etc/app.env:2:5")));
    expected.extend(
        ["nested.tgz", "deep.gz"].map(|name| format!("tree/{name}!in.zip!etc/app.env:2:5")),
    );
    expected.sort();
    assert_eq!(places(&answer, "ci"), expected);
    for name in ["a.tgz", "a.zip", "a.zst"] {
        let content = std::fs::read(sandbox.home().join("tree").join(name)).expect("it is there");
        sandbox.keyward(["scan", "-"]).stdin(content).exit(18);
    }
}

/// A program that unpacks itself has its archive at its end; the archive may or may not know of what comes before it.
#[test]
fn a_zip_that_other_bytes_come_before_is_found() {
    if !tool("zip") {
        return;
    }
    let (sandbox, secret) = one();
    let long = format!("{}KEY={secret}\n", "a line\n".repeat(100));
    plant(&sandbox, "made/app.env", long);
    shell(
        &sandbox,
        "made",
        "t=../tree
        zip -q a.zip app.env; printf '#!/bin/sh\nexec unzip -p \"$0\" | sh\n' > run; cat a.zip >> run
        cp run $t; tar cf $t/run.tar run; (cat run; echo signature) > $t/signed
        (head -c 3000000 /dev/zero | tr '\\0' '.'; cat a.zip) > $t/large; cp $t/large $t/adjusted; zip -qA $t/adjusted
        printf 'text: PK\\005\\006, the end record of a zip archive' > $t/text
        for name in run large; do cp $t/$name .; done
        git init -q ../tree; git -C ../tree add run large; git -C ../tree commit -qm all",
    );
    let expected = |names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("tree/{name}!app.env:101:5")).collect()
    };
    let answer = scan(&sandbox, &["tree"], 18);
    assert_eq!(answer["complete"], true, "{:#}", answer["incomplete"]);
    let names = ["adjusted", "large", "run", "run.tar!run", "signed"];
    assert_eq!(places(&answer, "ci"), expected(&names));
    let history = places(&scan(&sandbox, &["tree", "--history"], 18), "ci");
    for name in ["large!app.env:101:5", "run!app.env:101:5"] {
        assert!(history.iter().any(|place| place.ends_with(name)), "{name}: {history:?}");
    }
    let answer = scan(&sandbox, &["tree/run", "--max-depth", "0"], 7);
    assert!(answer["incomplete"][0].as_str().is_some_and(|why| why.contains("--max-depth")));
}

#[test]
fn what_follows_the_end_of_a_tar_is_read_or_said() {
    let (sandbox, secret) = one();
    plant(&sandbox, "made/a", "text");
    plant(&sandbox, "made/app.env", &secret);
    shell(
        &sandbox,
        "made",
        "tar cf a.tar a; tar cf b.tar app.env; cat a.tar b.tar > ../tree/both.tar; (cat a.tar; echo more) > ../tree/more.tar",
    );
    assert_eq!(
        places(&scan(&sandbox, &["tree/both.tar"], 18), "ci"),
        ["tree/both.tar!app.env:1:1"]
    );
    let answer = scan(&sandbox, &["tree/more.tar"], 7);
    let why = "cannot read tree/more.tar: something else follows the archive";
    assert_eq!(answer["incomplete"], serde_json::json!([why]));
}

#[test]
fn a_member_whose_name_has_a_token_is_masked() {
    if !tool("zip") {
        return;
    }
    let (sandbox, secret) = one();
    plant(&sandbox, &format!("made/{secret}.txt"), "text");
    shell(&sandbox, "made", "tar cf ../tree/a.tar . && zip -qr ../tree/a.zip .");
    let output = sandbox.keyward(["scan", "tree", "--json"]).exit(18);
    assert!(!output.stdout.contains(&secret[24..]), "{}", output.stdout);
    assert_eq!(
        places(&output.json(), "ci"),
        ["tree/a.tar!./[masked].txt:null:null", "tree/a.zip![masked].txt:null:null"]
    );
}

#[test]
fn an_archive_that_cannot_be_read_makes_a_scan_incomplete() {
    if !tool("zip") {
        return;
    }
    let (sandbox, secret) = one();
    let text: String =
        (0..10_000_u64).map(|number| format!("{} ", number * 7_919 % 65_537)).collect();
    plant(&sandbox, "made/app.env", format!("{secret}\n{text}"));
    shell(
        &sandbox,
        "made",
        "t=../tree
        tar czf a.tgz app.env; head -c 3000 a.tgz > $t/cut.tgz
        tar cf a.tar app.env; head -c 20000 a.tar > $t/cut.tar
        zip -q a.zip app.env; head -c 2000 a.zip > $t/cut.zip
        zip -q -P word $t/locked.zip app.env
        cp app.env deep; for n in 1 2 3 4 5; do gzip -n deep && mv deep.gz deep; done; cp deep $t/deep",
    );
    for name in ["cut.tgz", "cut.tar", "cut.zip", "locked.zip", "deep"] {
        let file = format!("tree/{name}");
        let output = sandbox.keyward(["scan", "--json", &file]).run();
        let answer = output.json();
        assert_eq!(answer["complete"], false, "{name}: {answer:#}");
        let why = answer["incomplete"][0].as_str().unwrap_or_default();
        assert!(why.starts_with(&format!("cannot read {file}")), "{why}");
        assert!([7, 18].contains(&output.status), "{name}");
    }
    scan(&sandbox, &["tree/deep", "--max-depth", "5"], 18);
}

#[test]
fn a_bomb_is_given_up_at_the_limit() {
    let (sandbox, _) = one();
    shell(&sandbox, "tree", "head -c 200000000 /dev/zero | gzip -9 > zeros.gz");
    let start = Instant::now();
    let answer = scan(&sandbox, &["tree", "--max-bytes", "10M"], 7);
    assert!(start.elapsed().as_secs() < 30);
    let scanned = answer["scanned"]["bytes"].as_u64().expect("a number");
    assert!(scanned <= 10 << 20, "{scanned} bytes");
    assert!(answer["incomplete"][0].as_str().is_some_and(|why| why.contains("--max-bytes")));
}

/// Members that share bytes unpack to far more than there is (<https://www.bamsoftware.com/hacks/zipbomb/>).
#[test]
fn members_that_overlap_are_refused() {
    if !tool("zip") {
        return;
    }
    let (sandbox, _) = one();
    plant(&sandbox, "made/a", "text ".repeat(1000));
    shell(&sandbox, "made", "zip -q ../tree/a.zip a && cp a b && zip -q ../tree/a.zip b");
    let path = sandbox.home().join("tree/a.zip");
    let mut bytes = std::fs::read(&path).expect("it is there");
    // The second entry of the directory is made to begin where the first does.
    let entries: Vec<usize> =
        (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
    bytes[entries[1] + 42..entries[1] + 46].fill(0);
    std::fs::write(&path, bytes).expect("it can be written");
    let answer = scan(&sandbox, &["tree"], 7);
    assert_eq!(answer["incomplete"][0], "cannot read tree/a.zip: zip: members overlap");
}

/// Whatever becomes of an archive's bytes, a scan ends, and says so.
#[test]
fn a_damaged_archive_ends_no_scan() {
    if !tool("zstd") || !tool("zip") {
        return;
    }
    let (sandbox, _) = one();
    plant(&sandbox, "made/app.env", "some text ".repeat(300));
    shell(
        &sandbox,
        "made",
        "tar czf a.tgz app.env; zstd -q app.env -o a.zst; tar cf a.tar app.env; zip -q a.zip app.env",
    );
    for name in ["a.tgz", "a.zst", "a.tar", "a.zip"] {
        let whole = std::fs::read(sandbox.home().join("made").join(name)).expect("it is there");
        for nth in 0..40 {
            let mut bytes = whole.clone();
            let at = nth * bytes.len() / 40;
            bytes[at] ^= 0x55 + nth as u8;
            plant(&sandbox, &format!("tree/{nth}-{name}"), bytes);
        }
    }
    let output = sandbox.keyward(["scan", "tree", "--json"]).run();
    assert!([0, 7].contains(&output.status), "{}", output.transcript());
    assert_eq!(output.json()["scanned"]["files"], 160);
}
