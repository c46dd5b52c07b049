//! Examples: fenced blocks `yaml pass|fail|unknown` of the section Examples, which are run as tests.
//!
//! A block with a top-level `argv` or `files` describes a host; any other is the text of a kubelet's
//! configuration file, with the arguments that kubeadm gives.

use std::collections::BTreeMap;
use std::ops::Range;

use super::diagnostic::{Code, Diagnostic};
use super::front_matter::Reader;
use super::page::{Block, Page};
use super::yaml::{Entry, Kind, Node};
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A host with one kubelet, as far as an example describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleHost {
    /// The kubelet's arguments, its own name first.
    pub argv: Vec<String>,
    /// The files that matter, by absolute path.
    pub files: BTreeMap<String, ExampleFile>,
    /// The version of Kubernetes, such as `1.34`, where it matters.
    pub version: Option<String>,
    /// Environment variables of the kubelet.
    pub environment: BTreeMap<String, String>,
    /// What the kubelet answers to `/configz`; `None` where it is not asked.
    pub configz: Option<String>,
}

/// A file of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExampleFile {
    /// It has this text.
    Text(String),
    /// Reading it is refused.
    Denied,
    /// It is not there.
    Missing,
}

impl ExampleHost {
    /// Returns a host whose kubelet was set up by kubeadm, with this text as its configuration file.
    pub fn kubeadm(config: &str) -> Self {
        let file = ExampleFile::Text(config.to_owned());
        Self {
            argv: KUBEADM_ARGV.map(str::to_owned).to_vec(),
            files: BTreeMap::from([(CONFIG_PATH.to_owned(), file)]),
            version: None,
            environment: BTreeMap::new(),
            configz: None,
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
    let is_host = |line: &str| line.starts_with("argv:") || line.starts_with("files:");
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
    for entry in node.entries().unwrap_or_default() {
        match entry.key.as_str() {
            "argv" => host.argv = argv(entry, &mut reader),
            "files" => host.files = files(entry, &mut reader),
            "version" => host.version = reader.text(entry).map(|text| text.value),
            "environment" => host.environment = environment(entry, &mut reader),
            "configz" => host.configz = reader.text(entry).map(|text| text.value),
            _ => reader.unknown(
                entry,
                &["argv", "files", "version", "environment", "configz"],
            ),
        }
    }
    (faults.len() == before).then_some(host)
}

fn argv(entry: &Entry, reader: &mut Reader<'_>) -> Vec<String> {
    let Kind::List(nodes) = &entry.node.kind else {
        reader.wrong("`argv`", "a list of texts", &entry.node);
        return Vec::new();
    };
    let mut argv = Vec::new();
    for node in nodes {
        match node.text() {
            Some(text) => argv.push(text.to_owned()),
            None => reader.wrong("an argument", "a text", node),
        }
    }
    argv
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
        let file = match entry.node.text() {
            Some("denied") => ExampleFile::Denied,
            Some("missing") => ExampleFile::Missing,
            Some(text) => ExampleFile::Text(text.to_owned()),
            None => {
                reader.wrong("a file", "a text, `denied` or `missing`", &entry.node);
                continue;
            }
        };
        files.insert(entry.key.clone(), file);
    }
    files
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
