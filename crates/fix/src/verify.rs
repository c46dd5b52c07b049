//! Whether the restarted component is what was planned.
//!
//! In this order, each only where the one before held: the unit is active; `/healthz` says so; the process is a new one;
//! every planned verdict is seen to hold, by each witness that was asked; the node is `Ready`, as the new kubelet
//! reported; and it is still the same process, that was not started again meanwhile. What is waited for has a limit, by
//! the time of [`World`] and by the number of tries, so that a clock that is set back makes no wait longer.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kubeassay_core::facts::{Facts, ProcessFacts};
use kubeassay_core::plan::{PlannedFix, Readiness};
use kubeassay_core::report::Finding;
use kubeassay_core::rule::Rule;
use kubeassay_core::text::escape;
use kubeassay_core::transaction::Verification;
use kubeassay_core::{Horizon, Value, Verdict};
use kubeassay_engine::{Options, Successor, judge};

use crate::planner::{Planned, PlannedKubelet};
use crate::preflight::setting;
use crate::services::UnitState;
use crate::world::World;

/// How often a unit and `/healthz` are looked at.
const POLL: Duration = Duration::from_millis(500);
/// How often facts are taken again, and the API is asked again.
const SLOW_POLL: Duration = Duration::from_secs(2);
/// How often the API may fail to tell before it counts as one that does not.
const MOST_ERRORS: u32 = 5;

/// How long a restarted kubelet may take for each thing that is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the unit to be active.
    pub active: Duration,
    /// For `/healthz` to say `ok`.
    pub healthz: Duration,
    /// For every planned verdict to be seen.
    pub judged: Duration,
    /// For the node to be `Ready`, where the API may be asked.
    pub ready: Duration,
    /// How long the unit has to be active as the same process, from when it was first seen so.
    pub steady: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            active: Duration::from_secs(90),
            healthz: Duration::from_mins(1),
            judged: Duration::from_mins(1),
            ready: Duration::from_mins(2),
            steady: Duration::from_secs(10),
        }
    }
}

/// By what the new facts are judged: what the plan was judged by.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// The rules; those of the plan at least.
    pub rules: &'a [&'a Rule],
    /// The options, with the version that the user gave and what the site chose.
    pub options: &'a Options,
}

/// Waits, within `limits`, until every kubelet of `planned` is seen to be what was planned; returns what was looked at,
/// with the first thing that does not hold as the last. `restarted` is the time just before the restart was asked for.
///
/// What is unknown could not be looked at and is not what a planned verdict rests on, such as a `/healthz` that is off:
/// see [`holds`].
pub fn verify(
    planned: &Planned,
    judging: Judging<'_>,
    restarted: Timestamp,
    limits: Limits,
    world: &dyn World,
) -> Vec<Verification> {
    all(planned, Some(judging), restarted, limits, world)
}

/// Waits, within `limits`, until every kubelet of `planned` runs again with the files as they were before: as [`verify`],
/// without verdicts. A process counts as new by the time of its start alone.
pub fn verify_undone(
    planned: &Planned,
    restarted: Timestamp,
    limits: Limits,
    world: &dyn World,
) -> Vec<Verification> {
    all(planned, None, restarted, limits, world)
}

/// Returns whether nothing that was looked at failed.
pub fn holds(verifications: &[Verification]) -> bool {
    let mut verifications = verifications.iter();
    !verifications.any(|one| one.readiness == Readiness::Fail)
}

/// Returns the name of the kubelet's node in the API, where nothing tells another: what it is told to be, else the
/// host's.
pub(crate) fn node_name(planned: &Planned, kubelet: &PlannedKubelet) -> String {
    match setting(&kubelet.after, "flags.hostnameOverride") {
        Ok(Value::String(name)) if !name.is_empty() => name.to_string_lossy().trim().to_lowercase(),
        _ => planned.plan.node.name.clone(),
    }
}

