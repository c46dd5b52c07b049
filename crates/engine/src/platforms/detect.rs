//! Which platform a node is.
//!
//! What runs weighs more than what lies about: folders of a distribution that was taken off, or never started, are on
//! many nodes. In this order: the arguments and the executable of the kubelet and the distributions' own programs; the
//! operating system, the suffix of the kubelet's version, and what the API says of the node's object; files, where nothing
//! runs. A platform is named only where the first of these that says anything says one thing.

use kubeassay_config::units;
use kubeassay_core::facts::{Facts, Need, NeedKind, NodeObject, Problem, ProcessFacts};
use kubeassay_core::report::Distribution;
use kubeassay_core::{Bytes, Cause, Component};

use super::{PLATFORMS, Platform, Provider, Sign};
use crate::services;

/// Which platform a node is, and by what it was told.
#[derive(Debug, Default)]
pub(crate) struct Detected {
    /// The platform; none where it cannot be told.
    pub(crate) platform: Option<&'static Platform>,
    /// The files, arguments and processes that say so.
    pub(crate) evidence: Vec<Bytes>,
    /// Other platforms of which there are signs, and those.
    pub(crate) also: Vec<(&'static Platform, Vec<Bytes>)>,
    /// The platform that this one is a variant of was seen too: an EKS cluster, for a Bottlerocket node.
    base: Option<&'static Platform>,
    /// Where it cannot be told: those that it may be.
    contradicting: Vec<&'static Platform>,
}

impl Detected {
    /// Returns who runs a component that cannot be seen on any node of this cluster.
    pub(crate) fn provider_side(&self, component: Component) -> Option<Provider> {
        let own = self.platform?.provider_side(component);
        own.or_else(|| self.base?.provider_side(component))
    }

    /// Returns what a report says of it.
    pub(crate) fn distribution(&self) -> Option<Distribution> {
        let platform = self.platform?;
        let also = self.also.iter().flat_map(|(other, evidence)| {
            let named = move |one: &Bytes| format!("{}: {one}", other.id).into();
            evidence.iter().map(named)
        });
        Some(Distribution {
            id: platform.id.to_owned(),
            name: platform.name.to_owned(),
            evidence: self.evidence.clone(),
            also: also.collect(),
            documented: platform.is_documented(),
        })
    }

    /// Returns what there is to say where several platforms seem to run at once.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let is_said =
            |evidence: &[Bytes]| evidence.iter().map(Bytes::to_string).collect::<Vec<_>>();
        let named = self.contradicting.iter().filter_map(|platform| {
            let (_, evidence) = self.also.iter().find(|(of, _)| of.id == platform.id)?;
            Some(format!(
                "{} ({})",
                platform.name,
                is_said(evidence).join(", ")
            ))
        });
        let named: Vec<String> = named.collect();
        (named.len() > 1).then(|| Problem {
            cause: Cause::Conflict,
            path: None,
            reason: format!(
                "which platform this node is cannot be told: there are signs of {}; what only the platform tells (where files lie, what it does not have) is not taken from any of them",
                named.join(" and of ")
            ),
        })
    }
}

/// How much a sign says, most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It runs.
    Runs,
    /// It is the system, or the kubelet calls itself so.
    Told,
    /// It lies there.
    Lies,
}

/// The signs of one platform that were seen.
struct Seen {
    platform: &'static Platform,
    signs: Vec<(Weight, Bytes)>,
}

impl Seen {
    fn weighs(&self, weight: Weight) -> bool {
        self.signs.iter().any(|(of, _)| *of == weight)
    }
}

/// Returns the marker files of platforms that the facts do not say anything of yet.
pub(crate) fn needs(facts: &Facts) -> Vec<Need> {
    let signs = PLATFORMS.iter().flat_map(|platform| platform.signs);
    let paths = signs.filter_map(|sign| match sign {
        Sign::Image(path) | Sign::File(path) => Some(*path),
        _ => None,
    });
    let needs = paths.map(presence);
    needs.filter(|need| facts.file(need).is_none()).collect()
}

fn presence(path: &str) -> Need {
    Need {
        what: NeedKind::Presence,
        path: path.into(),
    }
}

