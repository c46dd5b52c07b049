//! Fault injection at every read of the host layer: a scan always ends with a report that says what is
//! missing.
//!
//! A captured host is shown as a live one, and each time it is scanned another read fails: once, or for good
//! with everything else of the process it was of, as if that had ended there and then.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use kubeassay_config::{secrets, units};
use kubeassay_core::facts::{
    Entry, Facts, FileFacts, Need, NeedKind, ProcessFacts, ServiceFacts, Source, Tool, Trouble,
};
use kubeassay_core::report::{FailOn, GateOptions, Report, Rules};
use kubeassay_core::rule::Catalogue;
use kubeassay_core::{Bytes, Horizon, Value, Verdict};
use kubeassay_engine::BUNDLED_RULES;
use rustix::io::Errno;

use crate::fs::bounds::{Bounds, Care};
use crate::fs::walk::{self, Last};
use crate::fs::{Handle, Identity, Links, Node, Opened, Status, memory, read};
use crate::guide::Guide;
use crate::host::Host;
use crate::proc::mountinfo::Answering;
use crate::{CapturedHost, Options, collect};

/// Which read fails, and how.
#[derive(Clone, Copy, Debug)]
struct Fault {
    /// The number of the read, from 0.
    at: usize,
    errno: Errno,
    /// All further reads of the same process fail too: it has ended.
    for_good: bool,
}

/// What all nodes of a host share.
struct Plan {
    fault: Option<Fault>,
    reads: AtomicUsize,
    /// The process whose read failed, plus one.
    ended: AtomicUsize,
    /// How much of each process was read before one ended.
    seen: Mutex<BTreeMap<usize, usize>>,
    root: Handle,
}

impl Plan {
    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed) > 0
    }

    /// Returns how many reads of the process that ended had succeeded.
    fn seen_before_the_end(&self) -> usize {
        let ended = self.ended.load(Ordering::Relaxed);
        let seen = self.seen.lock().unwrap();
        let process = ended.checked_sub(1).and_then(|ended| seen.get(&ended));
        process.copied().unwrap_or_default()
    }
}

/// A file of a captured host that can fail, and answers as a live one would.
#[derive(Clone)]
struct Faulty {
    inner: Handle,
    plan: Arc<Plan>,
    /// The process whose file it is.
    process: Option<usize>,
    /// It is the procfs itself.
    is_proc: bool,
}

impl Faulty {
    fn step(&self) -> Result<(), Errno> {
        self.step_of(self.process)
    }

    fn step_of(&self, process: Option<usize>) -> Result<(), Errno> {
        let read = self.plan.reads.fetch_add(1, Ordering::Relaxed);
        let Some(fault) = self.plan.fault else {
            return Ok(());
        };
        if read == fault.at {
            let ends = fault.for_good || (self.is_proc && fault.errno == Errno::NOENT);
            if let Some(process) = process.filter(|_| ends) {
                self.plan.ended.store(process + 1, Ordering::Relaxed);
            }
            return Err(fault.errno);
        }
        if let Some(process) = process.filter(|_| read < fault.at) {
            *self.plan.seen.lock().unwrap().entry(process).or_default() += 1;
        }
        let ended = self.plan.ended.load(Ordering::Relaxed);
        match process {
            Some(process) if process + 1 == ended => Err(fault.errno),
            _ => Ok(()),
        }
    }

    fn with(&self, inner: Handle, process: Option<usize>) -> Handle {
        Arc::new(Self {
            inner,
            plan: Arc::clone(&self.plan),
            process,
            is_proc: false,
        })
    }

    /// A file of this directory, found without failing.
    fn below(&self, path: &str) -> Result<Handle, Errno> {
        let mut node = Arc::clone(&self.inner);
        for part in path.split('/') {
            node = node.child(part.as_bytes())?;
        }
        Ok(node)
    }
}

