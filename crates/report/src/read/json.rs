//! A report as one JSON document: its keys in any order, its findings one by one.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use kubeassay_core::report::{Gate, Problem, Rules, Scanned, Summary, Tool};
use serde::de::DeserializeOwned;

use super::pieces::{Mark, Pieces};
use super::{Limits, Part, ReadError, ReadErrorKind, Survey, check_schema};
use crate::stream::{Closing, Header, Scanning};

/// Where the findings of a document begin.
pub(super) type Place = Mark;

/// The keys of a report, but for its findings.
const PARTS: &[&str] = &[
    "schema", "tool", "scanned", "rules", "problems", "summary", "gate", "complete",
];

/// Longer keys are none of ours.
const MAX_KEY: usize = 4096;

/// Reads everything but the findings.
pub(super) fn survey<R: Read + Seek>(
    pieces: &mut Pieces<'_, R>,
    limits: Limits,
) -> Result<(Survey, Place), ReadError> {
    let mut parts: BTreeMap<String, (Vec<u8>, Mark)> = BTreeMap::new();
    let mut findings = None;
    pieces.expect_sign(b'{', "a report is an object")?;
    let mut key = Vec::new();
    let mut first = true;
    while !pieces.take_sign(b'}')? {
        if !first {
            pieces.expect_sign(b',', "the next key")?;
        }
        first = false;
        let began = pieces.value(&mut key, MAX_KEY)?;
        let name: String = pieces.parse(&key, began)?;
        pieces.expect_sign(b':', "behind a key")?;
        let twice = parts.contains_key(&name) || (name == "findings" && findings.is_some());
        if twice {
            let said = format!("the key {name:?} is there twice; take one of them out");
            return Err(pieces.wrong(began, ReadErrorKind::Broken, said));
        }
        if name == "findings" {
            pieces.next_sign()?;
            findings = Some(pieces.mark());
            pieces.skip()?;
        } else if PARTS.contains(&name.as_str()) {
            let mut value = Vec::new();
            let began = pieces.value(&mut value, limits.part)?;
            if name == "schema" {
                let schema: Option<String> = pieces.parse(&value, began)?;
                check_schema(schema.as_deref())
                    .map_err(|(kind, said)| pieces.wrong(began, kind, said))?;
            }
            parts.insert(name, (value, began));
        } else {
            pieces.skip()?;
        }
    }
    if pieces.next_sign()?.is_some() {
        let said = "there is something behind the report; give each report a file of its own";
        return Err(pieces.broken(said.to_owned()));
    }
    let parts = Parts { parts, pieces };
    let schema: Option<String> = parts.read_if_there("schema")?;
    check_schema(schema.as_deref()).map_err(|(kind, said)| parts.pieces.of_file(kind, &said))?;
    let findings = findings.ok_or_else(|| parts.missing("findings"))?;
    let Scanned {
        started,
        finished,
        source,
        cluster,
        joined,
        nodes,
        coverage,
    } = parts.read("scanned")?;
    if nodes.len() > limits.nodes {
        let said = format!("it has more than {} nodes", limits.nodes);
        return Err(parts.pieces.of_file(ReadErrorKind::TooLarge, &said));
    }
    let survey = Survey {
        header: Header {
            schema: schema.unwrap_or_default(),
            tool: parts.read::<Tool>("tool")?,
            scanned: Scanning {
                started,
                source,
                cluster,
                joined,
            },
            rules: parts.read::<Rules>("rules")?,
        },
        nodes,
        closing: Some(Closing {
            finished,
            coverage,
            problems: parts.read::<Vec<Problem>>("problems")?,
            summary: parts.read::<Summary>("summary")?,
            gate: parts.read::<Gate>("gate")?,
            complete: parts.read("complete")?,
        }),
    };
    Ok((survey, findings))
}

/// The values under the keys of a report.
struct Parts<'a, 'p, R> {
    parts: BTreeMap<String, (Vec<u8>, Mark)>,
    pieces: &'a Pieces<'p, R>,
}

impl<R: Read + Seek> Parts<'_, '_, R> {
    fn read_if_there<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ReadError> {
        let there = self.parts.get(key);
        there
            .map(|(value, began)| self.pieces.parse(value, *began))
            .transpose()
    }

    fn read<T: DeserializeOwned>(&self, key: &str) -> Result<T, ReadError> {
        self.read_if_there(key)?.ok_or_else(|| self.missing(key))
    }

    fn missing(&self, key: &str) -> ReadError {
        let said = format!("the key {key:?} is missing; it is no report as kubeassay writes it");
        self.pieces.of_file(ReadErrorKind::Broken, &said)
    }
}

/// Reads the findings, one by one.
pub(super) fn findings<R: Read + Seek, F: Part, E: From<ReadError>>(
    pieces: &mut Pieces<'_, R>,
    place: Place,
    limits: Limits,
    mut take: impl FnMut(F, &Pieces<'_, R>) -> Result<(), E>,
) -> Result<(), E> {
    pieces.go_to(place)?;
    pieces.expect_sign(b'[', "findings are a list")?;
    let mut value = Vec::new();
    let mut count = 0_usize;
    while !pieces.take_sign(b']')? {
        if count > 0 {
            pieces.expect_sign(b',', "the next finding")?;
        }
        count += 1;
        let began = pieces.value(&mut value, limits.element)?;
        if count > limits.findings {
            let said = format!("it has more than {} findings", limits.findings);
            return Err(pieces.wrong(began, ReadErrorKind::TooLarge, said).into());
        }
        take(pieces.parse(&value, began)?, pieces)?;
    }
    Ok(())
}
