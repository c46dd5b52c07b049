//! The files that are checked in but derived: one list, written or compared.
//!
//! To add one, add its path and the function that makes its contents to [`FILES`].

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::{coverage, provenance, rules, schemas, tables};

/// A derived file.
struct Derived {
    /// Where it lies, from the root of the workspace.
    path: &'static str,
    /// Makes what it must contain.
    contents: fn() -> Result<String>,
}

/// Every derived file.
const FILES: &[Derived] = &[
    Derived {
        path: "crates/config/src/tables/kubelet.rs",
        contents: tables::kubelet,
    },
    Derived {
        path: "crates/config/src/tables/apiserver.rs",
        contents: tables::apiserver,
    },
    Derived {
        path: "crates/config/src/tables/controller_manager.rs",
        contents: tables::controller_manager,
    },
    Derived {
        path: "crates/config/src/tables/kube_proxy.rs",
        contents: tables::kube_proxy,
    },
    Derived {
        path: "crates/config/src/tables/scheduler.rs",
        contents: tables::scheduler,
    },
    Derived {
        path: "crates/engine/src/bundled.rs",
        contents: rules::bundled,
    },
    Derived {
        path: "crates/engine/src/platforms/hosts.rs",
        contents: provenance::table,
    },
    Derived {
        path: "docs/coverage.md",
        contents: coverage::document,
    },
    Derived {
        path: "docs/schemas/config.v1.json",
        contents: schemas::config,
    },
    Derived {
        path: "docs/schemas/diff.v1.json",
        contents: schemas::diff,
    },
    Derived {
        path: "docs/schemas/facts.v1.json",
        contents: schemas::facts,
    },
    Derived {
        path: "docs/schemas/plan.v1.json",
        contents: schemas::plan,
    },
    Derived {
        path: "docs/schemas/report.v1.json",
        contents: schemas::report,
    },
    Derived {
        path: "docs/schemas/rule.v1.json",
        contents: schemas::rule,
    },
    Derived {
        path: "docs/schemas/transaction.v1.json",
        contents: schemas::transaction,
    },
    Derived {
        path: "docs/schemas/waivers.v1.json",
        contents: schemas::waivers,
    },
];

/// Returns the root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Writes every derived file that is missing or stale.
pub(crate) fn write() -> Result<ExitCode> {
    for (file, contents) in stale()? {
        let path = root().join(file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        fs::write(&path, contents).with_context(|| format!("cannot write {}", file.path))?;
        println!("wrote {}", file.path);
    }
    Ok(ExitCode::SUCCESS)
}

/// Names every derived file that is missing or stale.
pub(crate) fn check() -> Result<ExitCode> {
    let stale = stale()?;
    for (file, _) in &stale {
        eprintln!("stale: {} (run `cargo xtask generate`)", file.path);
    }
    Ok(if stale.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns the derived files that do not contain what they must, and what that is.
fn stale() -> Result<Vec<(&'static Derived, String)>> {
    let mut stale = Vec::new();
    for file in FILES {
        let wanted = (file.contents)().with_context(|| format!("cannot generate {}", file.path))?;
        let found = match fs::read_to_string(root().join(file.path)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.path)),
        };
        if found.as_ref() != Some(&wanted) {
            stale.push((file, wanted));
        }
    }
    Ok(stale)
}