/// Tells which platform a node is.
pub(crate) fn detect(facts: &Facts) -> Detected {
    let kubelets = kubelets(facts);
    let runs = !kubelets.is_empty() || facts.node.distributions.iter().any(|one| one.running);
    let mut seen: Vec<Seen> = PLATFORMS
        .iter()
        .map(|platform| Seen {
            platform,
            signs: signs(platform, facts, &kubelets),
        })
        .filter(|seen| !seen.signs.is_empty())
        .collect();
    make_variants_run(&mut seen);
    let weights = [Weight::Runs, Weight::Told, Weight::Lies];
    // Files of a platform that does not run say nothing of the kubelet that does.
    let weights = weights
        .into_iter()
        .filter(|weight| *weight != Weight::Lies || !runs);
    let chosen = weights
        .map(|weight| most_special(&seen, weight))
        .find(|found| !found.is_empty())
        .unwrap_or_default();
    let platform = match chosen.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let mut detected = Detected {
        platform,
        contradicting: if platform.is_none() {
            chosen
        } else {
            Vec::new()
        },
        ..Detected::default()
    };
    for Seen {
        platform: of,
        signs,
    } in seen
    {
        let evidence = signs.into_iter().map(|(_, evidence)| evidence).collect();
        match platform {
            Some(platform) if platform.id == of.id => detected.evidence = evidence,
            Some(platform) if platform.is_kin(of) => {
                if platform.base.is_some_and(|base| base.id == of.id) {
                    detected.base = Some(of);
                }
            }
            _ => detected.also.push((of, evidence)),
        }
    }
    detected
}

/// A variant that is told from its base by the image of its nodes runs where its base does.
fn make_variants_run(seen: &mut [Seen]) {
    let running: Vec<&str> = seen
        .iter()
        .filter(|seen| seen.weighs(Weight::Runs))
        .map(|seen| seen.platform.id)
        .collect();
    for one in seen {
        let images = one.platform.signs.iter().filter_map(|sign| match sign {
            Sign::Image(path) => Some(*path),
            _ => None,
        });
        let images: Vec<&str> = images.collect();
        let base = one.platform.base.map_or("", |base| base.id);
        for (weight, evidence) in &mut one.signs {
            if running.contains(&base) && images.iter().any(|path| *evidence == *path) {
                *weight = Weight::Runs;
            }
        }
    }
}

/// Returns the platforms with a sign of this weight, without those of which a variant has one too.
fn most_special(seen: &[Seen], weight: Weight) -> Vec<&'static Platform> {
    let found = || seen.iter().filter(|seen| seen.weighs(weight));
    let has_variant = |platform: &Platform| {
        found().any(|seen| {
            seen.platform
                .base
                .is_some_and(|base| base.id == platform.id)
        })
    };
    found()
        .map(|seen| seen.platform)
        .filter(|platform| !has_variant(platform))
        .collect()
}

/// Returns the node's own kubelets, or those that its services would start where none runs.
fn kubelets(facts: &Facts) -> Vec<ProcessFacts> {
    let own = facts.kubelets().filter(|process| !process.in_pod());
    let own: Vec<ProcessFacts> = own.cloned().collect();
    if !own.is_empty() || facts.node.distributions.iter().any(|one| one.running) {
        return own;
    }
    let services = facts.services_of(Component::Kubelet);
    let next = services.filter_map(|service| {
        let next = units::next_start(service).ok()?;
        Some(services::process(service, &next))
    });
    next.collect()
}

fn signs(
    platform: &'static Platform,
    facts: &Facts,
    kubelets: &[ProcessFacts],
) -> Vec<(Weight, Bytes)> {
    let mut found: Vec<(Weight, Bytes)> = Vec::new();
    for sign in platform.signs {
        match sign {
            Sign::Program(id) => {
                let here = facts.node.distributions.iter();
                let running = here.filter(|one| one.running && one.id == *id);
                let evidence = running.flat_map(|one| &one.evidence);
                let processes = evidence.filter(|one| !one.as_slice().starts_with(b"/"));
                found.extend(processes.map(|one| (Weight::Runs, one.clone())));
            }
            Sign::Executable(folder) => {
                let executables = kubelets.iter().filter_map(|process| process.exe.as_ref());
                let below = executables.filter(|exe| is_below(exe, folder));
                found.extend(below.map(|exe| (Weight::Runs, exe.clone())));
            }
            Sign::Argument(flag, value) => {
                let given = kubelets
                    .iter()
                    .flat_map(|process| given(&process.argv, flag));
                let matching = given.filter(|given| matches(value, given));
                found.extend(
                    matching
                        .map(|given| (Weight::Runs, format!("--{flag}={}", brief(&given)).into())),
                );
            }
            Sign::Version(part) => {
                let object = facts.node.object.as_ref();
                let object = object.and_then(|object| object.kubelet_version.as_ref());
                let executables = kubelets
                    .iter()
                    .filter_map(|process| process.executable.as_ref());
                let versions = executables.flat_map(|executable| &executable.versions);
                let versions = object.into_iter().chain(versions);
                let telling = versions.filter(|version| version.contains(part));
                found.extend(
                    telling.map(|version| (Weight::Told, format!("version {version}").into())),
                );
            }
            Sign::Mark(..) | Sign::Provider(_) | Sign::Named(_) => {
                let object = facts.node.object.iter();
                let seen = object.flat_map(|object| of_object(sign, object));
                found.extend(seen.map(|evidence| (Weight::Told, evidence)));
            }
            Sign::System(id) => {
                if facts.node.platform.id.as_deref() == Some(*id) {
                    let file = facts.node.platform.evidence.first();
                    let file = file.map_or_else(|| "os-release".to_owned(), Bytes::to_string);
                    found.push((Weight::Told, format!("ID={id} in {file}").into()));
                }
            }
            Sign::Image(path) | Sign::File(path) => {
                if is_there(facts, path) {
                    found.push((Weight::Lies, (*path).into()));
                }
            }
        }
    }
    found.dedup_by(|one, other| one.1 == other.1);
    found
}

