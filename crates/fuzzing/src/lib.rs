//! Bodies of the fuzz targets, so that stable `cargo test` replays their corpora.
//!
//! kubeassay runs as root and reads what tenants of the node wrote. Each target feeds one reader of such
//! bytes and asserts what must hold for every input, not only that nothing panics; where somebody else has
//! written a reader of the same format, it is asked for a second opinion. The package `fuzz` gives the
//! bodies to libFuzzer; `tests/corpora.rs` runs them on every input that was kept.
//!
//! A target fails by panicking: here assertions are the product.

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a property that does not hold has to panic: that is how libFuzzer learns of it"
)]

mod api;
mod api_server_files;
mod arguments;
mod attestation;
mod captured;
mod certificate;
mod check;
mod component_file;
mod configuration;
mod configz;
mod dbus;
mod dns;
mod drop_ins;
mod edit;
mod etcd;
mod exec_credential;
mod executable;
mod facts;
mod input;
mod journal;
mod json;
mod judging;
mod kubeconfig;
mod layers;
mod mountinfo;
mod objects;
mod packages;
mod passwd;
mod places;
mod procfs;
mod report;
mod rule_page;
mod saved_report;
mod secret_words;
mod secrets;
mod show;
mod toml;
mod units;
mod waivers;
mod yaml;

/// One fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its file in `fuzz/fuzz_targets` and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Runs it on one input; panics where a property does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "api",
        run: api::run,
    },
    Target {
        name: "api_server_files",
        run: api_server_files::run,
    },
    Target {
        name: "arguments",
        run: arguments::run,
    },
    Target {
        name: "attestation",
        run: attestation::run,
    },
    Target {
        name: "captured",
        run: captured::run,
    },
    Target {
        name: "certificate",
        run: certificate::run,
    },
    Target {
        name: "check",
        run: check::run,
    },
    Target {
        name: "component_file",
        run: component_file::run,
    },
    Target {
        name: "configuration",
        run: configuration::run,
    },
    Target {
        name: "configz",
        run: configz::run,
    },
    Target {
        name: "dbus",
        run: dbus::run,
    },
    Target {
        name: "dns",
        run: dns::run,
    },
    Target {
        name: "drop_ins",
        run: drop_ins::run,
    },
    Target {
        name: "edit",
        run: edit::run,
    },
    Target {
        name: "etcd",
        run: etcd::run,
    },
    Target {
        name: "exec_credential",
        run: exec_credential::run,
    },
    Target {
        name: "executable",
        run: executable::run,
    },
    Target {
        name: "facts",
        run: facts::run,
    },
    Target {
        name: "journal",
        run: journal::run,
    },
    Target {
        name: "json",
        run: json::run,
    },
    Target {
        name: "kubeconfig",
        run: kubeconfig::run,
    },
    Target {
        name: "layers",
        run: layers::run,
    },
    Target {
        name: "mountinfo",
        run: mountinfo::run,
    },
    Target {
        name: "objects",
        run: objects::run,
    },
    Target {
        name: "packages",
        run: packages::run,
    },
    Target {
        name: "passwd",
        run: passwd::run,
    },
    Target {
        name: "procfs",
        run: procfs::run,
    },
    Target {
        name: "report",
        run: report::run,
    },
    Target {
        name: "rule_page",
        run: rule_page::run,
    },
    Target {
        name: "saved_report",
        run: saved_report::run,
    },
    Target {
        name: "secrets",
        run: secrets::run,
    },
    Target {
        name: "toml",
        run: toml::run,
    },
    Target {
        name: "units",
        run: units::run,
    },
    Target {
        name: "waivers",
        run: waivers::run,
    },
    Target {
        name: "yaml",
        run: yaml::run,
    },
];

/// Runs the target called `name` on one input.
///
/// # Panics
///
/// Where a property does not hold, and if there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target
        .expect("every file of fuzz/fuzz_targets has an entry in TARGETS")
        .run)(data);
}