fn all(
    planned: &Planned,
    judging: Option<Judging<'_>>,
    restarted: Timestamp,
    limits: Limits,
    world: &dyn World,
) -> Vec<Verification> {
    let mut seen = Vec::new();
    let started = planned.kubelets.iter();
    for kubelet in started.filter(|kubelet| kubelet.is_restarted) {
        let mut looking = Looking {
            planned,
            kubelet,
            judging,
            restarted,
            limits,
            world,
            seen: &mut seen,
        };
        if looking.run().is_none() {
            break;
        }
    }
    seen
}

/// One kubelet while it is looked at. A method that returns `None` has noted what failed.
struct Looking<'a> {
    planned: &'a Planned,
    kubelet: &'a PlannedKubelet,
    judging: Option<Judging<'a>>,
    restarted: Timestamp,
    limits: Limits,
    world: &'a dyn World,
    seen: &'a mut Vec<Verification>,
}

/// The unit when it was first seen active.
#[derive(Clone, Copy)]
struct Active {
    since: Timestamp,
    pid: u32,
    restarts: u32,
}

/// What a look may say.
enum Look<T> {
    Done(T),
    NotYet(String),
    Failed(String),
}

impl Looking<'_> {
    fn run(&mut self) -> Option<()> {
        let active = self.active()?;
        self.healthz(active)?;
        self.facts(active)?;
        self.ready(active)?;
        self.steady(active)
    }

    fn note(&mut self, id: &str, readiness: Readiness, reason: impl Into<String>) {
        self.seen.push(Verification {
            id: id.to_owned(),
            readiness,
            reason: reason.into(),
        });
    }

    fn pass(&mut self, id: &str, reason: impl Into<String>) {
        self.note(id, Readiness::Pass, reason);
    }

    fn fail<T>(&mut self, id: &str, reason: impl Into<String>) -> Option<T> {
        self.note(id, Readiness::Fail, reason);
        None
    }

    /// Looks again and again until something is told or `limit` is over; what was missing at last is the error.
    fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        poll: Duration,
        mut look: impl FnMut() -> Look<T>,
    ) -> Result<T, String> {
        let began = self.world.now();
        let tries = limit.as_millis() / poll.as_millis().max(1);
        let mut missing = String::new();
        for attempt in 0..=tries {
            match look() {
                Look::Done(found) => return Ok(found),
                Look::Failed(why) => return Err(why),
                Look::NotYet(why) => missing = why,
            }
            if later_by(began, self.world.now()) >= limit || attempt == tries {
                break;
            }
            if attempt == 0 {
                self.world.say(what);
            }
            self.world.wait(poll);
        }
        Err(format!(
            "{missing}, {} s after it was first looked at",
            limit.as_secs()
        ))
    }

    fn state(&self) -> Result<UnitState, String> {
        let state = self.world.services().state(&self.kubelet.unit);
        state.map_err(|error| error.to_string())
    }

    /// Waits for the unit to be active.
    fn active(&mut self) -> Option<Active> {
        let unit = &self.kubelet.unit;
        let what = format!("waiting for {unit} to be active");
        let found = self.wait_for(&what, self.limits.active, POLL, || match self.state() {
            Err(why) => Look::NotYet(format!("how {unit} is cannot be told ({why})")),
            Ok(state) if is_active(&state) => Look::Done(Active {
                since: self.world.now(),
                pid: state.main_pid,
                restarts: state.restarts,
            }),
            Ok(state) if has_ended(&state) => Look::Failed(format!(
                "{unit} ended right after its start: it is {}",
                shown(&state)
            )),
            Ok(state) => Look::NotYet(format!("{unit} is not active but {}", shown(&state))),
        });
        match found {
            Ok(active) => {
                self.pass(
                    "active",
                    format!("{unit} is active as process {}", active.pid),
                );
                Some(active)
            }
            Err(why) => self.fail("active", why),
        }
    }

    /// Tells why the unit is no longer what it was when it became active.
    fn unsteady(&self, active: Active) -> Option<String> {
        let unit = &self.kubelet.unit;
        // One that cannot be asked for a moment is asked again later.
        let state = self.state().ok()?;
        if state.restarts > active.restarts {
            let times = state.restarts - active.restarts;
            return Some(format!(
                "{unit} ended and was started again by systemd ({times} times since it was first seen active)"
            ));
        }
        if !is_active(&state) {
            return Some(format!(
                "{unit} did not stay active: it is {}",
                shown(&state)
            ));
        }
        (state.main_pid != active.pid).then(|| {
            format!(
                "{unit} was started again meanwhile: its process was {} and is {}",
                active.pid, state.main_pid
            )
        })
    }

    /// Waits for `/healthz`.
    fn healthz(&mut self, active: Active) -> Option<()> {
        let address = match healthz_address(self.successor()) {
            Ok(Some(address)) => address,
            Ok(None) => {
                self.note(
                    "healthz",
                    Readiness::Unknown,
                    "healthzPort is 0: /healthz is off, and was not looked at",
                );
                return Some(());
            }
            Err(why) => {
                self.note(
                    "healthz",
                    Readiness::Unknown,
                    format!("where /healthz is served is not known: {why}"),
                );
                return Some(());
            }
        };
        let what = format!("waiting for http://{address}/healthz");
        let found = self.wait_for(&what, self.limits.healthz, POLL, || {
            if let Some(why) = self.unsteady(active) {
                return Look::Failed(why);
            }
            match self.world.healthz(address) {
                Ok(200) => Look::Done(()),
                Ok(status) => Look::NotYet(format!("http://{address}/healthz answers {status}")),
                Err(why) => {
                    Look::NotYet(format!("http://{address}/healthz gives no answer ({why})"))
                }
            }
        });
        match found {
            Ok(()) => {
                self.pass("healthz", format!("http://{address}/healthz answers 200"));
                Some(())
            }
            Err(why) => self.fail("healthz", why),
        }
    }

    /// Returns what runs now, if all went well.
    const fn successor(&self) -> &Successor {
        match self.judging {
            Some(_) => &self.kubelet.after,
            None => &self.kubelet.before,
        }
    }

    /// Takes facts until the process is a new one and every planned verdict holds.
    fn facts(&mut self, active: Active) -> Option<()> {
        let mut last = Vec::new();
        let found = self.wait_for(
            "looking at what it runs with",
            self.limits.judged,
            SLOW_POLL,
            || {
                if let Some(why) = self.unsteady(active) {
                    last = vec![verification("process", Err(why.clone()))];
                    return Look::Failed(why);
                }
                match self.world.facts() {
                    Ok(facts) => {
                        last = self.look(&facts, active);
                        match last.last() {
                            Some(one) if one.readiness == Readiness::Fail => {
                                Look::NotYet(one.reason.clone())
                            }
                            _ => Look::Done(()),
                        }
                    }
                    Err(why) => {
                        let why = format!("no facts can be taken ({why})");
                        last = vec![verification("process", Err(why.clone()))];
                        Look::NotYet(why)
                    }
                }
            },
        );
        self.seen.append(&mut last);
        found.ok()
    }

    /// Returns what these facts say, up to the first that does not hold.
    fn look(&self, facts: &Facts, active: Active) -> Vec<Verification> {
        let mut seen = Vec::new();
        let Some(judging) = self.judging else {
            return vec![self.is_new(facts, active.pid, None)];
        };
        let report = judge(std::slice::from_ref(facts), judging.rules, judging.options);
        let own = |finding: &&Finding| finding.subject.key == self.kubelet.subject;
        let findings: Vec<&Finding> = report.findings.iter().filter(own).collect();
        let mut pids = findings.iter().filter_map(|finding| finding.subject.pid);
        let pid = pids.next().unwrap_or(active.pid);
        seen.push(self.is_new(facts, pid, self.kubelet.pid));
        let fixes = self.planned.plan.fixes.iter();
        for fix in fixes.filter(|fix| fix.subject == self.kubelet.subject) {
            if !holds(&seen) {
                break;
            }
            seen.push(verification("verdict", verdict(fix, &findings)));
        }
        seen
    }

    /// Tells whether a process is one that began with the restart, or at least is another than `before`.
    fn is_new(&self, facts: &Facts, pid: u32, before: Option<u32>) -> Verification {
        let mut processes = facts.kubelets();
        let Some(process) = processes.find(|process| process.pid == pid) else {
            let unit = &self.kubelet.unit;
            let why = format!("process {pid} of {unit} is not seen as a kubelet");
            return verification("process", Err(why));
        };
        let readiness = match started_since(process, self.restarted) {
            _ if before.is_some_and(|before| before != pid) => {
                return verification(
                    "process",
                    Ok(format!("process {pid} is another than before the restart")),
                );
            }
            Some(true) => {
                return verification(
                    "process",
                    Ok(format!("process {pid} began with the restart")),
                );
            }
            Some(false) => {
                let why = format!("process {pid} is the one from before the restart");
                return verification("process", Err(why));
            }
            // The number of a process is used again, but hardly so soon.
            None if before.is_some() => Readiness::Fail,
            None => Readiness::Unknown,
        };
        Verification {
            id: "process".to_owned(),
            readiness,
            reason: format!("whether process {pid} began with the restart cannot be told"),
        }
    }

    /// Waits for the node to be `Ready`, where the API may be asked.
    fn ready(&mut self, active: Active) -> Option<()> {
        let Some(api) = self.world.api() else {
            return Some(());
        };
        let node = node_name(self.planned, self.kubelet);
        let shown = escape(&node);
        let mut errors = 0;
        let what = format!("waiting for the node {shown} to be Ready");
        let found = self.wait_for(&what, self.limits.ready, SLOW_POLL, || {
            if let Some(why) = self.unsteady(active) {
                return Look::Failed(why);
            }
            match api.is_ready(&node, self.restarted) {
                Ok(true) => Look::Done(Ok(())),
                Ok(false) => {
                    errors = 0;
                    Look::NotYet(format!(
                        "the node {shown} is not Ready, or its new kubelet did not report it"
                    ))
                }
                Err(why) => {
                    errors += 1;
                    if errors < MOST_ERRORS {
                        Look::NotYet(why)
                    } else {
                        Look::Done(Err(why))
                    }
                }
            }
        });
        match found {
            Ok(Ok(())) => self.pass(
                "ready",
                format!("the node {shown} is Ready, as its new kubelet reported"),
            ),
            Ok(Err(why)) => self.note(
                "ready",
                Readiness::Unknown,
                format!("whether the node {shown} is Ready cannot be told: {why}"),
            ),
            Err(why) => return self.fail("ready", why),
        }
        Some(())
    }

    /// Looks whether it is still the same process, once it ran for a while.
    fn steady(&mut self, active: Active) -> Option<()> {
        let tries = self.limits.steady.as_millis() / POLL.as_millis();
        for _ in 0..tries {
            if later_by(active.since, self.world.now()) >= self.limits.steady {
                break;
            }
            self.world.wait(POLL);
        }
        let unit = &self.kubelet.unit;
        if let Some(why) = self.unsteady(active) {
            return self.fail("steady", why);
        }
        if let Err(why) = self.state() {
            return self.fail("steady", format!("how {unit} is cannot be told ({why})"));
        }
        self.pass(
            "steady",
            format!("{unit} is still active as process {}", active.pid),
        );
        Some(())
    }
}

