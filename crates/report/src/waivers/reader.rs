//! Reads a file of waivers. Every mistake is said with its place and its mend; with one, nothing of the file is used.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use kubeassay_core::rule::yaml::{Entry as Pair, Kind, Node};
use kubeassay_core::rule::{Catalogue, Code, Diagnostic, Rule, did_you_mean, suggestion};
use kubeassay_core::{Cause, Horizon};

use super::document::{Document, Entry, MAX_WAIVERS, Scope};
use super::observed::{Observed, Wanted};
use super::pattern::Pattern;

/// Larger files are not read, in bytes.
pub const MAX_FILE: usize = 1 << 20;

/// A file with more nodes of YAML is not read: so many that the most waivers a file may have fit in.
const MAX_NODES: usize = 200_000;

/// The longest reason, in bytes; it stands in every finding that it covers.
const MAX_REASON: usize = 2_000;

/// Every other text, in bytes.
const MAX_TEXT: usize = 500;

/// The most nodes, and the most values, that a waiver names.
const MAX_NAMED: usize = 500;

/// Mistakes beyond so many are not listed: they are one mistake, made often.
const MAX_FAULTS: usize = 100;

/// The keys of a waiver, those that it must have first.
pub(super) const KEYS: &[&str] = &[
    "rule", "observed", "reason", "owner", "expires", "scope", "cause", "ticket", "created",
];

/// How many of [`KEYS`] a waiver must have.
pub(super) const REQUIRED: usize = 5;

/// The keys of a scope.
pub(super) const SCOPE_KEYS: &[&str] = &["nodes", "cluster", "subject", "horizon"];

pub(super) fn read(
    file: &str,
    bytes: &[u8],
    rules: &Catalogue,
) -> Result<Document, Vec<Diagnostic>> {
    let whole = |code, text: &str, message: String, help: &str| {
        Err(vec![
            Diagnostic::new(code, file, text, 0..0, message).help(help.to_owned()),
        ])
    };
    if bytes.len() > MAX_FILE {
        let message = format!("it is larger than {} KiB", MAX_FILE / 1024);
        let help = "waivers are written by people; split the file and name both";
        return whole(Code::TooLarge, "", message, help);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let text = String::from_utf8_lossy(bytes);
            let fault = Diagnostic::new(Code::NotUtf8, file, &text, at..at, "it is not UTF-8");
            return Err(vec![fault.help("save it as UTF-8".to_owned())]);
        }
    };
    let mut reader = Reader {
        file,
        text,
        rules,
        faults: Vec::new(),
        places: Places::default(),
        of_rule: BTreeMap::new(),
    };
    let entries = match Node::parse_within(text, 0, MAX_NODES) {
        Ok(node) => reader.document(&node),
        Err(fault) => {
            reader.fault(Code::YamlSyntax, &fault.span, fault.message, None);
            Vec::new()
        }
    };
    if reader.faults.is_empty() {
        Ok(Document {
            file: Arc::from(file),
            text: text.to_owned(),
            entries,
        })
    } else {
        Err(reader.faults)
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    rules: &'a Catalogue,
    faults: Vec<Diagnostic>,
    places: Places,
    /// How many waivers there are of each rule so far.
    of_rule: BTreeMap<String, usize>,
}

/// Counts lines on from the place that was asked for last, so that reading a file is linear in it.
#[derive(Default)]
struct Places {
    at: usize,
    line: u32,
    line_start: usize,
}

impl Places {
    /// Returns line and column of a byte, from 1.
    fn of(&mut self, text: &str, at: usize) -> (u32, u32) {
        if at < self.at {
            *self = Self::default();
        }
        for (offset, _) in text
            .get(self.at..at)
            .unwrap_or_default()
            .match_indices('\n')
        {
            self.line += 1;
            self.line_start = self.at + offset + 1;
        }
        self.at = at;
        let before = text.get(self.line_start..at).unwrap_or_default();
        let column = u32::try_from(before.chars().count()).unwrap_or(u32::MAX);
        (self.line + 1, column.saturating_add(1))
    }
}

