//! What a site configures once, in `kubeassay.yaml`, in place of flags that it would type every time.
//!
//! The file is a small YAML document. [`KEYS`] is the one list of what may stand in it, with the flag and the variable of
//! each; the reader keeps the place of every value, so that whoever asks is told where it comes from.

use crate::rule::site_file::SiteFile;
use crate::rule::yaml::{Entry, Kind, Node};
use crate::rule::{Code, Diagnostic, did_you_mean, suggestion};

/// Larger files are not read, in bytes.
pub const MAX_CONFIGURATION: usize = 1 << 20;

/// What may be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its path in the file, such as `gate.fail-on`.
    pub path: &'static str,
    /// The flag of the same meaning, without the dashes.
    pub flag: &'static str,
    /// The variable of the same meaning.
    pub variable: &'static str,
    /// What it takes.
    pub kind: KeyKind,
    /// What it is for, in one sentence.
    pub description: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A text or a number.
    Text,
    /// The path of a file, below the folder of the configuration where it is relative.
    Path,
    /// Paths of that kind.
    Paths,
    /// Several texts.
    Texts,
    /// `true` or `false`.
    Switch,
    /// The path of a file, or what would stand in it.
    Choices,
}

const fn key(
    path: &'static str,
    flag: &'static str,
    variable: &'static str,
    kind: KeyKind,
    description: &'static str,
) -> Key {
    Key {
        path,
        flag,
        variable,
        kind,
        description,
    }
}

/// Every key, in the order of the file.
pub const KEYS: &[Key] = &[
    key(
        "rules",
        "rules",
        "KUBEASSAY_RULES",
        KeyKind::Paths,
        "Pages and folders of pages whose rules are added.",
    ),
    key(
        "replace-rules",
        "replace-rules",
        "KUBEASSAY_REPLACE_RULES",
        KeyKind::Switch,
        "Whether added pages may replace bundled rules of the same id.",
    ),
    key(
        "benchmark",
        "benchmark",
        "KUBEASSAY_BENCHMARK",
        KeyKind::Text,
        "The benchmark whose controls are judged, such as cis-kubernetes@1.12.",
    ),
    key(
        "choices",
        "choices",
        "KUBEASSAY_CHOICES",
        KeyKind::Choices,
        "What rules leave to the site: by rule and name, or the path of a file that has it.",
    ),
    key(
        "gate.fail-on",
        "fail-on",
        "KUBEASSAY_FAIL_ON",
        KeyKind::Text,
        "Which findings move the exit code, such as fail:high,unknown:critical.",
    ),
    key(
        "gate.min-coverage",
        "min-coverage",
        "KUBEASSAY_MIN_COVERAGE",
        KeyKind::Text,
        "How much of the nodes must be scanned whole, such as 100%.",
    ),
    key(
        "gate.max-unknown",
        "max-unknown",
        "KUBEASSAY_MAX_UNKNOWN",
        KeyKind::Text,
        "How many findings may be unknown, such as 5 or 2.5%.",
    ),
    key(
        "gate.fail-on-new",
        "fail-on-new",
        "KUBEASSAY_FAIL_ON_NEW",
        KeyKind::Switch,
        "Whether only what is new or changed against the baseline moves the exit code.",
    ),
    key(
        "outputs",
        "output",
        "KUBEASSAY_OUTPUTS",
        KeyKind::Texts,
        "Formats of the report with their files, such as json=report.json, from the folder where kubeassay is started.",
    ),
    key(
        "waivers",
        "waivers",
        "KUBEASSAY_WAIVERS",
        KeyKind::Paths,
        "Files of accepted deviations.",
    ),
    key(
        "baseline",
        "baseline",
        "KUBEASSAY_BASELINE",
        KeyKind::Path,
        "The report that findings are compared with.",
    ),
    key(
        "cluster.kubeconfig",
        "kubeconfig",
        "KUBEASSAY_KUBECONFIG",
        KeyKind::Path,
        "The kubeconfig with the cluster and the credentials.",
    ),
    key(
        "cluster.context",
        "context",
        "KUBEASSAY_CONTEXT",
        KeyKind::Text,
        "The context of the kubeconfig.",
    ),
    key(
        "cluster.selector",
        "selector",
        "KUBEASSAY_SELECTOR",
        KeyKind::Text,
        "The labels of the nodes that scan --cluster scans.",
    ),
    key(
        "cluster.nodes-only",
        "nodes-only",
        "KUBEASSAY_NODES_ONLY",
        KeyKind::Switch,
        "Whether scan --cluster leaves out the objects of the cluster.",
    ),
    key(
        "cluster.concurrency",
        "concurrency",
        "KUBEASSAY_CONCURRENCY",
        KeyKind::Text,
        "How many nodes scan --cluster asks at the same time.",
    ),
];

