//! A report as one YAML document. It is held whole, so it may not be as large as the others.

use std::io::{Read, Seek};

use kubeassay_core::report::Finding;
use serde::Deserialize;

use super::pieces::Pieces;
use super::{Limits, ReadError, ReadErrorKind, Survey, check_schema};
use crate::stream::Parts;

#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

/// Reads all of it.
pub(super) fn read<R: Read + Seek>(
    pieces: &mut Pieces<'_, R>,
    limits: Limits,
) -> Result<(Survey, Vec<Finding>), ReadError> {
    let bytes = pieces.all(limits.yaml)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = valid.split(|byte| *byte == b'\n').count();
        let column = valid
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count()
            + 1;
        ReadError {
            at: Some((line, column)),
            ..pieces.of_file(
                ReadErrorKind::Broken,
                "it is not UTF-8 here, so it is no report as kubeassay writes it",
            )
        }
    })?;
    let Head { schema } = parse(text, pieces)?;
    check_schema(schema.as_deref()).map_err(|(kind, said)| pieces.of_file(kind, &said))?;
    let Parts {
        header,
        nodes,
        findings,
        closing,
    } = Parts::of(parse(text, pieces)?);
    if nodes.len() > limits.nodes || findings.len() > limits.findings {
        let said = format!(
            "it has more than {} nodes or {} findings",
            limits.nodes, limits.findings
        );
        return Err(pieces.of_file(ReadErrorKind::TooLarge, &said));
    }
    let survey = Survey {
        header,
        nodes,
        closing: Some(closing),
    };
    Ok((survey, findings))
}

fn parse<T: for<'de> Deserialize<'de>, R: Read + Seek>(
    text: &str,
    pieces: &Pieces<'_, R>,
) -> Result<T, ReadError> {
    // Nothing that kubeassay writes has an alias: with one, a short text could become a long one.
    let budget = serde_saphyr::budget! { max_depth: 64, flow_nesting_limit: 64, max_nodes: 20_000_000, max_aliases: 0, max_anchors: 0, max_total_scalar_bytes: 256 << 20, max_events: 60_000_000, max_reader_input_bytes: None };
    let options =
        serde_saphyr::options! { strict_booleans: true, with_snippet: false, budget: budget };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        let at = place.map(|place| (widen(place.line()), widen(place.column())));
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default();
        // It repeats its own place.
        let said = said.split(" at line ").next().unwrap_or_default();
        ReadError {
            at,
            ..pieces.of_file(
                ReadErrorKind::Broken,
                &format!("{said}; it is neither JSON nor a YAML report as kubeassay writes it"),
            )
        }
    })
}

fn widen(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}
