//! Writes a document result by result, and hashes it: what is known only at the end stands at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use kubeassay_core::report::Finding;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::batch::{Batch, Controls};
use super::document::{
    BackMatter, Definitions, ImportPlan, Metadata, Objective, Part, ResultDefinitions,
};
use super::finding::property;
use super::run::Run;
use super::words::{control_id, markup, token, uuid_of};
use crate::{RenderError, json};

/// So many rules are objectives; of more, those whose ids come first.
const MAX_RULES: usize = 10_000;

/// A document that was begun.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) run: Run,
    objectives: BTreeMap<String, Objective>,
    /// The controls of their rules.
    pub(crate) reviewed: Controls,
    /// The UUIDs of what results defined: none is there twice in a document.
    defined: BTreeSet<String>,
    /// Over all that was written: what the document's UUID is made of.
    hash: Sha256,
}

/// Writes, and hashes what it writes.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    hash: &'a mut Sha256,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Writer {
    /// Begins a document.
    pub(crate) fn begin(
        run: Run,
        plan: &ImportPlan,
        out: &mut dyn Write,
    ) -> Result<Self, RenderError> {
        let mut hash = Sha256::new();
        let mut hashing = Hashing {
            out,
            hash: &mut hash,
        };
        hashing.write_all(b"{\"assessment-results\":{\"import-ap\":")?;
        json::write_line(plan, &mut hashing)?;
        hashing.write_all(b",\"results\":[\n")?;
        Ok(Self {
            run,
            objectives: BTreeMap::new(),
            reviewed: Controls::default(),
            defined: BTreeSet::new(),
            hash,
        })
    }

    /// Writes a result that is full, or whose findings ended.
    pub(crate) fn result(
        &mut self,
        batch: &Batch,
        end: Option<String>,
        out: &mut dyn Write,
    ) -> Result<(), RenderError> {
        let mut out = Hashing {
            out,
            hash: &mut self.hash,
        };
        let is_first = self.defined.insert(self.run.tool.clone());
        if !is_first {
            out.write_all(b",")?;
        }
        let items = batch.subject.item.iter();
        let items = items.filter(|item| self.defined.insert(item.uuid.clone()));
        let definitions = ResultDefinitions {
            inventory_items: items.cloned().collect(),
            assessment_assets: is_first.then(|| self.run.assets.clone()),
        };
        batch.write(&self.run, end, definitions, &mut out)
    }

    /// Keeps what the rule of a finding asks for.
    pub(crate) fn note_rule(&mut self, finding: &Finding) {
        let id = token(&finding.rule);
        if self.objectives.contains_key(&id) {
            return;
        }
        if self.objectives.len() < MAX_RULES {
            for control in &finding.controls {
                self.reviewed.add(control);
            }
        }
        let controls = finding.controls.iter();
        let first = controls.clone().find_map(control_id);
        let mut props = vec![
            property("rule", &finding.rule),
            property("severity", finding.severity.as_str()),
        ];
        props.extend(controls.map(|control| {
            let value = format!("{}:{}", control.framework, control.control);
            property("control", &value)
        }));
        let prose = if finding.expected.is_empty() {
            &finding.title
        } else {
            &finding.expected
        };
        let objective = Objective {
            control_id: first.map_or_else(|| id.clone(), |first| first.id),
            props,
            parts: [Part {
                id: id.clone(),
                name: "assessment-objective",
                title: markup(&finding.title),
                prose: markup(prose),
            }],
        };
        self.objectives.insert(id, objective);
        if self.objectives.len() > MAX_RULES {
            self.objectives.pop_last();
        }
    }

    /// Ends the document.
    pub(crate) fn end(
        mut self,
        metadata: &Metadata,
        back: &BackMatter,
        out: &mut dyn Write,
    ) -> Result<(), RenderError> {
        let mut hashing = Hashing {
            out,
            hash: &mut self.hash,
        };
        hashing.write_all(b"]")?;
        if !self.objectives.is_empty() {
            let definitions = Definitions {
                objectives_and_methods: self.objectives.into_values().collect(),
            };
            member("local-definitions", &definitions, &mut hashing)?;
        }
        member("metadata", metadata, &mut hashing)?;
        member("back-matter", back, &mut hashing)?;
        let uuid = uuid_of(&self.hash.finalize());
        writeln!(out, ",\"uuid\":\"{uuid}\"}}}}")?;
        out.flush()?;
        Ok(())
    }
}

fn member<T: Serialize>(name: &str, value: &T, out: &mut dyn Write) -> Result<(), RenderError> {
    write!(out, ",\"{name}\":")?;
    json::write_line(value, out)
}
