//! Where the kubelets of this node answer, and which certificate each of them serves.

use kubeassay_config::kubelet::{Documents, When, resolve};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Setting;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{Facts, Need, NeedKind, ProcessFacts, Trouble};
use kubeassay_core::{Cause, Value};

use crate::kubelets::needs;
use crate::version;

/// The port of the kubelet's API that is opened where none is set (`pkg/cluster/ports/ports.go`).
const PORT: u16 = 10_250;

/// The read-only port that is opened where none is set and no file is given.
const READ_ONLY_PORT: u16 = 10_255;

/// A kubelet of this node that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTarget {
    /// The process.
    pub pid: u32,
    /// The address, without brackets.
    pub address: String,
    /// The port with TLS.
    pub port: u16,
    /// The read-only port: that which is set, else, of a node's only kubelet, the usual one, which should not be open.
    pub read_only_port: Option<u16>,
    /// The node's name, as the kubelet knows it; null where that is not known.
    pub node: Option<String>,
    /// The certificate that it serves by its own configuration, where that was read.
    pub certificate: Option<LiveCertificate>,
    /// Why it is not asked all the same: somebody else might answer in its place.
    pub not_asked: Option<Trouble>,
}

/// A certificate that was read on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveCertificate {
    /// Its file, as the process sees it.
    pub path: String,
    /// SHA-256 of its DER, in hexadecimal.
    pub sha256: String,
}

/// Returns every kubelet of the node itself that can be asked. `said` is the version that the user gave. Where a file
/// changed since the start, what it says now is the best guess of where to ask; who answers is told by the certificate.
pub fn targets(facts: &Facts, said: Option<Minor>) -> Vec<LiveTarget> {
    let own = || {
        let processes = facts.kubelets();
        processes.filter(|process| !process.in_pod() && !process.argv.is_empty())
    };
    let single = own().count() == 1;
    let found = own().filter_map(|process| {
        let version = version::candidates(said, &facts.node, Some(process));
        let resolution = guess(process, version.minors.last().copied())?;
        let number = |path| match value(&resolution, path) {
            Some(Value::Int(port)) => u16::try_from(port).ok().filter(|port| *port != 0),
            _ => None,
        };
        let address = match value(&resolution, "address") {
            Some(Value::String(text)) => text.to_string_lossy(),
            _ => String::new(),
        };
        let address = match address.as_str() {
            "" | "0.0.0.0" => "127.0.0.1".to_owned(),
            "::" => "::1".to_owned(),
            _ => address,
        };
        let certificate = wanted(process, &resolution).iter().find_map(|need| {
            Some(LiveCertificate {
                path: need.path.to_string_lossy(),
                sha256: process.file(need)?.sha256.clone()?,
            })
        });
        let node = match value(&resolution, "flags.hostnameOverride") {
            Some(Value::String(name)) if !name.is_empty() => Some(name.to_string_lossy()),
            _ => {
                let name = facts.node.hostname.as_ref();
                name.map(|name| name.to_string_lossy().trim().to_lowercase())
            }
        };
        Some(LiveTarget {
            pid: process.pid,
            address,
            port: number("port").unwrap_or(PORT),
            read_only_port: number("readOnlyPort").or(single.then_some(READ_ONLY_PORT)),
            node,
            not_asked: (process.namespaces.network == Some(false)).then(|| Trouble {
                cause: Cause::Unsupported,
                reason: format!(
                    "process {} lives in a network namespace of its own, where it is not asked; ask it from outside: --node-address",
                    process.pid
                ),
            }),
            certificate,
        })
    });
    let mut found: Vec<LiveTarget> = found.collect();
    let places: Vec<(String, u16)> = found
        .iter()
        .map(|target| (target.address.clone(), target.port))
        .collect();
    for target in &mut found {
        let here = |place: &&(String, u16)| place.0 == target.address && place.1 == target.port;
        let shared = places.iter().filter(here).count() > 1;
        let unnamed = !single && target.certificate.is_none();
        if target.not_asked.is_none() && (shared || unnamed) {
            target.not_asked = Some(Trouble {
                cause: Cause::Conflict,
                reason: format!(
                    "several kubelets run here, and which of them answers at {}:{} cannot be told",
                    target.address, target.port
                ),
            });
        }
    }
    found
}

/// Returns the files of the certificates that `process` may serve and its facts do not hold yet, in its own view.
pub fn needs_for_live(process: &ProcessFacts) -> Vec<Need> {
    // Which certificate it is stands in files that have to be there first.
    let first = needs(process);
    if !first.is_empty() {
        return first;
    }
    let mut missing: Vec<Need> = Vec::new();
    for minor in Minor::all() {
        let Some(resolution) = guess(process, Some(minor)) else {
            continue;
        };
        for need in wanted(process, &resolution) {
            if process.file(&need).is_none() && !missing.contains(&need) {
                missing.push(need);
            }
        }
    }
    missing
}

/// Resolves a process as its files are now.
fn guess(process: &ProcessFacts, minor: Option<Minor>) -> Option<Resolution> {
    let minor = minor
        .filter(|minor| minor.is_known())
        .unwrap_or(Minor::NEWEST);
    let resolution = resolve(&Documents::new(process), minor, When::Now);
    // A command line that no kubelet takes is none.
    let parsed = resolution.refusal.is_none() || !resolution.layers.is_empty();
    parsed.then_some(resolution)
}

fn wanted(process: &ProcessFacts, resolution: &Resolution) -> Vec<Need> {
    let paths = resolution.serving_certificate_paths().into_iter();
    let absolute = paths.filter_map(|path| kubeassay_config::absolute(&path, process.cwd.as_ref()));
    absolute
        .map(|path| Need {
            what: NeedKind::Certificate,
            path,
        })
        .collect()
}

fn value(resolution: &Resolution, path: &str) -> Option<Value> {
    resolution.setting(path).as_deref().and_then(Setting::value)
}
