//! What was scanned and by whom, as facts with names: every format begins with them.

use kubeassay_core::facts::Source;
use kubeassay_core::text;

use crate::stream::Header;

/// Returns the source's word.
pub(crate) const fn source(source: Source) -> &'static str {
    match source {
        Source::Live => "live",
        Source::Root => "root",
        Source::Captured => "captured",
        Source::Facts => "facts",
        Source::Cluster => "cluster",
        Source::Endpoint => "endpoint",
        Source::Demo => "demo",
    }
}

/// Returns what is known before the first finding, as names and values; foreign text in it is escaped.
pub(crate) fn facts(header: &Header) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("tool", text::escape(&header.tool.name)),
        ("version", text::escape(&header.tool.version)),
        ("source", source(header.scanned.source).to_owned()),
    ];
    if let Some(cluster) = &header.scanned.cluster {
        facts.push(("cluster", text::escape(&cluster.server)));
        let more = [
            ("cluster-uid", &cluster.uid),
            ("cluster-version", &cluster.version),
        ];
        for (name, value) in more {
            facts.extend(value.as_deref().map(|value| (name, text::escape(value))));
        }
    }
    if !header.scanned.joined.is_empty() {
        facts.push(("joined-reports", header.scanned.joined.len().to_string()));
    }
    facts.push(("started", header.scanned.started.to_string()));
    let benchmark = header.rules.benchmark.as_deref().map(text::escape);
    facts.extend(benchmark.map(|benchmark| ("benchmark", benchmark)));
    facts.push(("rules", header.rules.count.to_string()));
    facts.push(("rules-digest", text::escape(&header.rules.digest)));
    for (name, ids) in [
        ("rules-added", &header.rules.added),
        ("rules-replaced", &header.rules.replaced),
    ] {
        if !ids.is_empty() {
            facts.push((name, text::escape(&ids.join(" "))));
        }
    }
    facts
}

/// Returns them as one line: `source live, started 2026-11-26T10:00:00Z, …`.
pub(crate) fn line(header: &Header) -> String {
    let facts = facts(header);
    let said: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    said.join(", ")
}