/// The pairs of a map by their keys, each at most once.
type Pairs<'n> = BTreeMap<&'n str, &'n Pair>;

impl Reader<'_> {
    fn fault(&mut self, code: Code, span: &Range<usize>, message: String, help: Option<String>) {
        // Each mistake holds an excerpt, and finding its line costs the length of the file.
        if self.faults.len() < MAX_FAULTS {
            let fault = Diagnostic::new(code, self.file, self.text, span.clone(), message);
            self.faults.push(fault.help(help));
        }
    }

    fn document(&mut self, node: &Node) -> Vec<Entry> {
        let help = || Some("write a list below the key `waivers`".to_owned());
        let Some(pairs) = node.entries() else {
            if !matches!(node.kind, Kind::Null) {
                let message = format!("the file must be a map, but is {}", node.describe());
                self.fault(Code::WrongType, &node.span, message, help());
            }
            return Vec::new();
        };
        let mut entries = Vec::new();
        for pair in pairs {
            if pair.key != "waivers" {
                let message = format!("there is no key `{}`", pair.key);
                let help = Some("the only key is `waivers`".to_owned());
                self.fault(Code::UnknownKey, &pair.key_span, message, help);
                continue;
            }
            match &pair.node.kind {
                Kind::Null => {}
                Kind::List(nodes) if nodes.len() > MAX_WAIVERS => {
                    let message = format!(
                        "there are {} waivers, and a file may have {MAX_WAIVERS}",
                        nodes.len()
                    );
                    let help = Some("split the file and name both".to_owned());
                    self.fault(Code::TooLarge, &pair.key_span, message, help);
                }
                Kind::List(nodes) => {
                    let read = nodes.iter().filter_map(|node| self.entry(node));
                    entries.extend(read.collect::<Vec<_>>());
                }
                _ => {
                    let message =
                        format!("`waivers` must be a list, but is {}", pair.node.describe());
                    self.fault(Code::WrongType, &pair.node.span, message, help());
                }
            }
        }
        entries
    }

    /// Returns the pairs of a map, of which every key must be one of `known`.
    fn pairs<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Pairs<'n>> {
        let Some(entries) = node.entries() else {
            let message = format!("{what} must be a map, but is {}", node.describe());
            let help = Some(format!("its keys are: {}", known.join(", ")));
            self.fault(Code::WrongType, &node.span, message, help);
            return None;
        };
        let mut pairs = Pairs::new();
        for pair in entries {
            if known.contains(&pair.key.as_str()) {
                pairs.insert(&pair.key, pair);
                continue;
            }
            let near = suggestion(&did_you_mean(&pair.key, known.iter().copied()));
            let help = near.unwrap_or_else(|| format!("its keys are: {}", known.join(", ")));
            let message = format!("{what} has no key `{}`", pair.key);
            self.fault(Code::UnknownKey, &pair.key_span, message, Some(help));
        }
        Some(pairs)
    }

    fn entry(&mut self, node: &Node) -> Option<Entry> {
        let pairs = self.pairs(node, "a waiver", KEYS)?;
        let (line, column) = self.places.of(self.text, node.span.start);
        for key in KEYS.iter().take(REQUIRED) {
            if !pairs.contains_key(key) {
                let message = format!("the waiver has no `{key}`");
                self.fault(Code::MissingKey, &node.span, message, Some(mend(key)));
            }
        }
        let rule = self.required(&pairs, "rule", MAX_TEXT);
        let rules = pairs
            .get("rule")
            .zip(rule.as_deref())
            .and_then(|(pair, word)| self.rules_of(word, &pair.node.span));
        let scope = match pairs.get("scope") {
            Some(pair) => self.scope(&pair.node),
            None => Some(Scope::default()),
        };
        let cause = pairs.get("cause").and_then(|pair| self.cause(&pair.node));
        let observed = pairs
            .get("observed")
            .and_then(|pair| self.observed(&pair.node, cause));
        if let Some(pair) = pairs.get("cause")
            && matches!(observed, Some(Observed::Values(_)))
        {
            let message = "`cause` says why something is unknown, and this waiver accepts values";
            let help = Some("write `observed: unknown`, or leave `cause` out".to_owned());
            self.fault(Code::BadValue, &pair.key_span, message.to_owned(), help);
        }
        let reason = self.required(&pairs, "reason", MAX_REASON);
        let owner = self.required(&pairs, "owner", MAX_TEXT);
        let ticket = pairs
            .get("ticket")
            .and_then(|pair| self.text(&pair.node, "ticket", MAX_TEXT));
        let created = pairs
            .get("created")
            .and_then(|pair| self.day(&pair.node, "created"));
        let expires = pairs
            .get("expires")
            .and_then(|pair| self.day(&pair.node, "expires"));
        if let (Some(created), Some(expires), Some(pair)) = (created, expires, pairs.get("expires"))
            && expires < created
        {
            let message = format!("it expires before it was created, on {created}");
            let help = Some("`expires` is the last day it holds".to_owned());
            self.fault(Code::BadValue, &pair.node.span, message, help);
        }
        let rule = rule?;
        let count = self.of_rule.entry(rule.clone()).or_default();
        *count += 1;
        let key = match *count {
            1 => format!("{}:{rule}", self.file),
            more => format!("{}:{rule}#{more}", self.file),
        };
        Some(Entry {
            rule,
            rules: rules?,
            scope: scope?,
            observed: observed?,
            reason: reason?,
            owner: owner?,
            ticket,
            created,
            expires: expires?,
            key,
            file: Arc::from(self.file),
            line,
            column,
            span: node.span.clone(),
        })
    }

    /// Returns the ids of the rules that a word means, as `scan` takes it.
    fn rules_of(&mut self, word: &str, span: &Range<usize>) -> Option<Vec<String>> {
        match self.rules.select(&[word]) {
            Ok(rules) => Some(rules.into_iter().map(Rule::id).map(str::to_owned).collect()),
            Err(unknown) => {
                let help = match suggestion(&unknown.suggestions) {
                    Some(near) => near,
                    None => "kubeassay rules list shows all".to_owned(),
                };
                let message = format!("there is no rule `{word}`");
                self.fault(Code::BadValue, span, message, Some(help));
                None
            }
        }
    }

    /// Returns a text that must be there and say something.
    fn required(&mut self, pairs: &Pairs<'_>, key: &str, most: usize) -> Option<String> {
        let pair = pairs.get(key)?;
        let text = self.text(&pair.node, key, most)?;
        if text.is_empty() {
            let message = format!("`{key}` is empty");
            self.fault(Code::BadValue, &pair.key_span, message, Some(mend(key)));
            return None;
        }
        Some(text)
    }

    /// Returns a text without the blanks around it.
    fn text(&mut self, node: &Node, key: &str, most: usize) -> Option<String> {
        let found = match node.kind {
            Kind::Null => Some(""),
            _ => node.text(),
        };
        let Some(text) = found.map(str::trim) else {
            let message = format!("`{key}` must be a text, but is {}", node.describe());
            let help = Some("put it in quotes".to_owned());
            self.fault(Code::WrongType, &node.span, message, help);
            return None;
        };
        if text.len() > most {
            let message = format!("`{key}` is longer than {most} bytes");
            let help = Some("say it shorter, and the rest in the ticket".to_owned());
            self.fault(Code::TooLarge, &node.span, message, help);
            return None;
        }
        Some(text.to_owned())
    }

    fn day(&mut self, node: &Node, key: &str) -> Option<Date> {
        let text = self.text(node, key, MAX_TEXT)?;
        // The reader of dates knows more forms than this one.
        let day = text.parse::<Date>().ok();
        let day = day.filter(|day| day.to_string() == text);
        if day.is_none() {
            let message = format!("`{key}` is no day: {text:?}");
            let help = Some("write it as 2027-03-31".to_owned());
            self.fault(Code::BadValue, &node.span, message, help);
        }
        day
    }

    fn scope(&mut self, node: &Node) -> Option<Scope> {
        if matches!(node.kind, Kind::Null) {
            return Some(Scope::default());
        }
        let pairs = self.pairs(node, "`scope`", SCOPE_KEYS)?;
        let before = self.faults.len();
        let nodes = pairs.get("nodes").and_then(|pair| self.names(&pair.node));
        let cluster = self.required(&pairs, "cluster", MAX_TEXT);
        let subject = self.required(&pairs, "subject", MAX_TEXT);
        let horizon = pairs
            .get("horizon")
            .and_then(|pair| self.word(&pair.node, "horizon", Horizon::ALL, Horizon::as_str));
        (self.faults.len() == before).then(|| Scope {
            nodes: nodes.unwrap_or_default(),
            cluster,
            subject: subject.map(Pattern::new),
            horizon,
        })
    }

    /// Returns the names of a list, or the only one.
    fn names(&mut self, node: &Node) -> Option<Vec<Pattern>> {
        let nodes = match &node.kind {
            Kind::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if nodes.is_empty() || nodes.len() > MAX_NAMED {
            let message = format!("`nodes` must name 1 to {MAX_NAMED} nodes");
            let help = Some("leave it out for any node, or use * for many".to_owned());
            self.fault(Code::BadValue, &node.span, message, help);
            return None;
        }
        let mut patterns = Vec::with_capacity(nodes.len());
        for node in nodes {
            let name = self.text(node, "nodes", MAX_TEXT)?;
            if name.is_empty() {
                let help = Some("name a node, or * for any run of characters".to_owned());
                let message = "the name of a node is empty".to_owned();
                self.fault(Code::BadValue, &node.span, message, help);
                return None;
            }
            patterns.push(Pattern::new(name));
        }
        Some(patterns)
    }

    fn observed(&mut self, node: &Node, cause: Option<Cause>) -> Option<Observed> {
        if node.text() == Some("unknown") {
            return Some(Observed::Unknown { cause });
        }
        let form = || {
            Some("write the values as `scan -o wide` shows them: {kubelet.authorization.mode: AlwaysAllow}; or `observed: unknown`".to_owned())
        };
        let Some(pairs) = node.entries() else {
            let message = format!("`observed` must be a map, but is {}", node.describe());
            self.fault(Code::WrongType, &node.span, message, form());
            return None;
        };
        if pairs.is_empty() || pairs.len() > MAX_NAMED {
            let message = format!("`observed` must name 1 to {MAX_NAMED} values");
            self.fault(Code::BadValue, &node.span, message, form());
            return None;
        }
        let values = pairs.iter().map(|pair| {
            let wanted = Wanted::new(pair.node.value(), pair.node.written.clone());
            (pair.key.clone(), wanted)
        });
        Some(Observed::Values(values.collect()))
    }

    fn cause(&mut self, node: &Node) -> Option<Cause> {
        self.word(node, "cause", Cause::ALL, Cause::as_str)
    }

    /// Returns the one of `all` that a word means.
    fn word<T: Copy>(
        &mut self,
        node: &Node,
        key: &str,
        all: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        let word = self.text(node, key, MAX_TEXT)?;
        let known = all.iter().copied().find(|one| as_str(*one) == word);
        if known.is_none() {
            let words: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
            let near = suggestion(&did_you_mean(&word, words.iter().copied()));
            let help = near.unwrap_or_else(|| format!("it is one of: {}", words.join(", ")));
            let message = format!("`{word}` is no {key}");
            self.fault(Code::BadValue, &node.span, message, Some(help));
        }
        known
    }
}

/// Returns what to write where a key is missing or empty.
fn mend(key: &str) -> String {
    match key {
        "rule" => "rule: 4.2.2, or an id or an alias".to_owned(),
        "observed" => {
            "name the values that are accepted, as `scan -o wide` shows them: a waiver holds for these and no others".to_owned()
        }
        "reason" => "say why this is accepted".to_owned(),
        "owner" => "say who accepted it".to_owned(),
        "expires" => "the last day it holds (UTC): expires: 2027-03-31".to_owned(),
        key => format!("leave it out, or say which {key} it is about"),
    }
}