/// Returns a verification of what holds, or of why it does not.
fn verification(id: &str, found: Result<String, String>) -> Verification {
    let (readiness, reason) = match found {
        Ok(reason) => (Readiness::Pass, reason),
        Err(reason) => (Readiness::Fail, reason),
    };
    Verification {
        id: id.to_owned(),
        readiness,
        reason,
    }
}

/// Tells whether a planned verdict holds: for what runs, by every witness that decided, and for the next start.
fn verdict(fix: &PlannedFix, findings: &[&Finding]) -> Result<String, String> {
    let rule = fix.control.as_deref().unwrap_or(&fix.rule);
    let of = |horizon| {
        let mut findings = findings.iter();
        findings.find(|finding| finding.rule == fix.rule && finding.horizon == horizon)
    };
    let running = of(Horizon::Running)
        .ok_or_else(|| format!("{rule} is not found for the kubelet that runs"))?;
    let wanted = fix.planned;
    if running.verdict != wanted {
        return Err(format!(
            "{rule} is {} for what runs, and {wanted} was planned: {}",
            running.verdict, running.reason
        ));
    }
    let decided = |verdict| matches!(verdict, Verdict::Pass | Verdict::Fail);
    let mut by = Vec::new();
    for witness in &running.witnesses {
        if witness.verdict == wanted {
            by.push(witness.witness.as_str());
        } else if decided(witness.verdict) {
            return Err(format!(
                "{rule} is {} by {}, and {wanted} was planned: {}",
                witness.verdict, witness.witness, witness.reason
            ));
        }
    }
    if let Some(restart) = of(Horizon::Restart).filter(|restart| restart.verdict != wanted) {
        return Err(format!(
            "{rule} would be {} after the next start: {}",
            restart.verdict, restart.reason
        ));
    }
    let by = if by.is_empty() {
        String::new()
    } else {
        format!(" (by {})", by.join(", "))
    };
    Ok(format!("{rule} is {wanted} for what runs{by}"))
}

