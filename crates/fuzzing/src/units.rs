//! Services of systemd: a fragment, a drop-in and environment files.

use kubeassay_config::secrets::redact_arguments;
use kubeassay_config::units::{NextStart, needs, next_start, program, redact};
use kubeassay_core::facts::{Entry, FileFacts, FileKind, Need, NeedKind, ServiceFacts};
use kubeassay_core::{Bytes, Cause};

use crate::input::Parts;

/// The most rounds of questions: folders, folders of drop-ins, unit files, environment files, programs.
const MOST_ROUNDS: usize = 8;

/// Reads the parts of an input as the unit's name, fragment and drop-in, and what every environment file says.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let name = parts.next();
    let (fragment, drop_in, environment) = (parts.next(), parts.next(), parts.next());
    drop(program(fragment));
    let host = Host {
        name,
        fragment,
        drop_in,
        environment,
    };
    let mut service = ServiceFacts::new(Bytes::from(name));
    for round in 0.. {
        let wanted = needs(&service);
        if wanted.is_empty() {
            break;
        }
        assert!(round < MOST_ROUNDS, "the needs do not end: {wanted:?}");
        for need in wanted {
            assert!(service.file(&need).is_none(), "asked twice: {need:?}");
            service.files.push(host.look(need));
        }
        assert!(service.files.len() <= 512, "too many files");
    }
    let before = next_start(&service);
    if let Ok(next) = &before {
        every_origin_is_a_line(next, &service);
    }
    let mut redacted = service.clone();
    redact(&mut redacted);
    match (before, next_start(&redacted)) {
        (Ok(before), Ok(after)) => same_but_for_secrets(&before, &after),
        (Err(before), Err(after)) => {
            assert_eq!((before.cause, before.reason), (after.cause, after.reason));
        }
        // What cannot be told from secrets is withheld.
        (Ok(_), Err(after)) => assert_eq!(after.cause, Cause::Unsupported, "{after:?}"),
        (Err(before), Ok(_)) => panic!("redaction tells what was unknown: {before:?}"),
    }
    let once = redacted.clone();
    redact(&mut redacted);
    assert_eq!(next_start(&redacted), next_start(&once), "redacted again");
}

fn every_origin_is_a_line(next: &NextStart, service: &ServiceFacts) {
    assert!(!next.arguments.is_empty());
    for argument in &next.arguments {
        let path = argument.origin.path.as_deref().expect("a path");
        let mut files = service.files.iter();
        let file =
            files.find(|file| file.need.what == NeedKind::Content && file.need.path == *path);
        let content = file
            .and_then(|file| file.content.as_ref())
            .expect("a file that was read");
        let lines = content.as_slice().split(|byte| *byte == b'\n');
        let line = argument.origin.line.expect("a line");
        assert!(line >= 1 && line as usize <= lines.count(), "{argument:?}");
    }
}

fn same_but_for_secrets(before: &NextStart, after: &NextStart) {
    let texts = before
        .arguments
        .iter()
        .map(|argument| argument.text.clone());
    let expected = redact_arguments(texts.collect());
    assert!(
        after
            .arguments
            .iter()
            .map(|argument| &argument.text)
            .eq(&expected),
        "{before:?}\n{after:?}"
    );
    assert_eq!(
        (&before.executable, &before.cwd),
        (&after.executable, &after.cwd)
    );
    assert_eq!(before.assumes, after.assumes);
}

/// A host with one unit.
struct Host<'a> {
    name: &'a [u8],
    fragment: &'a [u8],
    drop_in: &'a [u8],
    environment: &'a [u8],
}

impl Host<'_> {
    fn look(&self, need: Need) -> FileFacts {
        let mut facts = FileFacts::unread(need, Cause::Missing, "not there");
        let path = facts.need.path.as_slice();
        let entry = |name: &[u8], kind| Entry {
            name: Bytes::from(name),
            kind,
        };
        if facts.need.what == NeedKind::Listing {
            facts.entries = if path == b"/etc/systemd/system/" {
                let folder = [self.name, b".d"].concat();
                Some(vec![
                    entry(self.name, FileKind::Regular),
                    entry(&folder, FileKind::Directory),
                ])
            } else if path.ends_with(b".d/") {
                Some(vec![entry(b"1.conf", FileKind::Regular)])
            } else {
                None
            };
            facts.kind = facts.entries.as_ref().map(|_| FileKind::Directory);
        } else {
            let content = if path.starts_with(b"/etc/systemd/system/") {
                if path.ends_with(b"/1.conf") {
                    self.drop_in
                } else {
                    self.fragment
                }
            } else {
                self.environment
            };
            facts.kind = Some(FileKind::Regular);
            facts.content = (facts.need.what == NeedKind::Content).then(|| Bytes::from(content));
        }
        facts.problem = facts.problem.filter(|_| facts.kind.is_none());
        facts
    }
}
