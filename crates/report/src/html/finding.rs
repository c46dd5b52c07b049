//! One rule and subject at its horizons, as HTML: what is wanted, what was found, and the layers that it came through.

use kubeassay_core::report::{BaselineState, Evidence, Finding, Fix, Overridden, Subject, Waiver};
use kubeassay_core::{Horizon, Origin, OriginKind, Value, Verdict, Witness};

use super::escape::{html, number, put, short};
use super::status::Status;
use crate::describe::{control_label, describe_origin, describe_user, shell_word, subject_parts};
use crate::trace::place;

/// So many things that a check read are shown of a finding.
const MAX_EVIDENCE: usize = 50;
/// So many layers are shown of a value.
const MAX_LAYERS: usize = 30;
/// A finding takes no more bytes, but for the piece that goes beyond.
const MAX_BYTES: usize = 128 * 1024;

/// What is shown of findings, ready to be put on the page.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    /// What stands at their head.
    pub(crate) head: String,
    /// What findings of one group have in common.
    pub(crate) body: String,
    /// What is true of the first alone: processes, times, digests, ids.
    pub(crate) alone: String,
}

/// Draws the findings of one rule and subject, which differ in their horizon.
pub(crate) fn draw(unit: &[Finding]) -> Drawn {
    let Some(first) = unit.first() else {
        return Drawn::default();
    };
    let all: Vec<&Finding> = unit.iter().collect();
    let several = unit.len() > 1 || first.horizon != Horizon::Running;
    let mut body = String::new();
    for finding in unit {
        if several {
            put(
                &mut body,
                format_args!(
                    "<div class=\"horizon\"><p class=\"when\">{} {}</p>",
                    chip(Status::of(finding), finding.verdict, None),
                    horizon(finding.horizon)
                ),
            );
            if unit.len() > 1 && !finding.reason.is_empty() {
                put(&mut body, format_args!("<p>{}</p>", short(&finding.reason)));
            }
        }
        details(finding, None, &mut body);
        if several {
            body.push_str("</div>\n");
        }
    }
    if let Some(failing) = unit.iter().find(|one| one.verdict == Verdict::Fail) {
        mending(failing, &mut body);
    }
    let worst = unit.iter().min_by_key(|finding| Status::of(finding));
    Drawn {
        head: head(worst.unwrap_or(first)),
        body,
        alone: alone(&all),
    }
}

/// Returns the verdict's word and shape; what was accepted keeps its verdict.
pub(crate) fn chip(status: Status, verdict: Verdict, count: Option<usize>) -> String {
    let count = count.map(|count| format!(" <b>{}</b>", number(count)));
    let count = count.unwrap_or_default();
    let truth = match (status, verdict) {
        (Status::Waived, Verdict::NotApplicable) => " (not applicable)".to_owned(),
        (Status::Waived, verdict) => format!(" ({verdict})"),
        _ => String::new(),
    };
    format!(
        "<span class=\"chip {}\">{}{truth}{count}</span>",
        status.word(),
        status.label()
    )
}

/// Returns a horizon in words.
pub(crate) const fn horizon(horizon: Horizon) -> &'static str {
    match horizon {
        Horizon::Running => "now, as the process runs",
        Horizon::Restart => "after the next restart",
        Horizon::Rebuild => "on a node that is built anew",
    }
}

/// Returns what a finding says, in a line.
pub(crate) fn head(finding: &Finding) -> String {
    if !finding.reason.is_empty() {
        return short(&finding.reason);
    }
    let evidence = finding.evidence.first();
    let said = evidence.map(|evidence| short(&format!("{} is {}", what(evidence), evidence.value)));
    said.unwrap_or_else(|| short(&finding.title))
}

/// Writes all that a finding says. Beside one at another time, what both want is left to whoever writes them, and what
/// was read otherwise there is marked.
pub(crate) fn details(finding: &Finding, beside: Option<&Finding>, page: &mut String) {
    if let Some(waiver) = &finding.waiver {
        waived(waiver, finding.verdict, page);
    }
    page.push_str("<dl>");
    let mut fact = |name: &str, words: &str| {
        put(page, format_args!("<dt>{name}</dt><dd>{words}</dd>"));
    };
    let is_said = beside.is_some_and(|other| other.expected == finding.expected);
    if !finding.expected.is_empty() && !is_said {
        fact("Wanted", &short(&finding.expected));
    }
    if let Some(cause) = finding.cause {
        fact("Cause", cause.as_str());
    }
    if let Some(state) = finding.baseline_state {
        fact("Baseline", baseline(state));
    }
    if finding.witnesses.len() > 1 {
        let said = finding.witnesses.iter().take(MAX_EVIDENCE).map(|one| {
            let verdict = html(one.verdict.as_str());
            format!(
                "{} says <b>{verdict}</b>: {}",
                witness(one.witness),
                short(&one.reason)
            )
        });
        let said: Vec<String> = said.collect();
        fact("Asked", &said.join("<br/>"));
    }
    if !finding.assumes.is_empty() {
        let assumes: Vec<String> = finding
            .assumes
            .iter()
            .take(MAX_EVIDENCE)
            .map(|one| short(one))
            .collect();
        fact("Taken for granted", &assumes.join("<br/>"));
    }
    page.push_str("</dl>\n");
    let end = page.len() + MAX_BYTES;
    let mut shown = 0;
    for evidence in finding.evidence.iter().take(MAX_EVIDENCE) {
        if page.len() > end {
            break;
        }
        let mark = beside.map_or("", |other| differs(evidence, other));
        draw_evidence(evidence, finding.verdict, mark, end, page);
        shown += 1;
    }
    more(finding.evidence.len() - shown, "value", page);
}