impl Node for Faulty {
    fn child(&self, name: &[u8]) -> Result<Handle, Errno> {
        let pid = std::str::from_utf8(name)
            .ok()
            .and_then(|name| name.parse().ok());
        let process = if self.is_proc { pid } else { self.process };
        self.step_of(process)?;
        Ok(self.with(self.inner.child(name)?, process))
    }

    fn status(&self) -> Result<Status, Errno> {
        self.step()?;
        self.inner.status()
    }

    fn mount(&self) -> Result<Option<u64>, Errno> {
        self.step()?;
        self.inner.mount()
    }

    fn target(&self) -> Result<Vec<u8>, Errno> {
        self.step()?;
        self.inner.target()
    }

    fn kernel_file_system(&self) -> Result<Option<&'static str>, Errno> {
        self.step()?;
        self.inner.kernel_file_system()
    }

    fn entries(&self, limit: usize) -> Result<Option<Vec<Entry>>, Errno> {
        self.step()?;
        self.inner.entries(limit)
    }

    fn open(&self) -> Result<Box<dyn Opened>, Errno> {
        self.step()?;
        Ok(Box::new(FaultyOpened {
            inner: self.inner.open()?,
            node: self.clone(),
        }))
    }

    fn resolve(&self, _: &[u8], _: Links) -> Option<Result<Identity, Errno>> {
        None
    }

    fn link_at(&self, path: &str) -> Result<Vec<u8>, Errno> {
        self.step()?;
        self.inner.link_at(path)
    }

    fn follow(&self, name: &str) -> Result<Handle, Errno> {
        self.step()?;
        let target = self.inner.link_at(name)?;
        let care = Care {
            bounds: &Bounds::default(),
            allowed: Answering::Kernel,
        };
        let found = walk::find(&self.plan.root, &target, Last::Follow, care);
        let node = found.map_err(|_| Errno::NOENT)?.node;
        Ok(self.with(node, self.process))
    }

    fn status_behind(&self, name: &str) -> Result<Status, Errno> {
        self.follow(name)?.status()
    }

    fn read_kernel(&self, path: &str, limit: usize) -> Result<Vec<u8>, Errno> {
        // Opening and reading are two.
        self.step()?;
        self.step()?;
        let node = self.below(path)?;
        let content = read::regular(node.as_ref(), path, limit);
        Ok(content.map_err(|_| Errno::IO)?.bytes)
    }

    fn read_kernel_start(&self, path: &str, limit: usize) -> Result<Vec<u8>, Errno> {
        self.read_kernel(path, limit.max(1 << 20))
    }
}

struct FaultyOpened {
    inner: Box<dyn Opened>,
    node: Faulty,
}

impl Opened for FaultyOpened {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.node.step()?;
        self.inner.read_at(buffer, offset)
    }

    fn status(&self) -> Result<Status, Errno> {
        self.node.step()?;
        self.inner.status()
    }
}

/// The guide of the program itself, which remembers what it answered: most faults change nothing of what it
/// is asked about.
#[derive(Default)]
struct Kubelets {
    of_processes: Recent<ProcessFacts, Vec<Need>>,
    of_services: Recent<ServiceFacts, Vec<Need>>,
    of_nodes: Rc<Recent<Facts, Vec<Need>>>,
    executables: Recent<ServiceFacts, Option<Bytes>>,
}

/// How many answers of a kind are remembered.
const MOST_ANSWERS: usize = 64;

/// What was answered last, the newest first. It is compared, since to print facts, or hash them, takes longer than most
/// answers do.
struct Recent<Q, A>(RefCell<VecDeque<(Q, A)>>);

impl<Q, A> Default for Recent<Q, A> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<Q: PartialEq, A: Clone> Recent<Q, A> {
    fn answer(&self, question: Q, answer: impl FnOnce(&Q) -> A) -> A {
        let mut known = self.0.borrow_mut();
        let at = known.iter().position(|(asked, _)| *asked == question);
        let remembered = at.and_then(|at| known.remove(at));
        let (question, answer) = remembered.unwrap_or_else(|| {
            let answer = answer(&question);
            (question, answer)
        });
        known.push_front((question, answer.clone()));
        known.truncate(MOST_ANSWERS);
        answer
    }
}

