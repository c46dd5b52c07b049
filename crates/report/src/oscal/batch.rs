//! What a result of OSCAL holds, as text: the findings of one node, or a part of those of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use kubeassay_core::report::{Control, Finding};
use serde::Serialize;

use super::document::{
    ResultDefinitions, ResultHead, ReviewedControls, SelectedControl, Selection,
};
use super::finding::Written;
use super::run::Run;
use super::subject::Subject;
use super::words::{control_id, markup, uuid};
use crate::{RenderError, json};

/// So many findings are in a result at most: those of a node are fewer, and those of a cluster's objects have no bound.
const MAX_FINDINGS: usize = 2_000;
/// And so many bytes, however large a finding is.
const MAX_BYTES: usize = 16 << 20;

/// A result that is filled.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) subject: Subject,
    part: usize,
    findings: usize,
    observations: Items,
    risks: Items,
    concluded: Items,
    pub(crate) controls: Controls,
}

/// The items of an array, a line each.
#[derive(Debug, Default)]
struct Items(Vec<u8>);

impl Items {
    fn push<T: Serialize>(&mut self, item: &T) -> Result<(), RenderError> {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        json::write_line(item, &mut self.0)
    }

    fn write(&self, name: &str, out: &mut dyn Write) -> io::Result<()> {
        // An array without items is not what the schema calls an array.
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(out, ",\"{name}\":[")?;
        out.write_all(&self.0)?;
        write!(out, "]")
    }
}

impl Batch {
    pub(crate) fn new(subject: Subject) -> Self {
        Self {
            subject,
            part: 1,
            findings: 0,
            observations: Items::default(),
            risks: Items::default(),
            concluded: Items::default(),
            controls: Controls::default(),
        }
    }

    /// Takes a finding.
    pub(crate) fn add(&mut self, finding: &Finding, written: &Written) -> Result<(), RenderError> {
        self.findings += 1;
        for control in &finding.controls {
            self.controls.add(control);
        }
        self.observations.push(&written.observation)?;
        if let Some(risk) = &written.risk {
            self.risks.push(risk)?;
        }
        if let Some(finding) = &written.finding {
            self.concluded.push(finding)?;
        }
        Ok(())
    }

    /// Takes something that was seen and concludes nothing.
    pub(crate) fn observe<T: Serialize>(&mut self, observation: &T) -> Result<(), RenderError> {
        self.observations.push(observation)
    }

    /// Returns whether what comes is for the next result.
    pub(crate) const fn is_full(&self) -> bool {
        self.findings == MAX_FINDINGS || self.size() > MAX_BYTES
    }

    /// Returns how many bytes are held.
    pub(crate) const fn size(&self) -> usize {
        self.observations.0.len() + self.risks.0.len() + self.concluded.0.len()
    }

    /// Returns the next result about the same.
    pub(crate) fn next(&self) -> Self {
        Self {
            part: self.part + 1,
            ..Self::new(self.subject.clone())
        }
    }

    /// Writes the result, with what it is the first to define.
    pub(crate) fn write(
        &self,
        run: &Run,
        end: Option<String>,
        definitions: ResultDefinitions,
        out: &mut dyn Write,
    ) -> Result<(), RenderError> {
        let subject = &self.subject;
        let part = self.part.to_string();
        let mut title = subject.title.clone();
        if self.part > 1 {
            title = format!("{title} (part {part})");
        }
        let of = subject.node.as_deref().unwrap_or(&subject.title);
        let head = ResultHead {
            uuid: uuid(&["result", &run.key, of, &part]),
            title,
            description: subject.description.clone(),
            start: run.start.clone(),
            end,
            props: subject.props.clone(),
            local_definitions: definitions,
            reviewed_controls: self.controls.reviewed(),
        };
        let mut text = Vec::new();
        json::write_line(&head, &mut text)?;
        // The arrays are members of the same object.
        let open = text.strip_suffix(b"}\n").unwrap_or(&text);
        out.write_all(open)?;
        self.observations.write("observations", out)?;
        self.risks.write("risks", out)?;
        self.concluded.write("findings", out)?;
        out.write_all(b"}\n")?;
        Ok(())
    }
}

/// Controls, by framework, with the statements within them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Controls(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Controls {
    pub(crate) fn add(&mut self, control: &Control) {
        let Some(id) = control_id(control) else {
            return;
        };
        if !self.0.contains_key(&control.framework) {
            self.0.insert(control.framework.clone(), BTreeMap::new());
        }
        if let Some(ids) = self.0.get_mut(&control.framework) {
            ids.entry(id.id).or_default().extend(id.statement);
        }
    }

    fn reviewed(&self) -> ReviewedControls {
        let selections = self.0.iter().map(|(framework, ids)| Selection {
            description: markup(framework),
            include_controls: ids
                .iter()
                .map(|(id, statements)| SelectedControl {
                    control_id: id.clone(),
                    statement_ids: statements.iter().cloned().collect(),
                })
                .collect(),
        });
        let mut control_selections: Vec<Selection> = selections.collect();
        if control_selections.is_empty() {
            // OSCAL wants one or all, and all would be a lie.
            control_selections.push(Selection {
                description: "no control was reviewed".to_owned(),
                include_controls: vec![SelectedControl {
                    control_id: "none".to_owned(),
                    statement_ids: Vec::new(),
                }],
            });
        }
        ReviewedControls { control_selections }
    }
}
