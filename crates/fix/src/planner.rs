//! Facts, findings and rules to a plan.
//!
//! Pure. For every failing finding whose rule has a fix, the settings are followed to where the next start takes them
//! from, and changed there (`draft.rs`), on a copy of the facts. What comes of it is proven on that copy (`proof.rs`):
//! the rule passes, no other setting differs, and the kubelet would start. What cannot be proven is left as it is, and
//! the plan says why.

mod cases;
mod draft;
mod edits;
mod judged;
mod proof;

use kubeassay_config::resolution::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{Facts, ProcessFacts, ServiceFacts, Tool};
use kubeassay_core::plan::{
    Elsewhere, Paste, Plan, PlannedFix, PlannedNode, Request, Restart, SCHEMA, SettingChange,
    Unfixed,
};
use kubeassay_core::report::Finding;
use kubeassay_core::rule::{Rule, SiteChoices};
use kubeassay_core::{Bytes, Component, Origin, Value, Verdict};
use kubeassay_engine::{Successor, successor};

use crate::edit::Refused;
use crate::managers::{self, Management};
use crate::preflight::Observations;
use crate::services::Services;
use cases::{Case, cases};
use draft::{Draft, Stuck};
use judged::Judged;

pub(crate) use judged::options;

/// What a plan is asked for.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The rules whose failures are to be mended.
    pub rules: &'a [&'a Rule],
    /// `sha256:…` over the texts of all rules that are known.
    pub digest: String,
    /// Who plans.
    pub tool: Tool,
    /// The kubelet's version, where the user gave it.
    pub said: Option<Minor>,
    /// The ids of the preflight checks that may stay unknown.
    pub accepted: Vec<String>,
    /// What the site decided.
    pub choices: SiteChoices,
}

/// A plan, and what it was worked out from: what preflight and verification look at.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan; its preflight is still to be filled in.
    pub plan: Plan,
    /// The kubelets that change or start again.
    pub kubelets: Vec<PlannedKubelet>,
}

impl Planned {
    /// Says in the plan how systemd is asked, where it answered what was asked about the units.
    pub fn name_systemd(&mut self, seen: &Observations, services: &dyn Services) {
        let units = seen.kubelets.iter().map(|kubelet| &kubelet.unit);
        let mut answers = units.filter(|unit| matches!(unit, Some(Ok(_))));
        let way = answers.next().map(|_| services.way().to_owned());
        for restart in &mut self.plan.restarts {
            restart.by.clone_from(&way);
        }
    }
}

/// A kubelet that changes or starts again.
#[derive(Clone, Debug)]
pub struct PlannedKubelet {
    /// The subject's key.
    pub subject: String,
    /// The unit that starts it.
    pub unit: Bytes,
    /// Its process now; `None` where it does not run, or is not known.
    pub pid: Option<u32>,
    /// Whether it is started again; what does not run is not started.
    pub is_restarted: bool,
    /// The facts of its service as they will be.
    pub service: ServiceFacts,
    /// What the next start would be with the files as they are.
    pub before: Successor,
    /// What it will be with the files as they are planned.
    pub after: Successor,
    /// The paths of the settings that change, such as `authorization.mode`.
    pub settings: Vec<String>,
}

/// Returns the plan that mends the failures of `facts`.
pub fn plan(facts: &Facts, asked: &Asked<'_>) -> Planned {
    let judged = Judged::of(facts, asked);
    let mut planner = Planner {
        facts,
        asked,
        plan: empty(asked, facts, &judged),
        kubelets: Vec::new(),
    };
    for (subject, cases) in cases(&judged.findings, asked) {
        planner.mend(&subject, &cases);
    }
    planner
        .plan
        .fixes
        .sort_by(|one, other| (&one.rule, &one.subject).cmp(&(&other.rule, &other.subject)));
    planner
        .plan
        .unfixed
        .sort_by(|one, other| (&one.rule, &one.subject).cmp(&(&other.rule, &other.subject)));
    planner
        .plan
        .edits
        .sort_by(|one, other| one.path.cmp(&other.path));
    Planned {
        plan: planner.plan,
        kubelets: planner.kubelets,
    }
}

