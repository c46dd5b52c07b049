//! Whether the witnesses of one kubelet agree: the files as they are now, the kubelet itself, a refused request.

use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_config::kubelet;
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::{Setting, Unknown};
use kubeassay_core::facts::ProcessFacts;
use kubeassay_core::report::Evidence;
use kubeassay_core::{Origin, Value, Witness};

use crate::evidence::quoted;
use crate::witnesses::{Live, Probe};

/// The setting that says who was asked.
pub(crate) const WITNESSES: &str = "derived.witnesses";

/// The setting that says on which settings they differ, in words.
pub(crate) const DISAGREEMENTS: &str = "derived.disagreements";

/// What came of comparing the witnesses.
#[derive(Clone, Debug)]
pub(crate) struct Agreement {
    /// Who was asked.
    witnesses: Vec<Witness>,
    /// What they differ on, in words, or why that is not known.
    disagreements: Result<Vec<String>, Unknown>,
    /// Both values of each setting that they differ on, or that they were compared.
    pub(crate) evidence: Vec<Evidence>,
}

/// One value of a setting, by one witness.
struct Saying {
    witness: Witness,
    at: Timestamp,
    value: Value,
    origin: Origin,
}

impl Agreement {
    /// Returns what there is to compare where the files alone count, as for the next start.
    pub(crate) fn of_files() -> Self {
        Self {
            witnesses: vec![Witness::Disk],
            disagreements: Ok(Vec::new()),
            evidence: Vec::new(),
        }
    }

    /// Compares what the files say `now`, with the arguments of the running process, with what was answered.
    /// What is unknown on either side is no disagreement.
    pub(crate) fn of(
        process: Option<&ProcessFacts>,
        now: &[Resolution],
        observed_at: Timestamp,
        live: Option<&Live>,
        probe: Option<&Probe>,
    ) -> Self {
        let asked = [
            process.map(|_| Witness::Disk),
            live.map(|_| Witness::Live),
            probe.map(|_| Witness::Probe),
        ];
        let mut agreement = Self {
            witnesses: asked.into_iter().flatten().collect(),
            disagreements: Ok(Vec::new()),
            evidence: Vec::new(),
        };
        let said = match live.map(|live| (live.asked, &live.said)) {
            Some((_, Err(unknown))) => {
                agreement.disagreements = Err(unknown.clone());
                return agreement;
            }
            Some((at, Ok(said))) => Some((at, said.as_slice())),
            None => None,
        };
        let disk = |path: &str| -> Vec<Saying> { sayings(now, path, Witness::Disk, observed_at) };
        let answered = |path: &str| match said {
            Some((at, said)) => sayings(said, path, Witness::Live, at),
            None => Vec::new(),
        };
        let fields = now
            .last()
            .or_else(|| said.and_then(|(_, said)| said.last()));
        for path in fields
            .into_iter()
            .flat_map(|resolution| kubelet::fields(resolution.minor))
        {
            let (disk, live) = (disk(path), answered(path));
            // What differs in one version and not in another may be no difference.
            let differ = !disk.is_empty()
                && disk.len() == live.len()
                && disk
                    .iter()
                    .zip(&live)
                    .all(|(one, other)| !same(&one.value, &other.value));
            if differ && let (Some(one), Some(other)) = (disk.last(), live.last()) {
                agreement.differ(path, one, other, process);
            }
        }
        for (path, value, at, origin) in probe.iter().flat_map(|probe| probe.known()) {
            let shown = Saying {
                witness: Witness::Probe,
                at,
                value,
                origin,
            };
            let best = answered(path).pop().or_else(|| disk(path).pop());
            if let Some(best) = best.filter(|best| !same(&best.value, &shown.value)) {
                agreement.differ(path, &best, &shown, process);
            }
        }
        if agreement.evidence.is_empty()
            && let Some(origin) = said.and_then(|(_, said)| {
                said.last()?
                    .setting("port")
                    .map(|it| Arc::clone(&it.origin))
            })
        {
            let none = Saying {
                witness: Witness::Live,
                at: said.map_or(observed_at, |(at, _)| at),
                value: Value::List(Vec::new()),
                origin: Origin::clone(&origin),
            };
            agreement
                .evidence
                .push(none.evidence(DISAGREEMENTS, process));
        }
        agreement
    }

    fn differ(&mut self, path: &str, one: &Saying, other: &Saying, process: Option<&ProcessFacts>) {
        let changed = [one, other].into_iter().find_map(|saying| {
            let path = saying.origin.path.as_deref()?;
            let mut files = process?.files.iter();
            let changed = files.find(|file| file.need.path == *path)?.last_change()?;
            Some(format!("; {path} last changed at {changed:.0}"))
        });
        let words = format!(
            "{path} is {} by {} and {} by {}{}",
            one.value,
            one.witness,
            other.value,
            other.witness,
            changed.unwrap_or_default()
        );
        if let Ok(known) = &mut self.disagreements {
            known.push(words);
        }
        self.evidence.push(one.evidence(path, process));
        self.evidence.push(other.evidence(path, process));
    }

    /// Returns one of the two settings of this comparison, if `path` is one.
    pub(crate) fn setting(&self, path: &str) -> Option<Result<Value, Unknown>> {
        let list = |texts: Vec<String>| Value::List(texts.into_iter().map(Value::string).collect());
        match path {
            WITNESSES => {
                let names = self.witnesses.iter().map(ToString::to_string);
                Some(Ok(list(names.collect())))
            }
            DISAGREEMENTS => Some(match &self.disagreements {
                Ok(known) => Ok(list(known.clone())),
                Err(unknown) => Err(unknown.clone()),
            }),
            _ => None,
        }
    }

    /// Returns the disagreements in one line; `None` where there is none.
    pub(crate) fn reason(&self) -> Option<String> {
        let known = self.disagreements.as_ref().ok()?;
        (!known.is_empty()).then(|| known.join("; "))
    }
}

impl Saying {
    fn evidence(&self, path: &str, process: Option<&ProcessFacts>) -> Evidence {
        Evidence {
            setting: Some(format!("kubelet.{path}")),
            file: None,
            object: None,
            response: None,
            value: self.value.clone(),
            witness: self.witness,
            observed_at: self.at,
            origin: quoted(&self.origin, process.map_or(&[], |process| &process.files)),
            overrode: Vec::new(),
        }
    }
}

/// Returns what is known of a setting in every version; nothing where it is unknown in one of them.
fn sayings(resolutions: &[Resolution], path: &str, witness: Witness, at: Timestamp) -> Vec<Saying> {
    let one = |resolution: &Resolution| {
        let setting = resolution.setting(path)?;
        Some(Saying {
            witness,
            at,
            value: setting.as_ref().value()?,
            origin: Origin::clone(&Setting::clone(&setting).origin),
        })
    };
    let refused = resolutions.iter().any(|one| one.refusal.is_some());
    let all: Option<Vec<Saying>> = resolutions.iter().map(one).collect();
    all.filter(|_| !refused).unwrap_or_default()
}

/// Returns whether two values are the same to the kubelet, which leaves out of `/configz` what is unset or zero.
fn same(one: &Value, other: &Value) -> bool {
    one == other || (is_zero(one) && is_zero(other))
}

/// Returns whether a value says no more than nothing.
pub(crate) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) | Value::Duration(value) => *value == 0,
        Value::Float(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Redacted { length, .. } => *length == 0,
    }
}