/// Returns what of a node's object is this sign.
fn of_object(sign: &Sign, object: &NodeObject) -> Vec<Bytes> {
    let said = |text: &str| brief(&Bytes::from(text));
    match sign {
        Sign::Mark(key, value) => {
            let is_start = key.ends_with(['/', '-']);
            let marks = object.marks.iter().filter(|(found, given)| {
                let named = *found == key || is_start && found.starts_with(key);
                named && matches(value, &Bytes::from(given.as_str()))
            });
            marks
                .map(|(key, value)| format!("Node {key}={}", said(value)).into())
                .collect()
        }
        Sign::Provider(scheme) if object.provider.as_deref() == Some(*scheme) => {
            vec![format!("Node spec.providerID={scheme}://").into()]
        }
        Sign::Named(start) => {
            let name = object
                .os_image
                .iter()
                .filter(|name| name.starts_with(start));
            name.map(|name| format!("Node status.nodeInfo.osImage={}", said(name)).into())
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns whether a file was found on the node.
fn is_there(facts: &Facts, path: &str) -> bool {
    let found = facts.file(&presence(path));
    let of_collecting = || {
        let distributions = facts.node.distributions.iter();
        let mut evidence = distributions.flat_map(|one| &one.evidence);
        evidence.any(|one| *one == path)
    };
    found.is_some_and(|file| file.problem.is_none()) || of_collecting()
}

fn is_below(path: &Bytes, folder: &str) -> bool {
    let rest = path.as_slice().strip_prefix(folder.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"/"))
}

/// Returns the values that a flag was given, in either of its forms.
fn given(argv: &[Bytes], flag: &str) -> Vec<Bytes> {
    let mut values = Vec::new();
    let mut arguments = argv.iter().skip(1).peekable();
    while let Some(argument) = arguments.next() {
        let Some(text) = argument.as_slice().strip_prefix(b"--") else {
            continue;
        };
        let mut parts = text.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        let same = name.len() == flag.len()
            && name
                .iter()
                .zip(flag.bytes())
                .all(|(byte, wanted)| *byte == wanted || (*byte == b'_' && wanted == b'-'));
        match (same, parts.next()) {
            (true, Some(value)) => values.push(value.into()),
            (true, None) => values.extend(arguments.peek().copied().cloned()),
            (false, _) => {}
        }
    }
    values
}

/// Returns whether a value is as `pattern` says, in which a star at an end stands for anything.
fn matches(pattern: &str, value: &Bytes) -> bool {
    if pattern == "*" {
        return true;
    }
    let value = value.as_slice();
    let starts = pattern.strip_suffix('*');
    let ends = pattern.strip_prefix('*');
    match (starts, ends) {
        (Some(start), None) => value.starts_with(start.as_bytes()),
        (None, Some(end)) => value.ends_with(end.as_bytes()),
        (Some(_), Some(rest)) => {
            let middle = rest.strip_suffix('*').unwrap_or(rest).as_bytes();
            !middle.is_empty() && value.windows(middle.len()).any(|window| window == middle)
        }
        (None, None) => value == pattern.as_bytes(),
    }
}

/// Returns a value short enough to be named in a line.
fn brief(value: &Bytes) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string_lossy();
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}…")
}
