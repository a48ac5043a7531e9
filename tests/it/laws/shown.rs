//! What nobody may be shown, by a list of its own.

/// Whether a character is obeyed or hidden by a terminal: control characters (Cc), Unicode's Bidi_Control and line
/// separators, and its Default_Ignorable_Code_Point with the interlinear marks.
pub fn misleads(character: char) -> bool {
    const RANGES: [(u32, u32); 19] = [
        (0x00, 0x1f),
        (0x7f, 0x9f),
        (0xad, 0xad),
        (0x034f, 0x034f),
        (0x061c, 0x061c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200f),
        (0x2028, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfffb),
        (0x1_bca0, 0x1_bca3),
        (0x1_d173, 0x1_d17a),
        (0xe_0000, 0xe_0fff),
    ];
    let code = u32::from(character);
    RANGES.iter().any(|(first, last)| (*first..=*last).contains(&code))
}

/// Asserts of one line that it can be shown: on a terminal, and in the logs of GitHub's and Azure's runners, which take
/// `::` at a line's beginning and `##[` or `##vso[` anywhere for commands.
pub fn assert_harmless(line: &str) {
    assert!(!line.chars().any(misleads), "shown as it is: {line:?}");
    assert!(!line.trim_start().starts_with("::"), "GitHub's runner obeys {line:?}");
    assert!(!line.contains("##"), "Azure's runner obeys {line:?}");
}

/// Asserts of a failure that its message and hint are lines that can be shown.
pub fn assert_presentable(error: &keyward::error::Error) {
    assert_harmless(&error.to_string());
    assert_harmless(error.hint().unwrap_or_default());
    assert!(!error.to_string().is_empty());
}