/// Says how many were left out.
fn more(left: usize, what: &str, page: &mut String) {
    if left > 0 {
        let what = super::escape::count(left, what);
        put(
            page,
            format_args!(
                "<p class=\"note\">{what} more: they are in the formats json and jsonl.</p>"
            ),
        );
    }
}

fn waived(waiver: &Waiver, verdict: Verdict, page: &mut String) {
    let Waiver {
        reason,
        owner,
        ticket,
        created,
        expires,
        origin,
    } = waiver;
    put(
        page,
        format_args!(
            "<div class=\"waiver\"><p><strong>Accepted by {}{}</strong>; the verdict stays <b>{}</b>.</p><p>{}</p><p class=\"note\">",
            short(owner),
            expires
                .as_deref()
                .map(|day| format!(" until {}", short(day)))
                .unwrap_or_default(),
            verdict,
            short(reason)
        ),
    );
    let more = [
        ("Ticket", ticket),
        ("since", created),
        ("written in", origin),
    ];
    let more = more
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", short(value.as_deref()?))));
    put(
        page,
        format_args!("{}</p></div>\n", more.collect::<Vec<_>>().join(", ")),
    );
}

const fn baseline(state: BaselineState) -> &'static str {
    match state {
        BaselineState::New => "<b>new</b>: the baseline does not have it",
        BaselineState::Updated => "<b>changed</b>: the baseline has it with other values",
        BaselineState::Unchanged => "known: the baseline has it with the same values",
    }
}

const fn witness(witness: Witness) -> &'static str {
    match witness {
        Witness::Disk => "the disk",
        Witness::Live => "the live configuration",
        Witness::Probe => "the request that had to be refused",
    }
}

/// Returns how what was read differs from what was read at another time.
fn differs(evidence: &Evidence, other: &Finding) -> &'static str {
    let mut same = same(evidence, other).peekable();
    if same.peek().is_none() {
        return "only here";
    }
    let mut word = "other value";
    for one in same.filter(|one| one.value == evidence.value) {
        if place(&one.origin) == place(&evidence.origin) {
            return "";
        }
        word = "other origin";
    }
    word
}

/// Returns what was read of the same thing at another time.
pub(crate) fn same<'a>(
    evidence: &'a Evidence,
    other: &'a Finding,
) -> impl Iterator<Item = &'a Evidence> {
    let named = |one: &Evidence| {
        (one.witness, &one.setting, &one.file)
            == (evidence.witness, &evidence.setting, &evidence.file)
            && (&one.object, &one.response) == (&evidence.object, &evidence.response)
    };
    other.evidence.iter().filter(move |one| named(one))
}

/// Returns what was read.
pub(crate) fn what(evidence: &Evidence) -> String {
    let Evidence {
        setting,
        file,
        object,
        response,
        ..
    } = evidence;
    let file = file.as_ref().map(ToString::to_string);
    let mut named = [setting, &file, object, response].into_iter().flatten();
    named.next().cloned().unwrap_or_default()
}

fn draw_evidence(evidence: &Evidence, verdict: Verdict, mark: &str, end: usize, page: &mut String) {
    let by = match evidence.witness {
        Witness::Disk => String::new(),
        other => format!(" <span class=\"note\">{} says</span>", witness(other)),
    };
    let mark = if mark.is_empty() {
        String::new()
    } else {
        format!(" <span class=\"tag\">{mark}</span>")
    };
    put(
        page,
        format_args!(
            "<div class=\"evidence\"><p><code>{}</code>{by}{mark}</p><ol class=\"stack\">",
            short(&what(evidence))
        ),
    );
    let value = value(evidence, verdict);
    let alone = evidence.overrode.is_empty();
    layer(
        "won",
        &value,
        &evidence.origin,
        if alone { "" } else { "holds" },
        page,
    );
    let mut shown = 0;
    for Overridden { value, origin } in evidence.overrode.iter().take(MAX_LAYERS) {
        if page.len() > end {
            break;
        }
        let (value, word) = match value {
            Value::Null => ("(removed)".to_owned(), "overridden"),
            value => (
                format!("<s><code>{}</code></s>", short(&value.to_string())),
                "overridden",
            ),
        };
        layer("lost", &value, origin, word, page);
        shown += 1;
    }
    page.push_str("</ol>");
    more(evidence.overrode.len() - shown, "layer", page);
    page.push_str("</div>\n");
}

