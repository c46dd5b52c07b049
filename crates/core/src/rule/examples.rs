//! Examples: fenced blocks `yaml pass|fail|unknown` of the section Examples, which are run as tests.
//!
//! A block with a top-level `argv`, `processes`, `files` or `objects` describes a host, or a cluster; any other is the
//! text of a kubelet's configuration file, with the arguments that kubeadm gives.

use std::collections::BTreeMap;
use std::ops::Range;

use super::diagnostic::{Code, Diagnostic};
use super::front_matter::Reader;
use super::page::{Block, Page};
use super::yaml::{Entry, Kind, Node};
use crate::value::Value;
use crate::verdict::Verdict;

/// Where kubeadm writes the kubelet's configuration file.
pub const CONFIG_PATH: &str = "/var/lib/kubelet/config.yaml";

/// The arguments that a kubelet set up by kubeadm has.
pub const KUBEADM_ARGV: [&str; 4] = [
    "/usr/bin/kubelet",
    "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
    "--kubeconfig=/etc/kubernetes/kubelet.conf",
    "--config=/var/lib/kubelet/config.yaml",
];

/// One example of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What the rule must find.
    pub verdict: Verdict,
    /// The host.
    pub host: ExampleHost,
    /// The paragraph before the block, as plain text.
    pub about: String,
    /// The line of the block's opening fence.
    pub line: usize,
}

/// A host, or a cluster, as far as an example describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExampleHost {
    /// The arguments of its process, its own name first; empty where there is none.
    pub argv: Vec<String>,
    /// The arguments of further processes.
    pub processes: Vec<Vec<String>>,
    /// The files that matter, by absolute path.
    pub files: BTreeMap<String, ExampleFile>,
    /// The version of Kubernetes, such as `1.34`, where it matters.
    pub version: Option<String>,
    /// Environment variables of the kubelet.
    pub environment: BTreeMap<String, String>,
    /// What the kubelet answers to `/configz`; `None` where it is not asked.
    pub configz: Option<String>,
    /// Objects of the API, as YAML documents; `None` where it is not asked.
    pub objects: Option<String>,
    /// What the site decided, by the names of the rule's choices.
    pub choices: BTreeMap<String, Value>,
    /// `ID` of the host's os-release, where it matters.
    pub os: Option<String>,
}

/// A file of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExampleFile {
    /// It has this text.
    Text(String),
    /// It is described by more than its text.
    Described(ExampleStatus),
    /// Reading it is refused.
    Denied,
    /// It is not there.
    Missing,
}

/// What a file of an example is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleStatus {
    /// What stands in it.
    pub text: String,
    /// Its permission bits.
    pub mode: u32,
    /// Names of its owner and group.
    pub owner: (String, String),
    /// It is a directory.
    pub directory: bool,
    /// Stands for the digests of the public keys of the certificates in it.
    pub public_keys: Vec<String>,
}

impl Default for ExampleStatus {
    /// Returns an empty file of root's that only root may read.
    fn default() -> Self {
        let root = || "root".to_owned();
        Self {
            text: String::new(),
            mode: 0o600,
            owner: (root(), root()),
            directory: false,
            public_keys: Vec::new(),
        }
    }
}

impl ExampleHost {
    /// Returns a host whose kubelet was set up by kubeadm, with this text as its configuration file.
    pub fn kubeadm(config: &str) -> Self {
        let file = ExampleFile::Text(config.to_owned());
        Self {
            argv: KUBEADM_ARGV.map(str::to_owned).to_vec(),
            processes: Vec::new(),
            files: BTreeMap::from([(CONFIG_PATH.to_owned(), file)]),
            version: None,
            environment: BTreeMap::new(),
            configz: None,
            objects: None,
            choices: BTreeMap::new(),
            os: None,
        }
    }
}

/// Reads the examples of a page.
pub(crate) fn read(page: &Page, faults: &mut Vec<Diagnostic>) -> Vec<Example> {
    let blocks = page
        .section("Examples")
        .map(|section| section.blocks.as_slice())
        .unwrap_or_default();
    blocks
        .iter()
        .filter_map(|block| example(page, block, faults))
        .collect()
}

fn example(page: &Page, block: &Block, faults: &mut Vec<Diagnostic>) -> Option<Example> {
    let fence =
        block.span.start..block.span.start + page.slice(&block.span).find('\n').unwrap_or(0);
    let verdict = match block.info.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["yaml", word] => Verdict::ALL
            .iter()
            .find(|verdict| verdict.as_str() == *word),
        _ => None,
    };
    let Some(verdict) = verdict else {
        let message = format!(
            "an example starts with `yaml` and its verdict, not `{}`",
            block.info
        );
        let help = "write ```yaml pass, ```yaml fail or ```yaml unknown".to_owned();
        faults.push(page.diagnostic(Code::BadExample, fence, message).help(help));
        return None;
    };
    let is_host = |line: &str| {
        let mut keys = ["argv:", "processes:", "files:", "objects:"].iter();
        keys.any(|key| line.starts_with(key))
    };
    let host = if block.text.lines().any(is_host) {
        host(page, block, &fence, faults)?
    } else {
        ExampleHost::kubeadm(&block.text)
    };
    let line = page.slice(&(0..fence.start)).matches('\n').count() + 1;
    Some(Example {
        verdict: *verdict,
        host,
        about: block.about.clone(),
        line,
    })
}

