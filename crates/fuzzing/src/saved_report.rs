//! Reports that exist, in every format that is read: what is read renders as a report that reads as the same.

use std::io::Cursor;

use kubeassay_report::read::{Limits, Piece, ReadError, ReadErrorKind, ReportFile, Survey};
use kubeassay_report::{Format, Prose, Style, renderer};

/// Small, so that a fuzzer comes to them.
const LIMITS: Limits = Limits {
    yaml: 32 << 10,
    element: 16 << 10,
    part: 32 << 10,
    nodes: 8,
    findings: 32,
};

/// Reads an input as a report.
pub(crate) fn run(data: &[u8]) {
    let (survey, pieces) = match read(data, LIMITS) {
        Ok(read) => read,
        Err(error) => return refused(data, &error),
    };
    let Some(closing) = &survey.closing else {
        return;
    };
    for format in [Format::Json, Format::Jsonl, Format::Yaml] {
        let style = Style {
            width: 80,
            colour: false,
        };
        let mut render = renderer(format, style, &Prose::default());
        let mut out = Vec::new();
        let written = render.header(&survey.header, &mut out);
        written.expect("a vector takes everything");
        for piece in &pieces {
            let written = match piece {
                Piece::Node(node) => render.node(node, &mut out),
                Piece::Finding(finding) => render.finding(finding, &mut out),
            };
            written.expect("a vector takes everything");
        }
        let written = render.end(closing, &mut out);
        written.expect("a vector takes everything");
        let (again, after) = read(&out, Limits::USUAL).expect("what was written can be read");
        assert_eq!(again.header, survey.header, "{format}");
        assert_eq!(again.closing, survey.closing, "{format}");
        if format == Format::Jsonl {
            assert_eq!(after, pieces, "lines come as they came");
        } else {
            assert_eq!(after.len(), pieces.len(), "{format} loses a piece");
        }
    }
}

fn read(data: &[u8], limits: Limits) -> Result<(Survey, Vec<Piece>), ReadError> {
    let mut file = ReportFile::open("report", Cursor::new(data), limits)?;
    let mut pieces = Vec::new();
    file.each(|piece| {
        pieces.push(piece);
        Ok::<(), ReadError>(())
    })?;
    Ok((file.survey().clone(), pieces))
}

/// Asserts that an error says where it is, within the text.
fn refused(data: &[u8], error: &ReadError) {
    assert!(error.to_string().starts_with("report: "), "{error}");
    let lines = data.split(|byte| *byte == b'\n').count();
    if let Some((line, column)) = error.at {
        assert!(line >= 1 && column >= 1, "{error}");
        let json = data.trim_ascii_start().starts_with(b"{");
        // YAML has more line breaks than this one.
        assert!(line <= lines || !json, "{error} of {lines} lines");
    }
    assert_ne!(error.kind, ReadErrorKind::Io, "{error}");
}
