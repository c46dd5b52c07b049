//! A strict reader of Prometheus' text format 0.0.4, as its documentation ("Exposition formats") tells it.

use std::collections::{BTreeMap, BTreeSet};

/// A metric as it is read.
#[derive(Debug, Default)]
pub(crate) struct Metric {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

/// One of its lines.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: String,
    pub(crate) time: Option<String>,
}

/// Returns the metrics by their names; panics where the text is not as the documentation wants it.
pub(crate) fn read(text: &str) -> BTreeMap<String, Metric> {
    let lines = text.strip_suffix('\n').expect("the last line ends");
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let mut current = String::new();
    let mut seen = BTreeSet::new();
    for line in lines.split('\n') {
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            let comment = comment.trim_start_matches([' ', '\t']);
            let (word, rest) = comment.split_once([' ', '\t']).unwrap_or((comment, ""));
            if word != "HELP" && word != "TYPE" {
                continue;
            }
            let (name, said) = rest.split_once(' ').expect("a name and what is said of it");
            assert!(is_name(name, true), "{line}");
            if current != name {
                assert!(!metrics.contains_key(name), "{name} is in two groups");
                name.clone_into(&mut current);
            }
            let metric = metrics.entry(name.to_owned()).or_default();
            assert!(metric.samples.is_empty(), "{line} stands behind samples");
            if word == "HELP" {
                assert!(metric.help.is_empty(), "two lines of help: {line}");
                metric.help = unescaped(said, false);
            } else {
                assert!(metric.kind.is_empty(), "two types: {line}");
                let kinds = ["counter", "gauge", "histogram", "summary", "untyped"];
                assert!(kinds.contains(&said), "{line}");
                said.clone_into(&mut metric.kind);
            }
            continue;
        }
        let (name, sample) = sample(line);
        assert_eq!(current, name, "a sample outside of its group");
        assert!(
            seen.insert(format!("{name} {:?}", sample.labels)),
            "twice: {line}"
        );
        metrics.get_mut(&name).unwrap().samples.push(sample);
    }
    metrics
}

fn sample(line: &str) -> (String, Sample) {
    let end = line.find(['{', ' ', '\t']).expect("a value");
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name, true), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            if let Some(after) = inside.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = inside.split_once("=\"").expect("a label and its value");
            assert!(is_name(label, false), "{line}");
            let end = end_of_text(after);
            let value = unescaped(&after[..end], true);
            assert!(
                labels.insert(label.to_owned(), value).is_none(),
                "{label} is there twice: {line}"
            );
            inside = &after[end + 1..];
            match inside.strip_prefix(',') {
                Some(after) => inside = after,
                None => assert!(inside.starts_with('}'), "{line}"),
            }
        }
    }
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let value = words.next().expect("a value").to_owned();
    let known = ["NaN", "+Inf", "-Inf"].contains(&value.as_str());
    assert!(known || value.parse::<f64>().is_ok(), "{line}");
    let time = words.next().map(str::to_owned);
    assert!(
        time.iter().all(|time| time.parse::<i64>().is_ok()),
        "{line}"
    );
    assert_eq!(words.next(), None, "{line}");
    (
        name.to_owned(),
        Sample {
            labels,
            value,
            time,
        },
    )
}

fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        match character {
            '"' if !escaped => return index,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    panic!("a text does not end: {text}")
}

fn unescaped(text: &str, quoted: bool) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('\\') => plain.push('\\'),
                Some('n') => plain.push('\n'),
                Some('"') if quoted => plain.push('"'),
                other => panic!("{other:?} is no escape: {text}"),
            },
            character => plain.push(character),
        }
    }
    plain
}

fn is_name(text: &str, of_metric: bool) -> bool {
    let fine = |character: char| {
        character.is_ascii_alphanumeric() || character == '_' || (of_metric && character == ':')
    };
    !text.is_empty()
        && text.chars().all(fine)
        && !text.starts_with(|one: char| one.is_ascii_digit())
}
