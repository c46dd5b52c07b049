//! `kubeassay transactions`: what was applied on a host, and how it came out.

use std::io;
use std::path::Path;

use anyhow::{anyhow, bail};
use kubeassay_core::rule::{did_you_mean, suggestion};
use kubeassay_core::transaction::Transaction;
use kubeassay_fix::transaction::Store;
use kubeassay_report::{Style, transaction};

use crate::args::{Global, TextFormat, Transactions, TransactionsCommand};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::{fixing, output};

/// Where transactions are kept, below the root of the host.
const FOLDER: &str = "var/lib/kubeassay/transactions";

pub(crate) fn run(
    arguments: &Transactions,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    fixing::refused_or(show(arguments, global), messages)
}

fn show(arguments: &Transactions, global: &Global) -> anyhow::Result<Exit> {
    let root = arguments.root.as_deref().unwrap_or(Path::new("/"));
    refuse_unless_readable(root)?;
    let all = Store::open(root)?.list()?;
    if let Some(TransactionsCommand::Show { id }) = &arguments.command {
        let root = arguments.root.as_deref();
        fixing::print(find(&all, id)?, root, arguments.output, global)?;
        return Ok(Exit::Success);
    }
    let data = match arguments.output {
        TextFormat::Table => {
            let layout = output::layout(global, false);
            let style = Style {
                width: layout.width,
                colour: layout.colour,
            };
            let mut text = Vec::new();
            transaction::write_list(&all, style, &mut text)?;
            text
        }
        format => super::safe_document(&all, format)?,
    };
    output::print(&data)?;
    Ok(Exit::Success)
}

/// Refuses to take for none what is only hidden from whoever asks.
#[expect(
    clippy::disallowed_methods,
    reason = "the program's own folder is looked at, not what a host is made of"
)]
fn refuse_unless_readable(root: &Path) -> anyhow::Result<()> {
    if let Err(error) = std::fs::metadata(root) {
        bail!("cannot look at {}: {error}", root.display());
    }
    match std::fs::read_dir(root.join(FOLDER)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            bail!(
                "cannot read /{FOLDER}: {error}; transactions are root's to read: sudo kubeassay transactions"
            )
        }
        _ => Ok(()),
    }
}

/// Returns the transaction of this name.
///
/// # Errors
///
/// Where there is none.
fn find<'a>(all: &'a [Transaction], id: &str) -> anyhow::Result<&'a Transaction> {
    if let Some(found) = all.iter().find(|one| one.id == id) {
        return Ok(found);
    }
    let near = did_you_mean(id, all.iter().map(|one| &*one.id));
    let help = suggestion(&near)
        .unwrap_or_else(|| "kubeassay transactions lists those that there are".to_owned());
    Err(anyhow!("there is no transaction {id}; {help}"))
}
