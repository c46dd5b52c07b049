//! Who scanned what, with which rules, and how much of it was reached.

use kubeassay_core::report::{
    Cluster, Coverage, Distribution, Gate, Joined, KubernetesVersion, Node, Problem,
};
use kubeassay_core::{Bytes, facts::Platform};

use super::escape::{count, html, number, put, short};
use crate::describe::{describe_source, status_words};
use crate::heading;
use crate::stream::{Closing, Header};

/// So many problems are told one by one.
const MAX_PROBLEMS: usize = 500;
/// They take no more bytes, but for the one that goes beyond.
const MAX_BYTES: usize = 1 << 20;
/// So many reports, files and ids are named.
const MAX_NAMED: usize = 100;
/// A list of them takes no more bytes.
const MAX_LIST: usize = 64 << 10;

/// Names and values, written as a list of terms.
pub(crate) struct Facts<'a>(&'a mut String);

impl<'a> Facts<'a> {
    pub(crate) fn begin(page: &'a mut String) -> Self {
        page.push_str("<dl class=\"facts\">");
        Self(page)
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.markup(name, &short(text));
    }

    pub(crate) fn code(&mut self, name: &str, text: &str) {
        self.markup(name, &format!("<code>{}</code>", short(text)));
    }

    pub(crate) fn markup(&mut self, name: &str, markup: &str) {
        put(self.0, format_args!("<dt>{name}</dt><dd>{markup}</dd>\n"));
    }

    fn list(&mut self, name: &str, items: &[String]) {
        if !items.is_empty() {
            self.markup(name, &list(items));
        }
    }

    pub(crate) fn end(self) {
        self.0.push_str("</dl>\n");
    }
}

/// Returns the first of the items, and how many more there are.
fn list(items: &[String]) -> String {
    let mut said = String::new();
    for (at, item) in items.iter().enumerate() {
        if at >= MAX_NAMED || said.len() > MAX_LIST {
            put(
                &mut said,
                format_args!("and {} more", number(items.len() - at)),
            );
            break;
        }
        put(&mut said, format_args!("<code>{}</code> ", short(item)));
    }
    said.trim_end().to_owned()
}

/// Writes what was scanned, and by what.
pub(super) fn section(header: &Header, closing: &Closing, node: Option<&Node>, page: &mut String) {
    page.push_str("<section id=\"scan\" aria-labelledby=\"scan-head\"><h2 id=\"scan-head\">What was scanned, and by what</h2>\n<div class=\"columns\">\n");
    page.push_str("<section><h3>The scan</h3>\n");
    let mut facts = Facts::begin(page);
    let source = header.scanned.source;
    facts.text(
        "Source",
        &format!("{}: {}", heading::source(source), describe_source(source)),
    );
    facts.text("Began", &header.scanned.started.to_string());
    facts.text("Ended", &closing.finished.to_string());
    if let Some(cluster) = &header.scanned.cluster {
        of_cluster(cluster, &mut facts);
    }
    facts.text(
        "Complete",
        if closing.complete {
            "yes: everything that was to be scanned was"
        } else {
            "no: not everything that was to be scanned was"
        },
    );
    facts.end();
    coverage(closing.coverage, page);
    page.push_str("</section>\n<section><h3>The program and its rules</h3>\n");
    let mut facts = Facts::begin(page);
    facts.text(
        "Program",
        &format!("{} {}", header.tool.name, header.tool.version),
    );
    if let Some(commit) = &header.tool.commit {
        facts.code("Commit", commit);
    }
    facts.text("Schema", &header.schema);
    facts.text("Rules", &number(header.rules.count));
    facts.code("Digest of the rules", &header.rules.digest);
    facts.text(
        "Benchmark",
        header
            .rules
            .benchmark
            .as_deref()
            .unwrap_or("that of each node's version and platform"),
    );
    facts.list("Rules that were added", &header.rules.added);
    facts.list("Rules that were replaced", &header.rules.replaced);
    facts.end();
    page.push_str("</section>\n<section><h3>The gate</h3>\n");
    gate(&closing.gate, page);
    page.push_str("</section>\n");
    if let Some(node) = node {
        page.push_str("<section><h3>The node</h3>\n");
        of_node(node, page);
        page.push_str("</section>\n");
    }
    page.push_str("</div>\n");
    joined(&header.scanned.joined, page);
    page.push_str("</section>\n");
}

