//! A captured host: read, and taken for the host that it describes, from its procfs to the verdicts.

use std::time::Duration;

use kubeassay_config::secrets::{redact_arguments, redact_content};
use kubeassay_config::units;
use kubeassay_core::Bytes;
use kubeassay_core::facts::{Facts, Need, ProcessFacts, ServiceFacts, Tool};
use kubeassay_host::captured::{ReadError, What};
use kubeassay_host::{CapturedHost, Guide, Host, Options, collect};

use crate::judging::{judged, shown};

/// The most files with which facts are taken.
const MOST: usize = 200;

/// Longer than any small host takes, instrumented and on a busy machine; what takes longer is a hang.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Reads an input as a captured host and takes its facts.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(captured) = CapturedHost::parse(text) else {
        return;
    };
    let mut blocks = false;
    for (path, file) in &captured.files {
        assert!(path.starts_with('/') && !path.contains("//"), "{path}");
        assert!(
            !path.split('/').any(|part| part == ".." || part == "."),
            "{path}"
        );
        assert!(file.mode <= 0o7777, "{path}: {:o}", file.mode);
        if let What::Symlink(target) = &file.what {
            assert!(std::str::from_utf8(target).is_ok(), "{path}");
        }
        blocks |= file.error == Some(ReadError::Blocks);
    }
    // What blocks is waited for until the time is over: that is tested elsewhere.
    if blocks || captured.files.len() > MOST {
        return;
    }
    let Ok(host) = Host::from_captured(&captured) else {
        return;
    };
    let options = Options {
        timeout: TIMEOUT,
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0".to_owned(),
            commit: None,
        },
    };
    let facts = collect(&host, &Kubelets, &options);
    assert!(facts.complete, "the time was over");
    let written = serde_json::to_string(&facts).expect("facts are JSON");
    let again: Facts = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(
        again, facts,
        "written and read again it is another document"
    );
    for process in &facts.processes {
        assert_eq!(
            redact_arguments(process.argv.clone()),
            process.argv,
            "arguments were not redacted"
        );
        for content in process
            .files
            .iter()
            .filter_map(|file| file.content.as_ref())
        {
            assert_eq!(
                redact_content(content.as_slice().to_vec()),
                content.as_slice(),
                "a file was not redacted"
            );
        }
    }
    shown(&judged(&[facts], None, false), 80, data.len());
}

/// Connects collecting with the code that knows kubelets, as the command line does.
struct Kubelets;

impl Guide for Kubelets {
    fn needs(&self, process: &ProcessFacts) -> Vec<Need> {
        kubeassay_engine::needs(process)
    }

    fn needs_of_service(&self, service: &ServiceFacts) -> Vec<Need> {
        kubeassay_engine::needs_of_service(service)
    }

    fn needs_of_node(&self, facts: &Facts) -> kubeassay_host::NodeNeeds {
        Box::new(kubeassay_engine::needs_of_node(facts))
    }

    fn unit_folders(&self) -> &'static [&'static str] {
        units::SEARCH_PATH
    }

    fn program_of_unit(&self, fragment: &[u8]) -> Option<Bytes> {
        units::program(fragment)
    }

    fn executable_of_service(&self, service: &ServiceFacts) -> Option<Bytes> {
        let next = units::next_start(service);
        next.ok().map(|next| next.executable)
    }

    fn redact_arguments(&self, argv: Vec<Bytes>) -> Vec<Bytes> {
        redact_arguments(argv)
    }

    fn redact_content(&self, content: Vec<u8>) -> Vec<u8> {
        redact_content(content)
    }

    fn redact_service(&self, service: &mut ServiceFacts) {
        units::redact(service);
    }
}