/// Returns what is seen of kubelets that no edit is planned for: those that the `units` start, as their files are.
///
/// # Errors
///
/// A sentence that says why one of them cannot be told.
pub fn as_it_is(facts: &Facts, units: &[Bytes], asked: &Asked<'_>) -> Result<Planned, String> {
    let judged = Judged::of(facts, asked);
    let mut kubelets = Vec::new();
    for unit in units {
        let mut services = facts.services.iter();
        let service = services
            .find(|service| service.unit == *unit)
            .ok_or_else(|| format!("{unit} is not found any more"))?;
        let next = successor(service, facts, asked.said)
            .map_err(|unknown| format!("what {unit} starts cannot be told: {}", unknown.reason))?;
        kubelets.push(PlannedKubelet {
            subject: unit.to_string(),
            unit: unit.clone(),
            pid: None,
            is_restarted: true,
            service: service.clone(),
            before: next.clone(),
            after: next,
            settings: Vec::new(),
        });
    }
    Ok(Planned {
        plan: empty(asked, facts, &judged),
        kubelets,
    })
}

/// Returns a plan that does nothing yet.
fn empty(asked: &Asked<'_>, facts: &Facts, judged: &Judged) -> Plan {
    let mut rules: Vec<String> = asked
        .rules
        .iter()
        .map(|rule| rule.id().to_owned())
        .collect();
    rules.sort();
    Plan {
        schema: SCHEMA.to_owned(),
        tool: asked.tool.clone(),
        taken: facts.finished,
        source: facts.source,
        node: PlannedNode {
            id: judged.node_id.clone(),
            name: judged.node_name.clone(),
        },
        request: Request {
            rules,
            digest: asked.digest.clone(),
            kubernetes_version: asked.said.map(|minor| minor.to_string()),
            accepted: asked.accepted.clone(),
            choices: asked.choices.only(asked.rules),
        },
        fixes: Vec::new(),
        edits: Vec::new(),
        restarts: Vec::new(),
        preflight: Vec::new(),
        unfixed: Vec::new(),
        elsewhere: Vec::new(),
    }
}

struct Planner<'a> {
    facts: &'a Facts,
    asked: &'a Asked<'a>,
    plan: Plan,
    kubelets: Vec<PlannedKubelet>,
}

impl<'a> Planner<'a> {
    /// Plans for one subject.
    fn mend(&mut self, subject: &str, cases: &[Case<'_>]) {
        let Some(finding) = cases.iter().find_map(Case::open) else {
            return;
        };
        let process = finding.subject.pid.and_then(|pid| self.process(pid));
        let before = match self.service(finding, process) {
            Ok(service) => successor(service, self.facts, self.asked.said)
                .map(|before| (service, before))
                .map_err(|unknown| {
                    format!(
                        "what the next start of {} would be cannot be told: {}",
                        service.unit, unknown.reason
                    )
                }),
            Err(reason) => Err(reason),
        };
        // What refuses its own arguments is no kubelet but a program that brings one.
        let before = before.and_then(|(service, before)| {
            let refusals = before.resolutions.iter().map(|one| one.refusal.as_ref());
            match refusals.collect::<Option<Vec<_>>>().as_deref() {
                Some([.., refusal]) if process.is_some() => Err(format!(
                    "{} starts something else than this kubelet, or would not start: {}",
                    service.unit, refusal.reason
                )),
                _ => Ok((service, before)),
            }
        });
        // Two processes of one unit are one kubelet that was seen while it started another, or none that is understood.
        let before = before.and_then(|(service, before)| {
            let mut kubelets = self.kubelets.iter();
            match kubelets.find(|kubelet| kubelet.unit == service.unit) {
                Some(other) => Err(format!(
                    "{} starts {} as well: which of them it is about is not clear; plan again",
                    service.unit, other.subject
                )),
                None => Ok((service, before)),
            }
        });
        let (service, before) = match before {
            Ok(before) => before,
            Err(reason) => {
                for case in cases {
                    let unfixed = self.by_hand(case, process, subject, &reason);
                    self.plan.unfixed.extend(unfixed);
                }
                return;
            }
        };
        let mut draft = Draft::new(self.facts, service, before.clone(), self.asked);
        let mut fixed = Vec::new();
        for case in cases {
            match mend_rule(&mut draft, case) {
                Ok(()) => fixed.push(case),
                Err(stuck) => self.plan.unfixed.push(unfixed(case, subject, stuck)),
            }
        }
        if fixed.is_empty() {
            return;
        }
        let settings = draft.settings.clone();
        self.remember_managers(&draft);
        let kubelet = PlannedKubelet {
            subject: subject.to_owned(),
            unit: service.unit.clone(),
            pid: process.map(|process| process.pid),
            is_restarted: process.is_some(),
            before,
            after: draft.next.clone(),
            settings,
            service: draft.service.clone(),
        };
        for case in fixed {
            let planned = draft.verdict(case.rule);
            self.plan.fixes.push(PlannedFix {
                rule: case.rule.id().to_owned(),
                title: case.rule.title().to_owned(),
                control: control(case.rule),
                subject: subject.to_owned(),
                running: case.now(),
                restart: case.next(),
                planned,
                settings: changes(case.rule, &kubelet),
            });
        }
        self.plan.edits.extend(draft.edits());
        if kubelet.is_restarted {
            self.plan.restarts.push(Restart {
                unit: kubelet.unit.clone(),
                subject: subject.to_owned(),
                by: None,
            });
        }
        self.kubelets.push(kubelet);
    }

    /// Returns the process of a kubelet, or of the program that it runs inside.
    fn process(&self, pid: u32) -> Option<&'a ProcessFacts> {
        let mut processes = self.facts.processes.iter();
        processes.find(|process| {
            let brings_one = [Component::Kubelet, Component::Distribution];
            process.pid == pid && brings_one.contains(&process.component)
        })
    }