impl Guide for Kubelets {
    fn needs(&self, process: &ProcessFacts) -> Vec<Need> {
        // The clock is the machine's own, and differs each time.
        let asked = ProcessFacts {
            started: None,
            ..process.clone()
        };
        self.of_processes
            .answer(asked, |_| kubeassay_engine::needs(process))
    }

    fn needs_of_service(&self, service: &ServiceFacts) -> Vec<Need> {
        self.of_services
            .answer(service.clone(), kubeassay_engine::needs_of_service)
    }

    fn needs_of_node(&self, facts: &Facts) -> crate::NodeNeeds {
        // What follows from the processes and services alone is worked out only where something is asked anew.
        let first = facts.clone();
        let mut answers: Option<crate::NodeNeeds> = None;
        let known = Rc::clone(&self.of_nodes);
        Box::new(move |facts| {
            let mut asked = facts.clone();
            (asked.started, asked.finished) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
            asked.node.boot_time = None;
            for process in &mut asked.processes {
                process.started = None;
            }
            known.answer(asked, |_| {
                let answer = answers
                    .get_or_insert_with(|| Box::new(kubeassay_engine::needs_of_node(&first)));
                answer(facts)
            })
        })
    }

    fn unit_folders(&self) -> &'static [&'static str] {
        units::SEARCH_PATH
    }

    fn program_of_unit(&self, fragment: &[u8]) -> Option<Bytes> {
        units::program(fragment)
    }

    fn executable_of_service(&self, service: &ServiceFacts) -> Option<Bytes> {
        self.executables.answer(service.clone(), |service| {
            units::next_start(service).ok().map(|next| next.executable)
        })
    }

    fn redact_arguments(&self, argv: Vec<Bytes>) -> Vec<Bytes> {
        secrets::redact_arguments(argv)
    }

    fn redact_content(&self, content: Vec<u8>) -> Vec<u8> {
        secrets::redact_content(content)
    }

    fn redact_service(&self, service: &mut ServiceFacts) {
        units::redact(service);
    }
}

fn tool() -> Tool {
    Tool {
        name: "kubeassay".to_owned(),
        version: "0.0.0".to_owned(),
        commit: None,
    }
}

/// Takes the facts of a captured host as if it were live; also returns what was counted.
fn facts(captured: &CapturedHost, guide: &Kubelets, fault: Option<Fault>) -> (Facts, Arc<Plan>) {
    let root = memory::root(captured);
    let plan = Arc::new(Plan {
        fault,
        reads: AtomicUsize::new(0),
        ended: AtomicUsize::new(0),
        seen: Mutex::default(),
        root: Arc::clone(&root),
    });
    let faulty = |inner: &Handle, is_proc| Faulty {
        inner: Arc::clone(inner),
        plan: Arc::clone(&plan),
        process: None,
        is_proc,
    };
    let proc = root.child(b"proc").unwrap();
    let host = Host::of_trees(
        Source::Live,
        Arc::new(faulty(&root, false)),
        Arc::new(faulty(&proc, true)),
        captured.taken,
    );
    let options = Options {
        timeout: Duration::from_mins(1),
        tool: tool(),
    };
    let facts = collect(&host, guide, &options);
    (facts, plan)
}

/// The rules that a report is made of: one about kubelets, and all about files where those of the node differ.
#[derive(Clone, Copy)]
enum Chosen {
    Kubelets,
    FilesToo,
}