/// Returns the value that was read.
pub(crate) fn value(evidence: &Evidence, verdict: Verdict) -> String {
    match (&evidence.value, verdict) {
        (Value::Null, Verdict::Unknown) => "not known".to_owned(),
        (value, _) => format!("<code>{}</code>", short(&value.to_string())),
    }
}

fn layer(class: &str, value: &str, origin: &Origin, word: &str, page: &mut String) {
    put(
        page,
        format_args!(
            "<li class=\"{class}\"><span class=\"what\"><span class=\"value\">{value}</span> {}</span>",
            short(&describe_origin(origin))
        ),
    );
    if !word.is_empty() {
        put(page, format_args!(" <span class=\"word\">{word}</span>"));
    }
    // Of the other kinds it is among the words.
    if let (OriginKind::File | OriginKind::DropIn, Some(text)) = (origin.kind, &origin.text) {
        put(
            page,
            format_args!(" <code class=\"text\">{}</code>", short(&text.to_string())),
        );
    }
    page.push_str("</li>");
}

/// Writes what mends a finding.
pub(crate) fn mending(finding: &Finding, page: &mut String) {
    let Fix {
        possible,
        why_not,
        how,
    } = &finding.fix;
    let control = shell_word(&control_label(&finding.controls, &finding.rule));
    let mut said = Vec::new();
    if *possible {
        said.push(format!(
            "<p><code>kubeassay fix {}</code> plans the change on the node.</p>",
            short(&control)
        ));
    }
    if finding.node.is_some() && finding.subject.object.is_none() {
        said.push(format!(
            "<p><code>kubeassay explain {}</code> shows there how it came about.</p>",
            short(&control)
        ));
    }
    if let Some(how) = how {
        said.push(format!("<p>On this platform: {}</p>", with_code(how)));
    }
    if let Some(why) = why_not {
        said.push(format!("<p>To decide first: {}</p>", with_code(why)));
    }
    if !said.is_empty() {
        put(
            page,
            format_args!("<div class=\"mend\">{}</div>\n", said.concat()),
        );
    }
}

/// Returns a sentence in which what stands between backticks is code.
fn with_code(sentence: &str) -> String {
    let parts: Vec<&str> = sentence.split('`').collect();
    // The last one without a partner is a backtick.
    if parts.len().is_multiple_of(2) {
        return short(sentence);
    }
    let parts = parts.into_iter().enumerate().map(|(at, part)| {
        if at % 2 == 1 {
            format!("<code>{}</code>", short(part))
        } else {
            short(part)
        }
    });
    parts.collect()
}

/// Returns what is true of findings of one subject and no other.
pub(crate) fn alone(unit: &[&Finding]) -> String {
    let Some(first) = unit.first() else {
        return String::new();
    };
    let mut page = String::from("<dl>");
    let mut fact = |name: &str, words: &str| {
        put(&mut page, format_args!("<dt>{name}</dt><dd>{words}</dd>"));
    };
    let Subject {
        exe,
        cgroup,
        user,
        in_pod,
        recognised_by,
        ..
    } = &first.subject;
    let parts = subject_parts(&first.subject, true);
    fact("Judged", &short(&parts.join(", ")));
    if *in_pod {
        fact("Where", "in a pod");
    }
    if let Some(exe) = exe {
        let user = user
            .as_ref()
            .map(|user| format!(", {}", describe_user(user)));
        fact(
            "Program",
            &short(&format!("{exe}{}", user.unwrap_or_default())),
        );
    }
    if let Some(cgroup) = cgroup {
        fact("Cgroup", &short(&cgroup.to_string()));
    }
    if !recognised_by.is_empty() {
        let by = recognised_by.iter().take(MAX_LAYERS);
        let by: Vec<String> = by
            .map(|one| short(&format!("{}: {}", serde_word(&one.by), one.seen)))
            .collect();
        fact("Recognised by", &by.join("<br/>"));
    }
    let evidence = || {
        unit.iter()
            .flat_map(|finding| &finding.evidence)
            .take(MAX_EVIDENCE)
    };
    if let Some(observed) = evidence().map(|one| one.observed_at).min() {
        fact("Read at", &html(&observed.to_string()));
    }
    let mut digests: Vec<String> = evidence()
        .flat_map(|one| {
            std::iter::once(&one.origin).chain(
                one.overrode
                    .iter()
                    .take(MAX_LAYERS)
                    .map(|layer| &layer.origin),
            )
        })
        .filter_map(|origin| {
            Some(format!(
                "<code>{}</code> {}",
                short(origin.digest.as_deref()?),
                short(&origin.path.as_ref()?.to_string())
            ))
        })
        .collect();
    digests.sort();
    digests.dedup();
    if !digests.is_empty() {
        fact("Digests of files", &digests.join("<br/>"));
    }
    let ids: Vec<String> = unit
        .iter()
        .map(|finding| format!("<code>{}</code>", short(&finding.id)))
        .collect();
    fact(
        if ids.len() == 1 {
            "Finding"
        } else {
            "Findings"
        },
        &ids.join(" "),
    );
    page.push_str("</dl>\n");
    page
}

/// Returns the word of a value that is written as a word.
fn serde_word(value: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}