fn of_cluster(cluster: &Cluster, facts: &mut Facts<'_>) {
    let Cluster {
        uid,
        server,
        version,
    } = cluster;
    facts.text("Cluster", server);
    if let Some(uid) = uid {
        facts.code("UID of the cluster", uid);
    }
    if let Some(version) = version {
        facts.text("API server", version);
    }
}

fn coverage(coverage: Coverage, page: &mut String) {
    let Coverage {
        nodes,
        scanned,
        partial,
        unreachable,
        unsupported,
    } = coverage;
    page.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Coverage\"><table><caption>Coverage</caption><thead><tr>");
    let counts = [
        ("nodes", nodes),
        ("scanned whole", scanned),
        ("in part", partial),
        ("not reached", unreachable),
        ("not supported", unsupported),
    ];
    for (name, _) in counts {
        put(
            page,
            format_args!("<th scope=\"col\" class=\"number\">{name}</th>"),
        );
    }
    page.push_str("</tr></thead><tbody><tr>");
    for (_, count) in counts {
        put(
            page,
            format_args!("<td class=\"number\">{}</td>", number(count)),
        );
    }
    page.push_str("</tr></tbody></table></div>\n");
}

fn gate(gate: &Gate, page: &mut String) {
    let Gate {
        fail_on,
        min_coverage,
        max_unknown,
        only_new,
        include_pods,
        exit_code,
        reason,
    } = gate;
    let mut facts = Facts::begin(page);
    facts.markup("Exit code", &format!("<b>{exit_code}</b>"));
    facts.text("Why", reason);
    facts.code("Asked for", &format!("--fail-on {fail_on}"));
    if let Some(least) = min_coverage {
        facts.code("Coverage", &format!("--min-coverage {least}"));
    }
    if let Some(most) = max_unknown {
        facts.code("Unknown", &format!("--max-unknown {most}"));
    }
    if *only_new {
        facts.text("Baseline", "only what is new or changed against it counts");
    }
    if *include_pods {
        facts.text("Workloads", "components in pods count");
    }
    facts.end();
}

fn of_node(node: &Node, page: &mut String) {
    let Node {
        id,
        name,
        uid,
        hostname,
        root,
        platform,
        distribution,
        kubernetes_version,
        benchmark,
        status,
        cause,
        boot_time,
    } = node;
    let mut facts = Facts::begin(page);
    facts.text("Name", name);
    facts.code("Id", id);
    if let Some(uid) = uid {
        facts.code("UID", uid);
    }
    if let Some(hostname) = hostname {
        facts.text("Host name", &hostname.to_string());
    }
    if let Some(root) = root {
        facts.code("Read below", &root.to_string());
    }
    if let Some(KubernetesVersion { value, origin }) = kubernetes_version {
        facts.text("Kubernetes", &format!("{value} (told by: {origin})"));
    }
    if let Some(Distribution {
        id: _,
        name,
        evidence,
        also,
        documented,
    }) = distribution
    {
        let known = if *documented {
            ", known by its documentation"
        } else {
            ""
        };
        facts.text("Platform", &format!("{name}{known}"));
        facts.list("Signs of the platform", &words(evidence));
        facts.list("Signs of others", &words(also));
    }
    let Platform {
        id,
        version,
        evidence,
    } = platform;
    if let Some(id) = id {
        facts.text(
            "Operating system",
            &format!("{id} {}", version.as_deref().unwrap_or_default()),
        );
        facts.list("Told by", &words(evidence));
    }
    if let Some(benchmark) = benchmark {
        facts.text("Benchmark", benchmark);
    }
    let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    facts.text("Scanned", &format!("{}{cause}", status_words(*status)));
    if let Some(boot) = boot_time {
        facts.text("Started", &boot.to_string());
    }
    facts.end();
}