    /// Returns the service that starts the subject of a finding.
    fn service(
        &self,
        finding: &Finding,
        process: Option<&ProcessFacts>,
    ) -> Result<&'a ServiceFacts, String> {
        let unit = finding.subject.unit.as_ref();
        let mut services = self.facts.services.iter().filter(|service| match process {
            Some(process) => {
                service.started.contains(&process.pid)
                    || process.unit.as_ref() == Some(&service.unit)
            }
            None => unit == Some(&service.unit),
        });
        let found = services.next().ok_or_else(|| match finding.subject.pid {
            Some(pid) => format!("no service of systemd is known that starts process {pid}, so that nothing would start it again with other settings"),
            None => "no service of systemd is known that starts it".to_owned(),
        })?;
        match services.next() {
            Some(other) => Err(format!(
                "both {} and {} may start it",
                found.unit, other.unit
            )),
            None => Ok(found),
        }
    }

    /// Returns how a rule is left as it is where nothing can be edited at all, with what to paste: into what its manager
    /// takes, else into the kubelet's own file.
    fn by_hand(
        &self,
        case: &Case<'_>,
        process: Option<&ProcessFacts>,
        subject: &str,
        reason: &str,
    ) -> Option<Unfixed> {
        let finding = case.open()?;
        let stuck = match (finding.verdict, settings(case.rule)) {
            (Verdict::Unknown, _) => undecided(finding),
            (_, Err(stuck)) => stuck,
            (_, Ok(settings)) => self.managed(process, settings).unwrap_or_else(|| Stuck {
                reason: reason.to_owned(),
                instead: Some(Paste {
                    into: finding.fix.how.clone().unwrap_or_else(|| {
                        "the file that --config names, then start the kubelet again".to_owned()
                    }),
                    text: fragment(settings),
                }),
            }),
        };
        Some(unfixed(case, subject, stuck))
    }

    /// Returns what to give to the manager of a kubelet that no service of its own starts, if it has one.
    fn managed(
        &self,
        process: Option<&ProcessFacts>,
        settings: &[(String, Value)],
    ) -> Option<Stuck> {
        let process = process?;
        let unit = process.unit.clone()?;
        let mut services = self.facts.services.iter();
        let service = services.find(|service| service.unit == unit).cloned();
        let service = service.unwrap_or_else(|| ServiceFacts {
            started: vec![process.pid],
            ..ServiceFacts::new(unit.clone())
        });
        let path = Bytes::from(format!("/etc/systemd/system/{unit}"));
        let settings: Vec<(&str, &Value)> = settings
            .iter()
            .map(|(path, value)| (path.as_str(), value))
            .collect();
        match managers::of(self.facts, &service, &path, &settings) {
            Management::Instead { reason, paste, .. } => Some(Stuck {
                reason,
                instead: Some(paste),
            }),
            Management::None | Management::Also { .. } => None,
        }
    }

    /// Adds what has to be changed elsewhere too, once for each manager, with all settings that it manages.
    fn remember_managers(&mut self, draft: &Draft<'_>) {
        for (path, settings) in &draft.managed {
            let settings: Vec<(&str, &Value)> = settings
                .iter()
                .map(|(path, value)| (path.as_str(), value))
                .collect();
            if let Management::Also {
                manager,
                reason,
                paste,
            } = managers::of(self.facts, &draft.service, path, &settings)
            {
                let elsewhere = Elsewhere {
                    manager: manager.to_owned(),
                    reason,
                    paste,
                };
                if !self.plan.elsewhere.contains(&elsewhere) {
                    self.plan.elsewhere.push(elsewhere);
                }
            }
        }
    }
}