/// A value that was given, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The key.
    pub key: &'static Key,
    /// The value: one text, or those of a list; `None` for choices that stand in the file itself.
    pub values: Option<Vec<String>>,
    /// The line of its key, from 1.
    pub line: usize,
}

/// Reads a configuration; `file` is how it is spoken of. `check` says what is wrong with a text as the value of a key.
///
/// # Errors
///
/// Everything that is wrong with it, with line and column: keys that there are not, values of another type, or none that
/// their key takes.
pub fn read(
    file: &str,
    bytes: &[u8],
    check: &dyn Fn(&Key, &str) -> Result<(), String>,
) -> Result<Vec<Given>, Vec<Diagnostic>> {
    SiteFile::read(file, bytes, |file, entries| {
        let given = Vec::new();
        let mut reader = Reader { file, check, given };
        reader.entries(entries, "");
        reader.given
    })
}

/// Returns whether `key` may stand at the top of a configuration.
pub(crate) fn is_at_the_top(key: &str) -> bool {
    children("").contains(&key)
}

/// Returns the keys below a map, which is named by its path with a dot at the end.
fn children(map: &str) -> Vec<&'static str> {
    let below = KEYS.iter().filter_map(|key| key.path.strip_prefix(map));
    let mut names: Vec<&str> = below
        .map(|rest| rest.split('.').next().unwrap_or(rest))
        .collect();
    names.dedup();
    names
}

struct Reader<'r, 'f> {
    file: &'r mut SiteFile<'f>,
    check: &'r dyn Fn(&Key, &str) -> Result<(), String>,
    given: Vec<Given>,
}

