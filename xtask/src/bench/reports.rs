//! What it costs to read, join and compare reports of whole fleets: the demonstration's node, many times over.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use kubeassay_report::Format;

/// How many findings a node of a large catalogue has.
const FINDINGS: usize = 130;

/// Measures with reports of so many nodes.
pub(super) fn run(binary: &Path, sizes: &[usize]) -> Result<ExitCode> {
    let template = Template::take(binary)?;
    println!(
        "{:<28} {:>9} {:>9} {:>8} {:>8}",
        "what", "findings", "MiB", "seconds", "peak MiB"
    );
    for size in sizes {
        let folder = tempfile::tempdir()?;
        let [old, new, half, other] = ["old.jsonl", "new.jsonl", "half.jsonl", "other.jsonl"]
            .map(|name| folder.path().join(name));
        let bytes = template.write(&old, 0..*size, "")?;
        // Every hundredth node has another value.
        template.write(&new, 0..*size, "changed")?;
        template.write(&half, 0..*size / 2, "")?;
        template.write(&other, *size / 2..*size, "")?;
        let arguments = |words: &[&str], files: &[&PathBuf]| {
            let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            all.extend(files.iter().map(|file| file.display().to_string()));
            all
        };
        let baseline = old.display().to_string();
        let mut measured = vec![
            (
                "lines to lines".to_owned(),
                arguments(&["render", "-o", "jsonl"], &[&old]),
            ),
            (
                "two joined to lines".to_owned(),
                arguments(&["render", "-o", "jsonl"], &[&half, &other]),
            ),
            (
                "against a baseline".to_owned(),
                arguments(&["render", "-o", "jsonl", "--baseline", &baseline], &[&new]),
            ),
        ];
        for format in Format::ALL {
            let format = format.as_str();
            let arguments = arguments(&["diff", "-o", format], &[&old, &new]);
            measured.push((format!("diff as {format}"), arguments));
        }
        for (what, arguments) in measured {
            let (seconds, peak) = cost(binary, &arguments)?;
            println!(
                "{what:<28} {:>9} {:>9} {seconds:>8.2} {:>8}",
                size * FINDINGS,
                bytes >> 20,
                peak >> 10
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the seconds and the peak in KiB of a run.
fn cost(binary: &Path, arguments: &[String]) -> Result<(f64, u64)> {
    let output = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%e %M"])
        .arg(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .context("cannot run /usr/bin/time (Debian: apt-get install time)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !matches!(output.status.code(), Some(0..=2)) {
        bail!("{} failed:\n{said}", arguments.join(" "));
    }
    let last = said.lines().last().unwrap_or_default();
    let (seconds, peak) = last.split_once(' ').context("time said nothing")?;
    Ok((seconds.parse()?, peak.parse()?))
}

/// The lines of a report of one node.
struct Template {
    header: String,
    node: String,
    node_id: String,
    findings: Vec<(String, String)>,
    summary: String,
}

impl Template {
    /// Takes them from the demonstration.
    fn take(binary: &Path) -> Result<Self> {
        let output = Command::new(binary)
            .args(["scan", "--demo", "-q", "-o", "jsonl"])
            .output()
            .context("cannot run the program")?;
        // Demonstrations are not joined.
        let text = String::from_utf8(output.stdout)?
            .replace("\"source\":\"demo\"", "\"source\":\"facts\"");
        let lines: Vec<&str> = text.lines().collect();
        let [header, node, findings @ .., summary] = lines.as_slice() else {
            bail!("the demonstration has no report");
        };
        let id = |line: &str| -> Result<String> {
            let value: serde_json::Value = serde_json::from_str(line)?;
            let id = value.get("id").and_then(serde_json::Value::as_str);
            Ok(id.context("a line has no id")?.to_owned())
        };
        let findings: Result<Vec<_>> = findings
            .iter()
            .map(|line| Ok((id(line)?, (*line).to_owned())))
            .collect();
        Ok(Self {
            header: (*header).to_owned(),
            node_id: id(node)?,
            node: (*node).to_owned(),
            findings: findings?,
            summary: (*summary).to_owned(),
        })
    }

    /// Writes a report of the nodes with these numbers, and returns its size. With a `mark`, every hundredth node has
    /// it in its values.
    fn write(&self, file: &Path, nodes: std::ops::Range<usize>, mark: &str) -> Result<u64> {
        let mut out = BufWriter::new(File::create(file)?);
        writeln!(out, "{}", self.header)?;
        for number in nodes {
            let node_id = format!("{number:032x}");
            writeln!(out, "{}", self.node.replace(&self.node_id, &node_id))?;
            for (index, (id, line)) in self.findings.iter().cycle().take(FINDINGS).enumerate() {
                let finding = format!("{:032x}", number * FINDINGS + index);
                let mut line = line.replace(id, &finding).replace(&self.node_id, &node_id);
                if !mark.is_empty() && number % 100 == 0 {
                    line =
                        line.replacen("\"value\":", &format!("\"value\":\"{mark}\",\"was\":"), 1);
                }
                writeln!(out, "{line}")?;
            }
        }
        writeln!(out, "{}", self.summary)?;
        out.flush()?;
        Ok(std::fs::metadata(file)?.len())
    }
}
