//! A node made of a handful of files, and of the kubelet that its service started from them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_config::units;
use kubeassay_core::Bytes;
use kubeassay_core::facts::{Facts, FileFacts, Moment, ProcessFacts, ServiceFacts, Source, Tool};
use kubeassay_core::rule::{Catalogue, Rule, SiteChoices};
use kubeassay_core::text::hexadecimal;
use kubeassay_engine::{BUNDLED_RULES, needs, needs_of_service, parse_version};
use kubeassay_fix::planner::{Asked, Planned, plan};
use sha2::{Digest as _, Sha256};

#[path = "../../../config/tests/systemd/host.rs"]
mod host;

pub(crate) const UNIT: &str = "kubelet.service";

/// The service of kubeadm's package.
pub(crate) const KUBEADM: [(&str, &str); 3] = [
    (
        "/usr/lib/systemd/system/kubelet.service",
        "[Unit]\nDescription=kubelet\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n",
    ),
    (
        "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
        r#"[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"#,
    ),
    (
        "/etc/kubernetes/kubelet.conf",
        "apiVersion: v1\nkind: Config\n",
    ),
];

/// The configuration that kubeadm writes, with an authorization mode.
pub(crate) fn config(mode: &str) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\n  webhook:\n    cacheTTL: 0s\n    enabled: true\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\nauthorization:\n  mode: {mode}\n  webhook:\n    cacheAuthorizedTTL: 0s\nkind: KubeletConfiguration\nrotateCertificates: true\n"
    )
}

/// A node.
pub(crate) struct Node {
    files: BTreeMap<String, String>,
    version: &'static str,
    runs: bool,
}

impl Node {
    /// Returns a node of kubeadm with these files as well, or instead.
    pub(crate) fn kubeadm(files: &[(&str, &str)]) -> Self {
        Self::bare(&[&KUBEADM, files, &[("/etc/kubernetes/pki/ca.crt", "ca\n")]].concat())
    }

    pub(crate) fn bare(files: &[(&str, &str)]) -> Self {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self {
            files: files.iter().map(own).collect(),
            version: "1.34",
            runs: true,
        }
    }

    /// Returns a node with exactly these files.
    pub(crate) fn of(files: BTreeMap<String, String>) -> Self {
        Self {
            files,
            version: "1.34",
            runs: true,
        }
    }

    pub(crate) fn version(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn stopped(self) -> Self {
        Self {
            runs: false,
            ..self
        }
    }

    fn borrowed(&self) -> Vec<(&str, &str)> {
        let files = self.files.iter();
        files
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect()
    }

    /// Returns its facts.
    pub(crate) fn facts(&self) -> Facts {
        let files = self.borrowed();
        let mut service = host::facts(UNIT, &files, needs_of_service);
        service.files.iter_mut().for_each(digest);
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let tool = Tool {
            name: "kubeassay".to_owned(),
            version: "0.0.0".to_owned(),
            commit: None,
        };
        let mut facts = Facts::new(tool, Source::Live, now);
        facts.complete = true;
        facts.node.hostname = Some(Bytes::from("node-1"));
        if self.runs {
            facts.processes.push(self.process(&service));
            service.started.push(7);
        }
        facts.services.push(service);
        facts
    }

    fn process(&self, service: &ServiceFacts) -> ProcessFacts {
        let next = units::next_start(service).unwrap();
        let argv = next.arguments.iter().map(|argument| argument.text.clone());
        let mut process = ProcessFacts::new(7, argv.collect());
        process.exe = Some(next.executable.clone());
        process.cwd = Some(next.cwd.clone());
        process.environment = Some(next.environment.clone());
        process.unit = Some(Bytes::from(UNIT));
        process.uid = Some(0);
        process.started = Some(Moment {
            at: Timestamp::from_second(1_794_000_000).unwrap(),
            error_ms: 0,
        });
        let files: BTreeMap<&str, &str> = self.borrowed().into_iter().collect();
        loop {
            let wanted = needs(&process);
            if wanted.is_empty() {
                return process;
            }
            for need in wanted {
                let mut file = host::look(&files, need);
                digest(&mut file);
                process.files.push(file);
            }
        }
    }

    /// Returns the plan for some of the bundled rules, all where none is named.
    pub(crate) fn plan(&self, rules: &[&str]) -> Planned {
        plan_of(&self.facts(), self.version, rules)
    }
}

/// Returns the plan for some of the bundled rules, all where none is named.
pub(crate) fn plan_of(facts: &Facts, version: &str, rules: &[&str]) -> Planned {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue.select(rules).unwrap();
    let asked = Asked {
        rules: &rules,
        digest: catalogue.digest(),
        tool: facts.tool.clone(),
        said: Some(parse_version(version).unwrap()),
        accepted: Vec::new(),
        choices: SiteChoices::default(),
    };
    plan(facts, &asked)
}

fn digest(file: &mut FileFacts) {
    let content = file.content.as_ref();
    file.sha256 = content.map(|content| hexadecimal(&Sha256::digest(content.as_slice())));
}
