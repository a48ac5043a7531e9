//! Finding the word that was probably meant by a misspelled one.

/// The word that is nearest to what was typed, if one is near enough: a letter or two that are wrong, missing, too many or
/// changed about.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = typed.to_lowercase();
    let length = folded.chars().count();
    let enough = match length {
        0 | 1 => 0,
        2..=5 => 1,
        _ => 2,
    };
    let near = words.into_iter().filter_map(|word| {
        let distance = distance(&folded, &word.to_lowercase());
        (distance <= enough).then_some((distance, word))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// How many letters have to be put in, taken out, replaced or swapped with the next (the restricted Damerau-Levenshtein
/// distance).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (down, letter) in one.iter().enumerate() {
        let mut next = vec![down + 1];
        for (across, wanted) in other.iter().enumerate() {
            let replaced = row[across] + usize::from(letter != wanted);
            let mut least = replaced.min(row[across + 1] + 1).min(next[across] + 1);
            let is_swap =
                down > 0 && across > 0 && one[down - 1] == *wanted && other[across - 1] == *letter;
            if is_swap {
                least = least.min(before[across - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_near_and_another_word_is_not() {
        let words = ["default", "staging", "live", "test"];
        for (typed, meant) in [
            ("defalt", "default"),
            ("deafult", "default"),
            ("Default", "default"),
            ("stagingg", "staging"),
            ("lvie", "live"),
            ("tset", "test"),
        ] {
            assert_eq!(nearest(typed, words), Some(meant), "{typed}");
        }
        for typed in ["", "l", "production", "prod", "vile!", "xx"] {
            assert_eq!(nearest(typed, words), None, "{typed}");
        }
    }
}