fn host(
    page: &Page,
    block: &Block,
    fence: &Range<usize>,
    faults: &mut Vec<Diagnostic>,
) -> Option<ExampleHost> {
    let node = match Node::parse(&block.text, block.start.unwrap_or(fence.start)) {
        Ok(node) => node,
        Err(fault) => {
            let span = if block.start.is_some() {
                fault.span
            } else {
                fence.clone()
            };
            faults.push(page.diagnostic(Code::YamlSyntax, span, fault.message));
            return None;
        }
    };
    let before = faults.len();
    let mut reader = Reader { page, faults };
    let mut host = ExampleHost::kubeadm("");
    host.files.clear();
    let entries = node.entries().unwrap_or_default();
    // A cluster has no kubelet of its own, nor has a host whose processes are listed.
    if entries
        .iter()
        .any(|entry| ["objects", "processes"].contains(&entry.key.as_str()))
    {
        host.argv.clear();
    }
    for entry in entries {
        match entry.key.as_str() {
            "argv" => host.argv = argv(entry, &mut reader),
            "processes" => host.processes = processes(entry, &mut reader),
            "objects" => host.objects = reader.text(entry).map(|text| text.value),
            "choices" => host.choices = choices(entry, &mut reader),
            "os" => host.os = reader.text(entry).map(|text| text.value),
            "files" => host.files = files(entry, &mut reader),
            "version" => host.version = reader.text(entry).map(|text| text.value),
            "environment" => host.environment = environment(entry, &mut reader),
            "configz" => host.configz = reader.text(entry).map(|text| text.value),
            _ => reader.unknown(
                entry,
                &[
                    "argv",
                    "processes",
                    "files",
                    "version",
                    "environment",
                    "configz",
                    "objects",
                    "choices",
                    "os",
                ],
            ),
        }
    }
    (faults.len() == before).then_some(host)
}

fn argv(entry: &Entry, reader: &mut Reader<'_>) -> Vec<String> {
    let name = format!("`{}`", entry.key);
    texts(&name, &entry.node, reader)
}

fn texts(name: &str, node: &Node, reader: &mut Reader<'_>) -> Vec<String> {
    let Kind::List(nodes) = &node.kind else {
        reader.wrong(name, "a list of texts", node);
        return Vec::new();
    };
    let mut texts = Vec::new();
    for node in nodes {
        match node.text() {
            Some(text) => texts.push(text.to_owned()),
            None => reader.wrong("an argument", "a text", node),
        }
    }
    texts
}

fn processes(entry: &Entry, reader: &mut Reader<'_>) -> Vec<Vec<String>> {
    let Kind::List(nodes) = &entry.node.kind else {
        reader.wrong("`processes`", "a list of lists of texts", &entry.node);
        return Vec::new();
    };
    nodes
        .iter()
        .map(|node| texts("a process", node, reader))
        .collect()
}

fn files(entry: &Entry, reader: &mut Reader<'_>) -> BTreeMap<String, ExampleFile> {
    let Some(entries) = entry.node.entries() else {
        reader.wrong("`files`", "a map of paths and texts", &entry.node);
        return BTreeMap::new();
    };
    let mut files = BTreeMap::new();
    for entry in entries {
        if !entry.key.starts_with('/') {
            let message = format!("`{}` is no absolute path", entry.key);
            reader.fault(Code::BadExample, &entry.key_span, message, None);
        }
        let file = match (entry.node.text(), entry.node.entries()) {
            (Some("denied"), _) => ExampleFile::Denied,
            (Some("missing"), _) => ExampleFile::Missing,
            (Some(text), _) => ExampleFile::Text(text.to_owned()),
            (None, Some(entries)) => ExampleFile::Described(status(entries, reader)),
            (None, None) => {
                let wanted = "a text, a map, `denied` or `missing`";
                reader.wrong("a file", wanted, &entry.node);
                continue;
            }
        };
        files.insert(entry.key.clone(), file);
    }
    files
}