/// Mends one rule on a draft, or leaves the draft as it was.
fn mend_rule(draft: &mut Draft<'_>, case: &Case<'_>) -> Result<(), Stuck> {
    let Some(finding) = case.open() else {
        return Ok(());
    };
    if finding.verdict == Verdict::Unknown {
        return Err(undecided(finding));
    }
    let settings = settings(case.rule)?;
    let before = draft.clone();
    let mended = draft.mend(case.rule, settings);
    if mended.is_err() {
        *draft = before;
    }
    mended
}

/// Returns the settings that mend a failure of a rule, or what a person has to decide.
fn settings(rule: &Rule) -> Result<&[(String, Value)], Stuck> {
    let fix = rule.fix();
    if let Some(settings @ [_, ..]) = fix.map(|fix| fix.set.as_slice()) {
        return Ok(settings);
    }
    let decide = fix.and_then(|fix| fix.decide.as_deref());
    Err(Stuck::new(decide.map_or_else(
        || "its page does not say what would mend it".to_owned(),
        |decide| format!("a person has to decide: {decide}"),
    )))
}

/// Returns why a finding that says neither pass nor fail is left as it is.
fn undecided(finding: &Finding) -> Stuck {
    Stuck::new(format!("it could not be decided: {}", finding.reason))
}

/// Returns how a rule is said to be left as it is.
fn unfixed(case: &Case<'_>, subject: &str, stuck: Stuck) -> Unfixed {
    let open = case.open();
    let verdict = open.map_or(Verdict::Unknown, |finding| finding.verdict);
    // What a person decides is carried out where the platform wants it.
    let how = || {
        let into = open?.fix.how.clone()?;
        Some(Paste {
            into,
            text: String::new(),
        })
    };
    Unfixed {
        rule: case.rule.id().to_owned(),
        title: case.rule.title().to_owned(),
        control: control(case.rule),
        subject: subject.to_owned(),
        verdict,
        reason: stuck.reason,
        instead: stuck.instead.or_else(how),
    }
}

/// Returns settings as the lines of a configuration document.
fn fragment(settings: &[(String, Value)]) -> String {
    let mut text = String::new();
    for (path, value) in settings {
        let mut parts = path.split('.').peekable();
        let mut depth = 0;
        while let Some(part) = parts.next() {
            text.push_str(&"  ".repeat(depth));
            text.push_str(part);
            text.push(':');
            depth += 1;
            if parts.peek().is_some() {
                text.push('\n');
            }
        }
        match value {
            Value::List(values) => {
                for value in values {
                    let indent = "  ".repeat(depth);
                    text.push('\n');
                    text.push_str(&[indent.as_str(), "- ", &value.to_string()].concat());
                }
            }
            value => text.push_str(&[" ", &value.to_string()].concat()),
        }
        text.push('\n');
    }
    text
}

/// Returns the number that a rule is best known by.
fn control(rule: &Rule) -> Option<String> {
    rule.controls()
        .first()
        .map(|control| control.control.clone())
}

/// Returns how the settings of a rule's fix change.
fn changes(rule: &Rule, kubelet: &PlannedKubelet) -> Vec<SettingChange> {
    let (Some(before), Some(after)) = (
        kubelet.before.resolutions.last(),
        kubelet.after.resolutions.last(),
    ) else {
        return Vec::new();
    };
    // An entry that a map lacks is a setting that nobody gives.
    let of = |resolution: &Resolution, path: &str| {
        let nobody = || Origin::default_of(resolution.minor.to_string());
        let setting = resolution.setting(path);
        let value = setting.as_ref().and_then(|setting| setting.value());
        let origin = setting.map_or_else(nobody, |setting| setting.origin.as_ref().clone());
        let value = serde_json::to_value(value.unwrap_or(Value::Null));
        (value.unwrap_or_default(), origin)
    };
    let paths = rule.fix().into_iter().flat_map(|fix| &fix.set);
    paths
        .filter_map(|(path, _)| {
            let ((from, from_origin), (to, to_origin)) = (of(before, path), of(after, path));
            (from != to).then(|| SettingChange {
                setting: path.clone(),
                from,
                from_origin,
                to,
                to_origin,
            })
        })
        .collect()
}

impl From<Refused> for Stuck {
    fn from(refused: Refused) -> Self {
        Self::new(refused.reason)
    }
}
