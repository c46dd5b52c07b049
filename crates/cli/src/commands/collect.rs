//! `kubeassay collect`: reads a host into a facts document.

use kubeassay_core::text;

use crate::args::Collect;
use crate::exit::Exit;
use crate::messages::Messages;
use crate::{hosts, output};

pub(crate) fn run(arguments: &Collect, messages: Messages) -> anyhow::Result<Exit> {
    let facts = hosts::read(&arguments.host, messages)?;
    let mut data = serde_json::to_vec_pretty(&facts)?;
    data.push(b'\n');
    output::write(&data, arguments.output_file.as_deref())?;
    for problem in &facts.problems {
        messages.warning(&text::escape(&problem.reason));
    }
    if facts.complete {
        return Ok(Exit::Success);
    }
    messages.warning(&"the time limit was reached: these facts are incomplete");
    Ok(Exit::Gate(2))
}