fn report(facts: &Facts, catalogue: &Catalogue, chosen: Chosen) -> Report {
    let files_too = matches!(chosen, Chosen::FilesToo);
    let rules: Vec<_> = catalogue
        .rules()
        .filter(|rule| {
            rule.id() == "kubelet-authorization-mode" || (files_too && rule.files().is_some())
        })
        .collect();
    let options = kubeassay_engine::Options {
        tool: tool(),
        source: Source::Live,
        cluster: None,
        started: facts.started,
        kubernetes_version: kubeassay_engine::parse_version("1.34").ok(),
        gate: GateOptions::new(FailOn::UNKNOWN),
        rules: Rules {
            count: 1,
            digest: String::new(),
            benchmark: None,
            added: Vec::new(),
            replaced: Vec::new(),
        },
        problems: Vec::new(),
        benchmark: None,
        choices: kubeassay_core::rule::SiteChoices::default(),
    };
    kubeassay_engine::judge(std::slice::from_ref(facts), &rules, &options)
}

/// What of a process decides a verdict of a kubelet of 1.34.
fn decisive(process: &ProcessFacts) -> impl PartialEq + use<> {
    // Whether a kubeconfig is there tells the versions apart, and here the version is given. What a file is like on
    // disk and whose keys it holds is for other rules.
    let configuration = |file: &&FileFacts| {
        let what = file.need.what;
        matches!(
            what,
            NeedKind::Content | NeedKind::Listing | NeedKind::Certificate
        )
    };
    let files = process.files.iter().filter(configuration).map(|file| {
        let read = file.problem.is_none();
        (
            file.need.clone(),
            file.content.clone(),
            file.entries.clone(),
            read,
        )
    });
    let files: Vec<_> = files.collect();
    (process.pid, process.argv.clone(), files)
}

/// What of a process may decide a verdict of any kubelet.
fn evidence(process: &ProcessFacts) -> impl PartialEq + use<> {
    (
        decisive(process),
        process.environment.clone(),
        process.cwd.clone(),
    )
}

/// Everything that could not be read, as it is said.
fn troubles(facts: &Facts) -> HashSet<String> {
    let table = &facts.node.process_table;
    let said = facts.problems.iter().map(|problem| problem.reason.clone());
    let said = said.chain(
        table
            .unreadable
            .iter()
            .map(|process| process.reason.clone()),
    );
    let of_processes = facts.processes.iter().flat_map(|process| {
        let files = process
            .files
            .iter()
            .filter_map(|file| file.problem.as_ref());
        let executable = process
            .executable
            .iter()
            .filter_map(|exe| exe.problem.as_ref());
        let reasons = files
            .chain(executable)
            .map(|Trouble { reason, .. }| reason.clone());
        reasons.chain(
            process
                .problems
                .iter()
                .map(|problem| problem.reason.clone()),
        )
    });
    let of_services = facts.services.iter().flat_map(|service| {
        let files = service
            .files
            .iter()
            .filter_map(|file| file.problem.as_ref());
        let executable = service
            .executable
            .iter()
            .filter_map(|exe| exe.problem.as_ref());
        let reasons = files
            .chain(executable)
            .map(|Trouble { reason, .. }| reason.clone());
        reasons.chain(
            service
                .problems
                .iter()
                .map(|problem| problem.reason.clone()),
        )
    });
    let of_node = facts.files.iter().filter_map(|file| file.problem.as_ref());
    let of_node = of_node.map(|Trouble { reason, .. }| reason.clone());
    said.chain(of_processes)
        .chain(of_services)
        .chain(of_node)
        .collect()
}

/// What of the files of a node may decide a verdict.
fn evidence_of_node(facts: &Facts) -> Vec<impl PartialEq + use<>> {
    let files = facts.files.iter().map(|file| FileFacts {
        // Told by the clock of the machine that reads.
        modified: None,
        changed: None,
        ..file.clone()
    });
    files.collect()
}

/// A finding about a file: the rule, the file, the verdict, and what was seen of it.
type OfFile = (String, String, Verdict, Vec<(Option<Bytes>, Value)>);

