//! What users type about rules.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kubeassay_core::rule::Benchmark;

use super::{CatalogueArgs, TextFormat};

pub(super) const RULES_HELP: &str = "\
Examples:
  kubeassay rules list                  every rule, with its number
  kubeassay rules show 4.2.2            one rule's page
  kubeassay rules lint my-rules/        check rule pages as a compiler would
";

/// `kubeassay rules`.
#[derive(Args, Debug)]
pub(crate) struct Rules {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List every rule
    List {
        #[command(flatten)]
        catalogue: CatalogueArgs,
        /// Format of the list
        #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
        output: TextFormat,
    },
    /// Show a rule's page
    Show {
        /// A number, an id or an alias
        #[arg(value_name = "RULE")]
        rule: String,
        #[command(flatten)]
        catalogue: CatalogueArgs,
        /// Format of the page
        #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
        output: TextFormat,
    },
    /// Show how far the rules decide each section of a benchmark
    Coverage {
        /// The benchmark (cis-kubernetes@1.12, cis-eks, disa-stig)
        #[arg(long, value_name = "NAME@VERSION", default_value = "cis-kubernetes")]
        benchmark: Benchmark,
        #[command(flatten)]
        catalogue: CatalogueArgs,
        /// Format of the matrix
        #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
        output: TextFormat,
    },
    /// Check rule pages as a compiler would
    Lint {
        /// Pages, or folders of pages
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Format of the diagnostics
        #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
        output: TextFormat,
    },
}
