//! JSON lines: a header, a line for each node and behind it one for each of its findings, a last line.
//!
//! A scan of many nodes writes them as they come, so the header holds only what is known before the first
//! of them and the last line the rest: what was counted, what could not be read, how it ended. The findings
//! of a node stand together, sorted; which node comes first is not said. A file without its last line was
//! cut off, and is read as incomplete.

use std::io::Write;

use kubeassay_core::report::{Finding, Node};
use serde::Serialize;

use crate::RenderError;
use crate::json::write_line;
use crate::stream::{Closing, Header, Render};

/// Writes a report line by line.
#[derive(Clone, Copy, Debug)]
pub struct JsonLines;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line<'a> {
    Header(&'a Header),
    Node(&'a Node),
    Finding(&'a Finding),
    Summary(&'a Closing),
}

impl Render for JsonLines {
    fn header(&mut self, header: &Header, out: &mut dyn Write) -> Result<(), RenderError> {
        write_line(&Line::Header(header), out)
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        write_line(&Line::Node(node), out)
    }

    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError> {
        write_line(&Line::Finding(finding), out)
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        write_line(&Line::Summary(closing), out)?;
        out.flush()?;
        Ok(())
    }
}
