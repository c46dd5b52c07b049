//! `kubeassay collect`: reads a host into a facts document.

use kubeassay_core::text;

use crate::args::Collect;
use crate::exit::Exit;
use crate::hosts;
use crate::messages::Messages;
use crate::output::Destination;
use crate::privileges::{self, Keep};

pub(crate) fn run(arguments: &Collect, messages: Messages) -> anyhow::Result<Exit> {
    let destination = Destination::new(arguments.output_file.as_deref(), "kubeassay collect")?;
    let facts = hosts::read(&arguments.host, false, messages)?;
    let mut data = serde_json::to_vec_pretty(&facts)?;
    data.push(b'\n');
    destination.write(&data)?;
    for problem in &facts.problems {
        messages.warning(&text::escape(&problem.reason));
    }
    if !facts.complete {
        messages.warning(&"these facts are incomplete: not all was read");
    }
    if arguments.hold {
        hold(messages);
    }
    Ok(if facts.complete {
        Exit::Success
    } else {
        Exit::Gate(2)
    })
}

/// Waits for a signal, which ends the program, with no privilege at all.
///
/// The kernel gives the first process of a PID namespace no signal that it does not ask for, but for
/// SIGKILL from outside: in a container it is that which ends the wait, at the end of the pod's grace
/// period.
fn hold(messages: Messages) -> ! {
    for refused in privileges::give_up(Keep::Nothing) {
        messages.warning(&refused);
    }
    loop {
        std::thread::park();
    }
}