impl Reader<'_, '_> {
    /// Reads the entries below a map, which is named by its path with a dot at the end.
    fn entries(&mut self, entries: &[Entry], map: &str) {
        for entry in entries {
            let path = format!("{map}{}", entry.key);
            if let Some(key) = KEYS.iter().find(|key| key.path == path) {
                self.value(key, entry);
            } else if KEYS.iter().any(|key| {
                key.path
                    .strip_prefix(path.as_str())
                    .is_some_and(|rest| rest.starts_with('.'))
            }) {
                // A key with nothing below it configures nothing.
                if !matches!(entry.node.kind, Kind::Null) {
                    let expected = format!("`{path}` must be a map, but is");
                    let below = self.file.map(&entry.node, &expected);
                    self.entries(below.unwrap_or_default(), &format!("{path}."));
                }
            } else {
                self.unknown(entry, map, &path);
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, map: &str, path: &str) {
        let here = children(map);
        let near = did_you_mean(&entry.key, here.iter().copied());
        let elsewhere = KEYS
            .iter()
            .find(|key| key.path.ends_with(&format!(".{}", entry.key)) || key.flag == entry.key);
        let help = suggestion(&near)
            .or_else(|| elsewhere.map(|key| format!("`{}` is what it is called here", key.path)))
            .unwrap_or_else(|| format!("the keys are {}", here.join(", ")));
        self.file.fault(
            Code::UnknownKey,
            &entry.key_span,
            format!("there is no key `{path}`"),
            Some(help),
        );
    }

    fn value(&mut self, key: &'static Key, entry: &Entry) {
        let node = &entry.node;
        let values = match (key.kind, &node.kind) {
            (_, Kind::Null) => return,
            (KeyKind::Choices, Kind::Map(_)) => None,
            (KeyKind::Switch, Kind::Bool(value)) => Some(vec![value.to_string()]),
            (KeyKind::Paths | KeyKind::Texts, Kind::List(nodes)) => {
                let texts: Vec<String> = nodes
                    .iter()
                    .filter_map(|node| self.text(key, node))
                    .collect();
                Some(texts)
            }
            (KeyKind::Switch, _) => {
                let expected = format!("`{}` must be true or false, but is", key.path);
                return self.file.wrong_type(node, &expected);
            }
            _ => self.text(key, node).map(|text| vec![text]),
        };
        if values.is_none() && key.kind != KeyKind::Choices {
            return;
        }
        self.given.push(Given {
            key,
            values,
            line: self.file.line(&entry.key_span),
        });
    }

    fn text(&mut self, key: &Key, node: &Node) -> Option<String> {
        let Some(text) = node.text() else {
            let expected = format!("`{}` must be a text, but is", key.path);
            self.file.wrong_type(node, &expected);
            return None;
        };
        if let Err(message) = (self.check)(key, text) {
            let message = format!("`{}`: {message}", key.path);
            self.file.fault(Code::BadValue, &node.span, message, None);
            return None;
        }
        Some(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &Key, text: &str) -> Result<(), String> {
        match (key.flag, text) {
            ("fail-on", "sometimes") => Err("is no verdict".to_owned()),
            _ => Ok(()),
        }
    }

    #[test]
    fn every_value_keeps_its_line() {
        let text = "# ours\nrules: [a.md, b]\nchoices:\n  x: {most: 3}\ngate:\n  fail-on: fail:high\n  max-unknown: 2.50\ncluster: {nodes-only: true, context: }\noutputs: table\n";
        let given = read("k.yaml", text.as_bytes(), &check).unwrap();
        let shown: Vec<String> = given
            .iter()
            .map(|given| format!("{}@{} {:?}", given.key.path, given.line, given.values))
            .collect();
        assert_eq!(
            shown,
            [
                "rules@2 Some([\"a.md\", \"b\"])",
                "choices@3 None",
                "gate.fail-on@6 Some([\"fail:high\"])",
                "gate.max-unknown@7 Some([\"2.50\"])",
                "cluster.nodes-only@8 Some([\"true\"])",
                "outputs@9 Some([\"table\"])",
            ]
        );
        assert_eq!(read("k.yaml", b"", &check).unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_the_mend() {
        for (text, said, help) in [
            (
                "rule: []\n",
                "k.yaml:1:1: there is no key `rule`",
                "did you mean `rules`?",
            ),
            (
                "gate:\n  fail_on: x\n",
                "k.yaml:2:3: there is no key `gate.fail_on`",
                "did you mean `fail-on`?",
            ),
            (
                "fail-on: x\n",
                "k.yaml:1:1: there is no key `fail-on`",
                "`gate.fail-on`",
            ),
            (
                "zzz: 1\n",
                "k.yaml:1:1: there is no key `zzz`",
                "the keys are rules, replace-rules",
            ),
            (
                "gate:\n  fail-on: sometimes\n",
                "k.yaml:2:12: `gate.fail-on`: is no verdict",
                "",
            ),
            (
                "gate: 3\n",
                "k.yaml:1:7: `gate` must be a map, but is a number",
                "",
            ),
            (
                "- a\n",
                "k.yaml:1:1: the file must be a map, but is a list",
                "",
            ),
            (
                "replace-rules: yes\n",
                "k.yaml:1:16: `replace-rules` must be true or false",
                "",
            ),
            (
                "benchmark: [a]\n",
                "k.yaml:1:12: `benchmark` must be a text, but is a list",
                "",
            ),
            (
                "rules: [{a: b}]\n",
                "k.yaml:1:9: `rules` must be a text, but is a map",
                "",
            ),
            ("gate: {}\ngate: {}\n", "k.yaml:2:1", ""),
            ("a: &a [*a]\n", "k.yaml:1:", ""),
        ] {
            let faults = read("k.yaml", text.as_bytes(), &check).unwrap_err();
            let first = faults.first().unwrap();
            assert!(first.to_string().starts_with(said), "{first}");
            let told = first.help.clone().unwrap_or_default();
            assert!(told.contains(help), "{told}");
        }
        assert!(read("k.yaml", b"\xff", &check).is_err());
    }

    #[test]
    fn every_key_has_names_of_its_own() {
        for (index, key) in KEYS.iter().enumerate() {
            for other in KEYS.iter().skip(index + 1) {
                assert!(
                    key.path != other.path
                        && key.flag != other.flag
                        && key.variable != other.variable
                );
            }
        }
    }
}
