//! Suites and test cases as they are written: of what they are, a scan and a comparison have a file each.

use std::io::Write;

use jiff::Timestamp;
use kubeassay_core::report::Finding;
use kubeassay_core::text;

use crate::RenderError;
use crate::describe::control_label;

/// A text has no more characters: what reads `JUnit` shows it whole.
const LONGEST: usize = 8_192;

/// The document, written suite by suite.
#[derive(Debug, Default)]
pub(crate) struct Suites {
    /// What every suite says first.
    facts: Vec<(&'static str, String)>,
    /// `2026-11-26T10:00:00`: the schema of Ant allows no zone. It is in UTC.
    timestamp: String,
    written: usize,
}

/// What is written of one node.
#[derive(Debug, Default)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) properties: Vec<(&'static str, String)>,
    cases: String,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// What came of a test.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    Failure {
        kind: &'static str,
        message: String,
        /// Line by line.
        details: Vec<String>,
    },
    Error {
        kind: &'static str,
        message: String,
        /// Line by line.
        details: Vec<String>,
    },
    Skipped {
        message: String,
    },
}

impl Suites {
    /// Begins a document: `line` says what it is of, and so do the `facts`.
    pub(crate) fn begin(
        facts: Vec<(&'static str, String)>,
        line: &str,
        started: Timestamp,
        out: &mut dyn Write,
    ) -> Result<Self, RenderError> {
        let started = started.to_string();
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        let mut line = element(line);
        // Nothing in a comment may look like its end.
        while line.contains("--") {
            line = line.replace("--", "- -");
        }
        writeln!(out, "<!-- {line} -->")?;
        writeln!(out, "<testsuites>")?;
        Ok(Self {
            facts,
            timestamp: started.chars().take("2026-11-26T10:00:00".len()).collect(),
            written: 0,
        })
    }

    /// Writes a suite, with what it has to tell besides, line by line.
    pub(crate) fn write(
        &mut self,
        suite: &Suite,
        told: &[String],
        wrong: &[String],
        out: &mut dyn Write,
    ) -> Result<(), RenderError> {
        let name = token(&suite.name);
        let Counts {
            tests,
            failures,
            errors,
            skipped,
        } = suite.counts;
        writeln!(
            out,
            "<testsuite name=\"{name}\" package=\"kubeassay\" id=\"{}\" timestamp=\"{}\" hostname=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\">",
            self.written, self.timestamp
        )?;
        self.written += 1;
        writeln!(out, "<properties>")?;
        for (name, value) in self.facts.iter().chain(&suite.properties) {
            writeln!(
                out,
                "<property name=\"{name}\" value=\"{}\"/>",
                element(value)
            )?;
        }
        writeln!(out, "</properties>")?;
        out.write_all(suite.cases.as_bytes())?;
        writeln!(out, "<system-out>{}</system-out>", elements(told))?;
        writeln!(out, "<system-err>{}</system-err>", elements(wrong))?;
        writeln!(out, "</testsuite>")?;
        Ok(())
    }

    /// Ends the document.
    pub(crate) fn end(out: &mut dyn Write) -> Result<(), RenderError> {
        writeln!(out, "</testsuites>")?;
        out.flush()?;
        Ok(())
    }
}

impl Suite {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a finding as a test; `kind` ends its name, where there is one.
    pub(crate) fn add(&mut self, finding: &Finding, kind: Option<&str>, outcome: &Outcome) {
        let control = control_label(&finding.controls, &finding.rule);
        let place = finding
            .subject
            .object
            .as_deref()
            .unwrap_or(&finding.subject.key);
        let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
        let name = format!(
            "{control} {} ({place}) [{}]",
            finding.title, finding.horizon
        );
        let class = format!("{}.{}", finding.subject.component, finding.rule);
        self.cases.extend([
            "<testcase classname=\"",
            &token(&class),
            "\" name=\"",
            &token(&name),
            &kind,
            "\" time=\"0\"",
        ]);
        self.counts.tests += 1;
        match outcome {
            Outcome::Passed => self.cases.push_str("/>\n"),
            Outcome::Failure {
                kind,
                message,
                details,
            } => {
                self.counts.failures += 1;
                self.outcome("failure", kind, message, details);
            }
            Outcome::Error {
                kind,
                message,
                details,
            } => {
                self.counts.errors += 1;
                self.outcome("error", kind, message, details);
            }
            Outcome::Skipped { message } => {
                self.counts.skipped += 1;
                self.cases.extend([
                    "><skipped message=\"",
                    &element(message),
                    "\"/></testcase>\n",
                ]);
            }
        }
    }

    fn outcome(&mut self, name: &str, kind: &str, message: &str, details: &[String]) {
        self.cases.extend([
            "><",
            name,
            " type=\"",
            kind,
            "\" message=\"",
            &element(message),
            "\">",
            &elements(details),
            "</",
            name,
            "></testcase>\n",
        ]);
    }
}

fn elements(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| element(line)).collect();
    lines.join("\n")
}

/// Returns the text of an element or the value of an attribute: one line, escaped.
fn element(foreign: &str) -> String {
    let (text, more) = cut(foreign);
    let mut written = String::with_capacity(text.len());
    for character in text::escape(text).chars() {
        match character {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            // What XML 1.0 does not allow and escaping left: everything else of that kind is a control.
            '\u{fffe}' => written.push_str("\\u{fffe}"),
            '\u{ffff}' => written.push_str("\\u{ffff}"),
            character => written.push(character),
        }
    }
    if more > 0 {
        written.extend(["… (", &more.to_string(), " more characters)"]);
    }
    written
}

/// Returns the value of an attribute that has single blanks between words and none around them, and is not empty.
fn token(foreign: &str) -> String {
    let words: Vec<&str> = foreign.split(' ').filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] => "unnamed".to_owned(),
        words => element(&words.join(" ")),
    }
}

fn cut(text: &str) -> (&str, usize) {
    match text.char_indices().nth(LONGEST) {
        None => (text, 0),
        Some((end, _)) => {
            let (kept, rest) = text.split_at(end);
            (kept, rest.chars().count())
        }
    }
}
