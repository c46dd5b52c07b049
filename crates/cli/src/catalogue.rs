//! The rules of a command: the bundled ones, and those that were named.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use kubeassay_core::report::Rules;
use kubeassay_core::rule::{
    Benchmark, Catalogue, Diagnostic, Document, MAX_PAGE, MAX_SITE, RenderStyle, Replacing, Rule,
    SiteChoices,
};
use kubeassay_engine::BUNDLED_RULES;
use kubeassay_engine::schema::Components;

use crate::args::{CatalogueArgs, Global, SiteArgs};
use crate::messages::Messages;

/// A page that was read.
pub(crate) struct Page {
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

/// Returns the bundled rules.
pub(crate) fn bundled() -> Catalogue {
    Catalogue::prepared(&BUNDLED_RULES)
}

/// Returns the bundled rules and those of the command line. Faulty pages are reported and left out.
pub(crate) fn load(
    arguments: &CatalogueArgs,
    style: RenderStyle,
    messages: Messages,
) -> anyhow::Result<(Catalogue, Vec<Diagnostic>)> {
    let mut catalogue = bundled();
    let pages = read_pages(&arguments.rule_paths)?;
    let documents: Vec<Document<'_>> = pages
        .iter()
        .map(|page| Document {
            file: &page.file,
            bytes: &page.bytes,
        })
        .collect();
    let replacing = if arguments.replace_rules {
        Replacing::Allowed
    } else {
        Replacing::Refused
    };
    let faults = catalogue.add(&documents, replacing, &Components);
    for fault in &faults {
        messages.verbatim(&fault.render(style));
    }
    Ok((catalogue, faults))
}

/// Returns the rules that the words mean; all where there are none.
pub(crate) fn select<'a>(
    catalogue: &'a Catalogue,
    words: &[String],
) -> anyhow::Result<Vec<&'a Rule>> {
    catalogue
        .select(words)
        .map_err(|unknown| anyhow!("{unknown}; kubeassay rules list shows all"))
}

/// Returns those of the rules that have a number in the benchmark.
pub(crate) fn of_benchmark<'a>(
    rules: Vec<&'a Rule>,
    benchmark: Option<&Benchmark>,
) -> anyhow::Result<Vec<&'a Rule>> {
    let Some(benchmark) = benchmark else {
        return Ok(rules);
    };
    let before = rules.len();
    let rules: Vec<&Rule> = rules
        .into_iter()
        .filter(|rule| benchmark.number_of(rule).is_some())
        .collect();
    if rules.is_empty() && before > 0 {
        bail!(
            "none of the rules has a number in {benchmark}; kubeassay rules coverage --benchmark {benchmark} shows which do"
        );
    }
    Ok(rules)
}

/// Returns those of the rules that are not about the objects of a cluster.
pub(crate) fn of_nodes(mut rules: Vec<&Rule>) -> anyhow::Result<Vec<&Rule>> {
    rules.retain(|rule| !kubeassay_engine::is_about_objects(rule));
    if rules.is_empty() {
        bail!("none of the rules is about nodes: leave --nodes-only out");
    }
    Ok(rules)
}

/// Reads what the site decided; its mistakes are reported, and nothing is judged with half of it.
#[expect(
    clippy::disallowed_methods,
    reason = "the file of choices is the user's own, not a host's"
)]
pub(crate) fn site(
    arguments: &SiteArgs,
    global: &Global,
    catalogue: &Catalogue,
    style: RenderStyle,
    messages: Messages,
) -> anyhow::Result<SiteChoices> {
    let Some(path) = &arguments.choices else {
        return Ok(SiteChoices::default());
    };
    let read = if global.choices_are_configured {
        SiteChoices::read_configured
    } else {
        SiteChoices::read
    };
    let shown = path.display();
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if !metadata.is_file() {
        bail!("{shown} is not a regular file");
    }
    if metadata.len() > MAX_SITE as u64 {
        bail!(
            "{shown} is larger than a file of choices may be ({} KiB)",
            MAX_SITE / 1024
        );
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    read(&path.to_string_lossy(), &bytes, catalogue).map_err(|faults| {
        for fault in &faults {
            messages.verbatim(&fault.render(style));
        }
        anyhow!("{shown} was not used; mend it and run again")
    })
}

/// Returns what a report says of the rules.
pub(crate) fn describe(
    catalogue: &Catalogue,
    chosen: &[&Rule],
    benchmark: Option<&Benchmark>,
) -> Rules {
    let owned = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect();
    Rules {
        count: chosen.len(),
        digest: catalogue.digest(),
        benchmark: benchmark.map(Benchmark::to_string),
        added: owned(catalogue.added()),
        replaced: owned(catalogue.replaced()),
    }
}

/// Reads pages: files as they are named, folders with all `.md` files below them.
pub(crate) fn read_pages(paths: &[PathBuf]) -> anyhow::Result<Vec<Page>> {
    let mut pages = Vec::new();
    for path in paths {
        let before = pages.len();
        read_below(path, 0, &mut pages)?;
        if pages.len() == before {
            bail!("there is no rule page (.md) in {}", path.display());
        }
    }
    Ok(pages)
}

#[expect(
    clippy::disallowed_methods,
    reason = "rule pages are the user's own files, not a host's"
)]
fn read_below(path: &Path, depth: usize, pages: &mut Vec<Page>) -> anyhow::Result<()> {
    const MAX_DEPTH: usize = 16;
    let shown = path.display();
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if metadata.is_dir() {
        if depth > MAX_DEPTH {
            bail!("{shown} lies too deep");
        }
        let mut children = std::fs::read_dir(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("cannot read {shown}"))?;
        children.sort_by_key(std::fs::DirEntry::file_name);
        for child in children {
            let child = child.path();
            let page = child.extension().is_some_and(|extension| extension == "md");
            if page || child.is_dir() {
                read_below(&child, depth + 1, pages)?;
            }
        }
        return Ok(());
    }
    if !metadata.is_file() {
        bail!("{shown} is not a regular file");
    }
    if metadata.len() > MAX_PAGE as u64 {
        bail!(
            "{shown} is larger than a rule page may be ({} KiB)",
            MAX_PAGE / 1024
        );
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    pages.push(Page {
        file: path.to_string_lossy().into_owned(),
        bytes,
    });
    Ok(())
}
