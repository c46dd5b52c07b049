//! `kubeassay collect`: reads a host into a facts document.

use kubeassay_core::text;

use crate::args::Collect;
use crate::exit::Exit;
use crate::hosts;
use crate::messages::Messages;
use crate::output::Destination;

pub(crate) fn run(arguments: &Collect, messages: Messages) -> anyhow::Result<Exit> {
    let destination = Destination::new(arguments.output_file.as_deref(), "kubeassay collect")?;
    let facts = hosts::read(&arguments.host, messages)?;
    let mut data = serde_json::to_vec_pretty(&facts)?;
    data.push(b'\n');
    destination.write(&data)?;
    for problem in &facts.problems {
        messages.warning(&text::escape(&problem.reason));
    }
    if facts.complete {
        return Ok(Exit::Success);
    }
    messages.warning(&"the time limit was reached: these facts are incomplete");
    Ok(Exit::Gate(2))
}