/// Returns what a report says of files.
fn of_files(report: &Report) -> Vec<OfFile> {
    let about = report
        .findings
        .iter()
        .filter(|finding| finding.subject.component == "file");
    about
        .map(|finding| {
            let seen = finding.evidence.iter();
            let seen = seen.map(|one| (one.file.clone(), one.value.clone()));
            (
                finding.rule.clone(),
                finding.subject.key.clone(),
                finding.verdict,
                seen.collect(),
            )
        })
        .collect()
}

/// What of a service may decide a verdict.
fn evidence_of_service(service: &ServiceFacts) -> impl PartialEq + use<> {
    let files = service.files.iter().map(|file| {
        let read = file.problem.is_none();
        let (content, entries) = (file.content.clone(), file.entries.clone());
        (file.need.clone(), content, entries, read)
    });
    let files: Vec<_> = files.collect();
    (service.unit.clone(), service.started.clone(), files)
}

/// Returns whether all services were found with the same evidence, and none beside them.
fn same_services(whole: &Facts, found: &Facts) -> bool {
    let same = |(whole, found): (&ServiceFacts, &ServiceFacts)| {
        let found = ServiceFacts {
            files: as_far_as(&found.files, &whole.files),
            ..found.clone()
        };
        evidence_of_service(whole) == evidence_of_service(&found)
    };
    let (whole, found) = (&whole.services, &found.services);
    whole.len() == found.len() && whole.iter().zip(found).all(same)
}

/// Returns whether every service that was found will start what it was to start, whatever it started before.
fn same_next_starts(whole: &Facts, found: &Facts) -> bool {
    found.services.iter().all(|service| {
        let mut known = whole.services.iter();
        let known = known.find(|known| known.unit == service.unit);
        known.is_some_and(|known| {
            let known = ServiceFacts {
                started: service.started.clone(),
                ..known.clone()
            };
            evidence_of_service(&known) == evidence_of_service(service)
        })
    })
}

/// What a read gives that fails once, and what all reads of a process give that has ended.
const FAULTS: &[(Errno, bool)] = &[
    (Errno::NOENT, false),
    (Errno::ACCESS, false),
    (Errno::TIMEDOUT, false),
    (Errno::NOENT, true),
    (Errno::SRCH, true),
];

#[test]
fn whatever_read_fails_the_report_says_what_is_missing() {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    for (name, whole_verdicts) in [
        ("kubeadm", vec![Verdict::Pass]),
        ("two-kubelets", vec![Verdict::Pass, Verdict::Fail]),
    ] {
        let path = format!(
            "{}/../../tests/hosts/{name}.yaml",
            env!("CARGO_MANIFEST_DIR")
        );
        let captured = CapturedHost::load(path.as_ref()).unwrap();
        let guide = Kubelets::default();
        let (whole, plan) = facts(&captured, &guide, None);
        let reads = plan.reads();
        let seen = of_files(&report(&whole, &catalogue, Chosen::FilesToo));
        let passed = seen.iter().filter(|one| one.2 == Verdict::Pass).count();
        assert!(passed > 2, "{name}: {seen:#?}");
        let verdicts: Vec<Verdict> = report(&whole, &catalogue, Chosen::Kubelets)
            .findings
            .iter()
            .map(|finding| finding.verdict)
            .collect();
        assert_eq!(verdicts, whole_verdicts, "{name}");
        assert!(reads > 200, "{name}: {reads} reads");
        assert!(!whole.services.is_empty(), "{name}");
        for at in 0..reads {
            for &(errno, for_good) in FAULTS {
                let fault = Fault {
                    at,
                    errno,
                    for_good,
                };
                let (found, plan) = facts(&captured, &guide, Some(fault));
                // A process of which nothing but its owner was seen before it ended is nobody's business.
                let unseen = plan.has_ended() && plan.seen_before_the_end() <= 2;
                if !unseen {
                    let whole = Whole {
                        name,
                        facts: &whole,
                        files: &seen,
                    };
                    judge_what_is_left(whole, fault, &found, &catalogue);
                }
            }
        }
    }
}