fn words(bytes: &[Bytes]) -> Vec<String> {
    bytes.iter().map(ToString::to_string).collect()
}

fn joined(joined: &[Joined], page: &mut String) {
    if joined.is_empty() {
        return;
    }
    let end = page.len() + MAX_BYTES;
    let mut shown = 0;
    page.push_str("<h3>Joined from these reports</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Reports\"><table><thead><tr><th scope=\"col\">Report</th><th scope=\"col\">Source</th><th scope=\"col\">Began</th><th scope=\"col\">Cluster</th><th scope=\"col\">Version</th><th scope=\"col\">Rules</th><th scope=\"col\" class=\"number\">Nodes</th></tr></thead><tbody>\n");
    for Joined {
        file,
        source,
        started,
        finished,
        cluster,
        version,
        rules,
        nodes,
    } in joined.iter().take(MAX_NAMED)
    {
        if page.len() > end {
            break;
        }
        shown += 1;
        let cluster = cluster
            .as_ref()
            .map_or("", |cluster| cluster.server.as_str());
        let cut = if finished.is_none() {
            " <strong class=\"missed\">cut off</strong>"
        } else {
            ""
        };
        put(
            page,
            format_args!(
                "<tr><th scope=\"row\">{}{cut}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td><td class=\"number\">{}</td></tr>\n",
                short(file),
                heading::source(*source),
                html(&started.to_string()),
                short(cluster),
                short(version),
                short(rules),
                number(*nodes)
            ),
        );
    }
    page.push_str("</tbody></table></div>\n");
    if joined.len() > shown {
        put(
            page,
            format_args!(
                "<p class=\"note\">and {} more.</p>\n",
                number(joined.len() - shown)
            ),
        );
    }
}

/// Writes what could not be read or understood; `name` returns the name of a node.
pub(super) fn problems<'a>(
    closing: &'a Closing,
    name: impl Fn(&'a str) -> &'a str,
    page: &mut String,
) {
    let problems = &closing.problems;
    page.push_str("<section id=\"problems\" aria-labelledby=\"problems-head\"><h2 id=\"problems-head\">What could not be read or understood</h2>\n");
    if problems.is_empty() {
        page.push_str(
            "<p>Nothing: everything that was looked for was read and understood.</p>\n</section>\n",
        );
        return;
    }
    put(
        page,
        format_args!(
            "<p>{}.</p>\n<ul class=\"problems\">\n",
            count(problems.len(), "problem")
        ),
    );
    let end = page.len() + MAX_BYTES;
    let mut shown = 0;
    for problem in problems.iter().take(MAX_PROBLEMS) {
        if page.len() > end {
            break;
        }
        shown += 1;
        let Problem {
            node,
            subject,
            cause,
            path,
            reason,
            affects,
        } = problem;
        put(page, format_args!("<li><b>{cause}</b> {}", short(reason)));
        let path = path.as_ref().map(ToString::to_string);
        let places = [
            node.as_deref().map(&name),
            subject.as_deref(),
            path.as_deref(),
        ];
        let places: Vec<String> = places.into_iter().flatten().map(short).collect();
        if !places.is_empty() {
            put(
                page,
                format_args!("<br/><span class=\"note\">{}</span>", places.join(", ")),
            );
        }
        if !affects.is_empty() {
            put(
                page,
                format_args!("<br/><span class=\"note\">touches {}</span>", list(affects)),
            );
        }
        page.push_str("</li>\n");
    }
    page.push_str("</ul>\n");
    if problems.len() > shown {
        put(
            page,
            format_args!(
                "<p class=\"note\">and {} more, which the format json has.</p>\n",
                number(problems.len() - shown)
            ),
        );
    }
    page.push_str("</section>\n");
}