/// Returns whether a process started at a time or later, as far as its clock tells; nothing where its start is not known.
fn started_since(process: &ProcessFacts, since: Timestamp) -> Option<bool> {
    let started = process.started?;
    let error = i64::from(started.error_ms);
    let later = started
        .at
        .as_millisecond()
        .saturating_sub(since.as_millisecond());
    Some(later.saturating_add(error) >= 0)
}

/// Returns how much later one time is than another; nothing where it is earlier.
fn later_by(from: Timestamp, to: Timestamp) -> Duration {
    let passed: SignedDuration = to.duration_since(from);
    Duration::try_from(passed).unwrap_or_default()
}

fn is_active(state: &UnitState) -> bool {
    state.active == "active" && state.main_pid != 0
}

/// Returns whether a unit ended, whether or not systemd will start it again.
fn has_ended(state: &UnitState) -> bool {
    matches!(state.active.as_str(), "failed" | "inactive") || state.sub == "auto-restart"
}

/// Shows how a unit is, as a part of a sentence.
fn shown(state: &UnitState) -> String {
    let UnitState {
        active,
        sub,
        result,
        ..
    } = state;
    escape(&format!("{active} ({sub}, {result})"))
}

/// Returns where `/healthz` is served; nothing where it is off.
fn healthz_address(successor: &Successor) -> Result<Option<SocketAddr>, String> {
    let port = match setting(successor, "healthzPort")? {
        Value::Int(0) | Value::Null => return Ok(None),
        Value::Int(port) => u16::try_from(port).map_err(|_| format!("healthzPort is {port}"))?,
        other => return Err(format!("healthzPort is {other}")),
    };
    let address = match setting(successor, "healthzBindAddress")? {
        Value::String(text) => text,
        other => return Err(format!("healthzBindAddress is {other}")),
    };
    let parsed = address.as_str().and_then(|text| text.parse().ok());
    let ip: IpAddr = parsed.ok_or_else(|| format!("healthzBindAddress is {address}"))?;
    // Who serves everywhere serves here.
    let ip = match ip {
        IpAddr::V4(any) if any.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(any) if any.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    Ok(Some(SocketAddr::new(ip, port)))
}