/// A host of which every read succeeded.
#[derive(Clone, Copy)]
struct Whole<'a> {
    name: &'a str,
    facts: &'a Facts,
    /// What is said of its files.
    files: &'a [OfFile],
}

fn judge_what_is_left(whole: Whole<'_>, fault: Fault, found: &Facts, catalogue: &Catalogue) {
    let Whole {
        name,
        files,
        facts: whole,
    } = whole;
    let context = || format!("{name}: {fault:?}");
    let same_files = evidence_of_node(whole) == evidence_of_node(found);
    let same_sources = same_services(whole, found)
        && whole
            .processes
            .iter()
            .all(|process| found_same(found, process, evidence));
    if same_sources && same_files {
        return;
    }
    // What differs is said to be missing …
    assert!(
        troubles(found)
            .difference(&troubles(whole))
            .next()
            .is_some(),
        "{}: nothing said\n{found:#?}",
        context()
    );
    let chosen = if same_files {
        Chosen::Kubelets
    } else {
        Chosen::FilesToo
    };
    let report = report(found, catalogue, chosen);
    // … nothing passes for what was not read …
    let of_files = of_files(&report);
    for of_file in &of_files {
        // The same was seen, and passed.
        let held = of_file.2 != Verdict::Pass || files.contains(of_file);
        assert!(held, "{}: {of_file:#?}", context());
    }
    // A process that was lost takes with it what it names: that it was lost is said, and counts below.
    for (rule, key, ..) in files.iter().filter(|_| same_sources) {
        // What is not there counts for nothing; else no file is passed over.
        let mut said = of_files.iter().filter(|one| one.0 == *rule);
        let held = fault.errno == Errno::NOENT
            || said.any(|one| one.1 == *key || one.2 == Verdict::Unknown);
        assert!(held, "{}: {rule} says nothing of {key}", context());
    }
    let of_kubelets = report
        .findings
        .iter()
        .filter(|finding| finding.subject.component != "file");
    for finding in of_kubelets {
        let passed = whole
            .processes
            .iter()
            .find(|process| Some(process.pid) == finding.subject.pid);
        if finding.verdict == Verdict::Pass {
            let same = match finding.horizon {
                // The next start is told by the service alone, and what is not there will not be there for it either.
                Horizon::Restart => fault.errno == Errno::NOENT || same_next_starts(whole, found),
                Horizon::Running | Horizon::Rebuild => {
                    passed.is_some_and(|process| found_same(found, process, decisive))
                }
            };
            assert!(same, "{}: {finding:#?}", context());
        }
    }
    // … and nobody's pipeline goes on as if all had been seen.
    // The rule is about kubelets: what is missing of another component is said, and decides nothing here.
    let decided = |process| found_same(found, process, decisive);
    if !whole.kubelets().all(decided) {
        let gate = &report.gate;
        assert_ne!(gate.exit_code, 0, "{}: {:#?}", context(), report.problems);
    }
}

/// Returns whether a process was found with the same evidence.
fn found_same<T: PartialEq>(
    found: &Facts,
    process: &ProcessFacts,
    evidence: impl Fn(&ProcessFacts) -> T,
) -> bool {
    let mut all = found.processes.iter();
    let found = all.find(|found| found.pid == process.pid);
    found.is_some_and(|found| {
        let found = ProcessFacts {
            files: as_far_as(&found.files, &process.files),
            ..found.clone()
        };
        evidence(&found) == evidence(process)
    })
}

/// Returns those of `files` that are among the `known`, in their order: where less was learnt of a version more is asked for.
fn as_far_as(files: &[FileFacts], known: &[FileFacts]) -> Vec<FileFacts> {
    let found = known
        .iter()
        .filter_map(|known| files.iter().find(|file| file.need == known.need));
    found.cloned().collect()
}
