//! Names with `*` for any run of characters.

use std::fmt;

/// A name, or a pattern of names: `worker-1`, `gpu-*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Returns the pattern that this text is; every text is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns it as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it means one name alone.
    pub fn is_literal(&self) -> bool {
        !self.0.contains('*')
    }

    /// Returns whether it means every name there is.
    pub fn is_everything(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    /// Returns whether it means this name. Upper and lower case are two things.
    pub fn means(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
            return false;
        };
        let Some(last) = parts.next_back() else {
            // There is no star in it.
            return rest.is_empty();
        };
        let Some(mut rest) = rest.strip_suffix(last) else {
            return false;
        };
        // Taking each part as early as it comes leaves the most for those after it.
        for part in parts {
            let Some(at) = rest.find(part) else {
                return false;
            };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        true
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_stand_for_any_run_of_characters() {
        for (pattern, name, means) in [
            ("worker-1", "worker-1", true),
            ("worker-1", "worker-10", false),
            ("worker-1", "Worker-1", false),
            ("worker-1", "", false),
            ("gpu-*", "gpu-", true),
            ("gpu-*", "gpu-a-1", true),
            ("gpu-*", "cpu-gpu-1", false),
            ("*-1", "a-1", true),
            ("*-1", "a-11", false),
            ("*-1", "a-1-1", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("a**c", "ac", true),
            ("*", "", true),
            ("*", "x", true),
            ("*é*", "caféé", true),
            ("node.?", "node.a", false),
        ] {
            assert_eq!(Pattern::new(pattern).means(name), means, "{pattern} {name}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_length_times_that_of_the_name() {
        let pattern = Pattern::new(format!("{}b", "*a".repeat(2_000)));
        assert!(!pattern.means(&"a".repeat(20_000)));
    }

    #[test]
    fn a_pattern_that_means_everything_is_known_as_one() {
        assert!(Pattern::new("*").is_everything() && Pattern::new("**").is_everything());
        assert!(!Pattern::new("a*").is_everything());
        assert!(Pattern::new("a").is_literal() && !Pattern::new("a*").is_literal());
    }
}
