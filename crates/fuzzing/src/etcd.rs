//! etcd's arguments, variables and file, resolved; the file by its own name for a second opinion.

use std::collections::BTreeMap;

use kubeassay_config::components::{named, resolve, tables};
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{FileFacts, FileKind, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component};

use crate::input::Parts;

/// Where the configuration file lies.
const FILE: &str = "/etcd.yaml";

/// Reads the first part as configuration file, the second as variables (`NAME=value` on lines), the others as arguments.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let file = parts.next();
    let variables = parts.next_text();
    let arguments: Vec<Bytes> = std::iter::from_fn(|| parts.next_if_any())
        .take(32)
        .map(Bytes::from)
        .collect();
    let mut environment: BTreeMap<String, Bytes> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), Bytes::from(value)))
        .collect();
    environment.remove("ETCD_CONFIG_FILE");
    let said = resolved(&arguments, Some(environment.clone()), file);
    assert_eq!(
        told(&said),
        told(&resolved(&arguments, Some(environment.clone()), file))
    );

    // Where a file is given, nothing else counts, whatever it is.
    let by_file = Bytes::from(format!("--config-file={FILE}"));
    let alone = resolved(std::slice::from_ref(&by_file), None, file);
    let beside: Vec<Bytes> = [by_file].into_iter().chain(arguments).collect();
    let beside = resolved(&beside, Some(environment), file);
    let flags = |resolution: &Resolution| {
        let path = resolution.whole("flags.configFile");
        path.and_then(|path| path.value())
    };
    // Another argument may name another file, or be refused.
    if beside.refusal.is_none() && alone.refusal.is_none() && flags(&beside) == flags(&alone) {
        let releases = |resolution: &Resolution| resolution.layers[0].name.clone();
        if releases(&beside) == releases(&alone) {
            assert_eq!(told(&beside), told(&alone));
        }
    }
}

/// Returns what is known of every setting.
fn told(resolution: &Resolution) -> Vec<String> {
    let flags = tables(Component::Etcd).flags.iter();
    let flags = flags.map(|flag| format!("flags.{}", flag.setting));
    let others = named(Component::Etcd).into_iter();
    flags
        .chain(others.map(|(name, _)| name.to_owned()))
        .map(|name| {
            let setting = resolution.whole(&name);
            let setting = setting.unwrap_or_else(|| panic!("{name} is no setting"));
            format!("{name} {:?}", setting.value())
        })
        .collect()
}

/// Resolves an etcd; of other files than its configuration only that they are there is known.
fn resolved(
    arguments: &[Bytes],
    environment: Option<BTreeMap<String, Bytes>>,
    text: &[u8],
) -> Resolution {
    let argv = [Bytes::from("etcd")]
        .into_iter()
        .chain(arguments.iter().cloned());
    let mut process = ProcessFacts {
        component: Component::Etcd,
        cwd: Some(Bytes::from("/")),
        environment,
        ..ProcessFacts::new(1, argv.collect())
    };
    loop {
        let documents = Documents::new(&process);
        let resolution = resolve(Component::Etcd, &documents, Minor::NEWEST, When::Now);
        if resolution.needs.is_empty() {
            return resolution;
        }
        let answers = resolution.needs.into_iter().map(|need| {
            if need.what == NeedKind::Content && need.path != *FILE {
                return FileFacts::unread(need, Cause::Denied, "permission denied");
            }
            let content = (need.what == NeedKind::Content).then(|| Bytes::from(text));
            FileFacts {
                kind: Some(FileKind::Regular),
                content,
                ..FileFacts::new(need)
            }
        });
        process.files.extend(answers);
    }
}
