//! Whether a message quotes what it is about.

/// The shortest word that is looked for: shorter ones may be in a message by chance.
const SHORTEST: usize = 6;

/// What messages of our own say that has letters and digits.
const OURS: [&str; 1] = ["v1beta1"];

/// Asserts that `shown` has no word of `text` that could be a secret: letters and digits, so many of them.
pub(crate) fn not_in(shown: &str, text: &[u8]) {
    let words = text.split(|byte| !byte.is_ascii_alphanumeric());
    for word in words.filter(|word| word.len() >= SHORTEST) {
        let Ok(word) = std::str::from_utf8(word) else {
            continue;
        };
        let has = |of: fn(&u8) -> bool| word.as_bytes().iter().any(of);
        let could_be = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        if could_be && !OURS.iter().any(|ours| ours.contains(word)) {
            assert!(!shown.contains(word), "{word:?} is shown: {shown}");
        }
    }
}