fn status(entries: &[Entry], reader: &mut Reader<'_>) -> ExampleStatus {
    let mut status = ExampleStatus::default();
    for entry in entries {
        match entry.key.as_str() {
            "text" => {
                status.text = reader
                    .text(entry)
                    .map_or_else(String::new, |text| text.value);
            }
            "mode" => {
                let mode = entry
                    .node
                    .text()
                    .and_then(|text| u32::from_str_radix(text, 8).ok());
                match mode {
                    Some(mode) => status.mode = mode,
                    None => reader.wrong("`mode`", "an octal number in quotes", &entry.node),
                }
            }
            "owner" => {
                let owner = entry.node.text().and_then(|text| text.split_once(':'));
                match owner {
                    Some((user, group)) => status.owner = (user.to_owned(), group.to_owned()),
                    None => reader.wrong("`owner`", "`user:group`", &entry.node),
                }
            }
            "type" => match entry.node.text() {
                Some("directory") => status.directory = true,
                Some("regular") => {}
                _ => reader.wrong("`type`", "`regular` or `directory`", &entry.node),
            },
            "public-keys" => {
                status.public_keys = texts("`public-keys`", &entry.node, reader);
            }
            _ => reader.unknown(entry, &["text", "mode", "owner", "type", "public-keys"]),
        }
    }
    status
}

fn choices(entry: &Entry, reader: &mut Reader<'_>) -> BTreeMap<String, Value> {
    let Some(entries) = entry.node.entries() else {
        reader.wrong("`choices`", "a map", &entry.node);
        return BTreeMap::new();
    };
    let choice = |entry: &Entry| (entry.key.clone(), entry.node.value());
    entries.iter().map(choice).collect()
}

fn environment(entry: &Entry, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let Some(entries) = entry.node.entries() else {
        reader.wrong("`environment`", "a map of texts", &entry.node);
        return BTreeMap::new();
    };
    let mut variables = BTreeMap::new();
    for entry in entries {
        match entry.node.text() {
            Some(text) => drop(variables.insert(entry.key.clone(), text.to_owned())),
            None => reader.wrong("a variable", "a text", &entry.node),
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::{CONFIG_PATH, ExampleFile, read};
    use crate::rule::diagnostic::Code;
    use crate::rule::page::Page;
    use crate::verdict::Verdict;

    fn page(examples: &str) -> Page {
        Page::parse(
            "a.md",
            format!("---\nid: a\n---\n\n## Examples\n\n{examples}").as_bytes(),
        )
        .unwrap()
    }

    #[test]
    fn a_text_alone_means_kubeadms_arguments() {
        let mut faults = Vec::new();
        let examples = read(&page("Because.\n\n```yaml pass\na: b\n```\n"), &mut faults);
        assert_eq!((faults.len(), examples.len()), (0, 1));
        let example = &examples[0];
        assert_eq!(
            (example.verdict, example.line, example.about.as_str()),
            (Verdict::Pass, 9, "Because.")
        );
        assert_eq!(
            example.host.argv[3],
            "--config=/var/lib/kubelet/config.yaml"
        );
        assert_eq!(
            example.host.files[CONFIG_PATH],
            ExampleFile::Text("a: b\n".to_owned())
        );
    }

    #[test]
    fn a_host_is_described_by_its_arguments_and_files() {
        let mut faults = Vec::new();
        let text = "```yaml unknown\nversion: 1.30\nargv: [/usr/bin/kubelet, --v, 2]\nenvironment: {A: 1}\nfiles:\n  /a: denied\n  /b: missing\n  /c: |\n    files: x\n```\n";
        let examples = read(&page(text), &mut faults);
        assert!(faults.is_empty(), "{faults:?}");
        let host = &examples[0].host;
        assert_eq!(host.version.as_deref(), Some("1.30"));
        assert_eq!(host.argv, ["/usr/bin/kubelet", "--v", "2"]);
        assert_eq!(host.environment["A"], "1");
        assert_eq!(host.files["/a"], ExampleFile::Denied);
        assert_eq!(host.files["/b"], ExampleFile::Missing);
        assert_eq!(host.files["/c"], ExampleFile::Text("files: x\n".to_owned()));
    }

    #[test]
    fn a_bad_example_is_said_with_its_place() {
        for (text, code, line) in [
            ("```yaml\na: b\n```\n", Code::BadExample, 7),
            ("```yaml good\na: b\n```\n", Code::BadExample, 7),
            ("    indented\n", Code::BadExample, 7),
            ("```yaml pass\nargv: a\n```\n", Code::WrongType, 8),
            (
                "```yaml pass\nargv: [a]\nfile: {}\n```\n",
                Code::UnknownKey,
                9,
            ),
            ("```yaml pass\nargv: [a\n```\n", Code::YamlSyntax, 8),
            ("```yaml pass\nfiles: {a: b}\n```\n", Code::BadExample, 8),
            ("```yaml pass\nfiles: {/a: [b]}\n```\n", Code::WrongType, 8),
        ] {
            let mut faults = Vec::new();
            assert!(read(&page(text), &mut faults).is_empty(), "{text}");
            assert_eq!((faults[0].code, faults[0].line), (code, line), "{text}");
        }
    }
}
