//! `kubeassay verify`: a report, what was signed of it, and a key to a yes or no.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use kubeassay_attest::{
    EnvelopeError, MAX_ENVELOPE, MAX_KEY, Statement, VerifyingKey, open as open_envelope,
};
use kubeassay_core::text;
use serde::Serialize;

use super::safe_document;
use crate::args::{TextFormat, Verify};
use crate::evidence::{Digesting, attestation_of, limited, open};
use crate::exit::Exit;
use crate::output;

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    /// Whether the report is the one that was signed.
    verified: bool,
    /// Why not.
    reason: Option<String>,
    /// SHA-256 of the report.
    digest: &'a str,
    /// The key.
    key: String,
    /// What was signed, where the signature holds.
    statement: Option<&'a Statement>,
}

pub(crate) fn run(arguments: &Verify) -> anyhow::Result<Exit> {
    let key = key(&arguments.key)?;
    let beside = attestation_of(&arguments.report);
    let attestation = arguments.attestation.as_ref().unwrap_or(&beside);
    let envelope = {
        let (file, _) = open(attestation).context(
            "the report's attestation, which kubeassay scan --sign writes beside it (--attestation names another)",
        )?;
        limited(file, attestation, MAX_ENVELOPE, "an attestation")?
    };
    let digest = digest(&arguments.report)?;
    let shown = attestation.display();
    let (statement, reason) = match open_envelope(&envelope, &key) {
        Ok(payload) => match Statement::read(&payload) {
            Ok(statement) => {
                let reason = statement.name_of(&digest).is_none().then(|| {
                    "the report is not the one that was signed: it was changed since, or the attestation is another report's".to_owned()
                });
                (Some(statement), reason)
            }
            Err(error) => (None, Some(format!("{shown}: {error}"))),
        },
        Err(error @ (EnvelopeError::Json(_) | EnvelopeError::Base64(_))) => {
            return Err(anyhow!("{shown} {error}"));
        }
        Err(error) => (None, Some(format!("{shown} {error}"))),
    };
    let answer = Answer {
        verified: reason.is_none(),
        reason,
        digest: &digest,
        key: key.id(),
        statement: statement.as_ref(),
    };
    let data = match arguments.output {
        TextFormat::Table => page(&arguments.report, &answer).into_bytes(),
        format => safe_document(&answer, format)?,
    };
    output::print(&data)?;
    Ok(if answer.verified {
        Exit::Success
    } else {
        Exit::Findings
    })
}

fn key(path: &Path) -> anyhow::Result<VerifyingKey> {
    let (file, _) = open(path)?;
    let content = limited(file, path, MAX_KEY, "a key")?;
    VerifyingKey::from_pem(&content).map_err(|error| anyhow!("the key {} {error}", path.display()))
}

/// Returns the SHA-256 of a report of any size, in hexadecimal digits.
fn digest(path: &Path) -> anyhow::Result<String> {
    let (mut file, _) = open(path)?;
    let mut digest = Digesting::new(io::sink());
    io::copy(&mut file, &mut digest).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(digest.end().1)
}

/// Returns the answer for people. A name or a version that was signed is still only text.
fn page(report: &Path, answer: &Answer<'_>) -> String {
    let mut page = String::new();
    let shown = text::escape(&report.display().to_string());
    let mut line = |label: &str, value: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(page, "{label:9} {}", text::escape(value));
    };
    match &answer.reason {
        Some(reason) => line("not", &format!("verified: {reason}")),
        None => line(
            "verified",
            &format!("{shown} is the report that was signed"),
        ),
    }
    line("report", &format!("sha256:{}", answer.digest));
    line("key", &answer.key);
    let Some(statement) = answer.statement else {
        return page;
    };
    let said = &statement.predicate;
    let of_another = if answer.verified {
        ""
    } else {
        " (of the report that was signed)"
    };
    if let Some(name) = statement.name_of(answer.digest) {
        line("signed as", name);
    }
    line(
        "by",
        &format!("{} {}{of_another}", said.tool.name, said.tool.version),
    );
    line("rules", &format!("{}, {}", said.rules, said.rule_digest));
    line("scanned", &format!("{} to {}", said.started, said.finished));
    for report in &said.rendered_from {
        line("from", report);
    }
    let verdicts = said.verdicts;
    line(
        "found",
        &format!(
            "{} {}: {} pass, {} fail, {} unknown, {} manual, {} not applicable, {} waived",
            said.nodes,
            if said.nodes == 1 { "node" } else { "nodes" },
            verdicts.pass,
            verdicts.fail,
            verdicts.unknown,
            verdicts.manual,
            verdicts.not_applicable,
            verdicts.waived
        ),
    );
    page
}
