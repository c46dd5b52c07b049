//! What is left of a transaction whose process is ended, or whose disk fails, at every step: the old files, or the new
//! ones, never a mixture.
//!
//! The test starts itself again as the process that is ended. `KUBEASSAY_RECORD=1` writes the table of
//! `docs/reliability.md` anew.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, which starts itself again, in a folder of its own, and reads what that wrote"
)]

#[path = "crash/child.rs"]
mod child;
#[path = "crash/host.rs"]
mod host;
#[path = "crash/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use host::{Disk, FILES};
use kubeassay_core::transaction::Outcome;
use kubeassay_fix::transaction::Store;
use kubeassay_fix::transaction::failpoint::Step;
use table::Row;
use tempfile::TempDir;

/// Not a test by itself: the process that is ended.
#[test]
fn child() {
    let Some(root) = std::env::var_os("KUBEASSAY_CRASH_ROOT") else {
        return;
    };
    let act = std::env::var("KUBEASSAY_CRASH_ACT").unwrap();
    println!("SAID {}", child::run(Path::new(&root), &act));
}

/// What a process did.
struct Ran {
    /// What it said; `None` where it was ended.
    said: Option<String>,
    /// The points that it came to.
    points: Vec<String>,
}

/// Lets a process do something, with a point armed.
fn run(root: &Path, act: &str, armed: Option<&str>) -> Ran {
    let trace = root.with_extension("trace");
    drop(fs::remove_file(&trace));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["child", "--exact", "--nocapture"])
        .env("KUBEASSAY_CRASH_ROOT", root)
        .env("KUBEASSAY_CRASH_ACT", act)
        .env("KUBEASSAY_FAILPOINT_TRACE", &trace)
        .env_remove("KUBEASSAY_FAILPOINT");
    if let Some(armed) = armed {
        command.env("KUBEASSAY_FAILPOINT", armed);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = text.lines().find_map(|line| line.split_once("SAID ").map(|(_, said)| said.to_owned()));
    if said.is_none() {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(9), "{act} {armed:?}: {text}{errors}");
    }
    let points = fs::read_to_string(&trace).unwrap_or_default();
    drop(fs::remove_file(&trace));
    Ran { said, points: points.lines().map(str::to_owned).collect() }
}

/// Returns the points as they are armed: each with how often it was come to before.
fn numbered(points: &[String]) -> Vec<String> {
    let mut counts = BTreeMap::<&str, u32>::new();
    let mut all = Vec::new();
    for point in points {
        let count = counts.entry(point).or_default();
        *count += 1;
        all.push(format!("{point}#{count}"));
    }
    all
}

/// Hosts in memory where there is room: thousands of them are made, each synced many times.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("kubeassay-").tempdir_in(memory);
    made.unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// The two states that there may be.
struct States {
    before: Disk,
    after: Disk,
    /// Whether everything that files have is kept here.
    whole: bool,
}

fn states() -> States {
    let folder = folder();
    let root = folder.path().join("host");
    fs::create_dir(&root).unwrap();
    let whole = host::make(&root);
    let before = host::disk(&root);
    assert_eq!(run(&root, "apply", None).said.as_deref(), Some("fixed"));
    let after = host::disk(&root);
    assert_ne!(before, after);
    States { before, after, whole }
}

impl States {
    fn name(&self, disk: &Disk) -> Option<&'static str> {
        if *disk == self.before {
            Some("all before")
        } else if *disk == self.after {
            Some("all after")
        } else {
            None
        }
    }
}

/// Asserts that nothing is left to be done, and that the newest transaction says what is on the disk.
fn assert_settled(root: &Path, seen: &str, context: &str) {
    let store = Store::open(root).unwrap();
    assert_eq!(store.unfinished().unwrap(), None, "{context}");
    assert!(!store.is_locked().unwrap(), "{context}");
    let disk = host::disk(root);
    let again = run(root, "recover", None).said;
    assert_eq!(again.as_deref(), Some("nothing"), "{context}");
    assert_eq!(host::disk(root), disk, "{context}: the second time changed something");
    match (store.list().unwrap().first().map(|newest| newest.outcome), seen) {
        (Some(Outcome::Fixed), "all after") | (Some(Outcome::RolledBack) | None, "all before") => {}
        (outcome, _) => panic!("{context}: {seen}, and the newest is {outcome:?}"),
    }
    let transactions = root.join("var/lib/kubeassay/transactions");
    for entry in fs::read_dir(transactions).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(!name.to_string_lossy().starts_with('.'), "{context}: {name:?} is left");
    }
}

/// One after the other: a few threads take from the same list.
fn in_threads<T: Send>(all: Vec<T>, work: impl Fn(T) + Sync) {
    let all = Mutex::new(all);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = all.lock().unwrap().pop();
                    match next {
                        Some(next) => work(next),
                        None => break,
                    }
                }
            });
        }
    });
}

/// Makes a host, lets processes do things to it that may be ended, then recovers and looks.
struct Scene {
    _folder: TempDir,
    root: std::path::PathBuf,
}

impl Scene {
    fn new(acts: &[(&str, Option<&str>)]) -> Self {
        let folder = folder();
        let root = folder.path().join("host");
        fs::create_dir(&root).unwrap();
        host::make(&root);
        for (act, armed) in acts {
            let ran = run(&root, act, *armed);
            assert_eq!(ran.said.is_none(), armed.is_some(), "{acts:?}");
        }
        Self { _folder: folder, root }
    }
}

#[test]
fn a_process_that_is_ended_leaves_the_old_files_or_the_new_ones() {
    let states = states();
    let visited = Mutex::new(BTreeSet::<String>::new());
    let visit = |points: &[String]| visited.lock().unwrap().extend(points.iter().cloned());

    // Ended at every point of applying; then recovered.
    let scene = Scene::new(&[]);
    let applied = run(&scene.root, "apply", None).points;
    visit(&applied);
    let points = numbered(&applied);
    let rows = Mutex::new(BTreeMap::new());
    let recoveries = Mutex::new(BTreeMap::<String, (String, Vec<String>)>::new());
    in_threads(points.iter().enumerate().collect(), |(index, point)| {
        let scene = Scene::new(&[("apply", Some(point))]);
        let left = host::describe(&scene.root);
        let recovered = run(&scene.root, "recover", None);
        let next = recovered.said.unwrap();
        let seen = states.name(&host::disk(&scene.root));
        let context = format!("apply ended at {point}, {left}, {next}");
        let seen = seen.unwrap_or_else(|| panic!("{context}: a mixture: {:?}", host::disk(&scene.root)));
        assert_settled(&scene.root, seen, &context);
        visit(&recovered.points);
        let row = Row { step: point.clone(), left: left.clone(), next, seen: seen.to_owned() };
        rows.lock().unwrap().insert(index, row);
        // The same points on the way mean the same way.
        let way = format!("{left} {:?}", recovered.points);
        let numbered = numbered(&recovered.points);
        recoveries.lock().unwrap().entry(way).or_insert_with(|| (point.clone(), numbered));
    });
    let mut sections = vec![("`apply`", rows.into_inner().unwrap().into_values().collect::<Vec<_>>())];

    // Ended at every point of every way of recovering; then recovered.
    let recoveries = recoveries.into_inner().unwrap();
    let twice: Vec<(String, String)> = recoveries
        .into_values()
        .flat_map(|(first, points)| points.into_iter().map(move |second| (first.clone(), second)))
        .collect();
    let rows = Mutex::new(Vec::new());
    in_threads(twice, |(first, second)| {
        let scene = Scene::new(&[("apply", Some(&first)), ("recover", Some(&second))]);
        rows.lock().unwrap().push(settle(&scene, &states, &second, &visit, &format!("{first}, {second}")));
    });
    sections.push(("the recovery of each of them", table::sorted(rows.into_inner().unwrap())));

    // Ended at every point of rolling back what came out as it was meant to; then recovered.
    let scene = Scene::new(&[("apply", None)]);
    let rolled = run(&scene.root, "rollback", None);
    assert_eq!(states.name(&host::disk(&scene.root)), Some("all before"), "{:?}", rolled.said);
    visit(&rolled.points);
    let rows = Mutex::new(BTreeMap::new());
    in_threads(numbered(&rolled.points).into_iter().enumerate().collect(), |(index, point)| {
        let scene = Scene::new(&[("apply", None), ("rollback", Some(&point))]);
        let row = settle(&scene, &states, &point, &visit, &format!("rollback ended at {point}"));
        rows.lock().unwrap().insert(index, row);
    });
    sections.push(("`rollback` later", rows.into_inner().unwrap().into_values().collect()));

    races(&states, &visit);

    if !states.whole {
        eprintln!("skipped: the table and the reach of it need root, and a file system with attributes and ACLs");
        return;
    }
    let all: BTreeSet<String> =
        Step::ALL.iter().flat_map(|step| [step.name().to_owned(), format!("{}.done", step.name())]).collect();
    let visited = visited.into_inner().unwrap();
    let missed: Vec<_> = all.difference(&visited).collect();
    assert!(missed.is_empty(), "never come to: {missed:?}");
    table::compare("crash matrix", &table::render(&sections));
}

/// Recovers, and says what came of it.
fn settle(scene: &Scene, states: &States, point: &str, visit: &(impl Fn(&[String]) + Sync), context: &str) -> Row {
    let left = host::describe(&scene.root);
    let recovered = run(&scene.root, "recover", None);
    visit(&recovered.points);
    let next = recovered.said.unwrap();
    let disk = host::disk(&scene.root);
    let seen = states.name(&disk).unwrap_or_else(|| panic!("{context}, {left}, {next}: a mixture: {disk:?}"));
    assert_settled(&scene.root, seen, context);
    Row { step: point.to_owned(), left, next, seen: seen.to_owned() }
}

/// What somebody else writes at the last moment stays, wherever the process is ended.
fn races(states: &States, visit: &(impl Fn(&[String]) + Sync)) {
    let cases: [(&[(&str, Option<&str>)], &str, usize, &str); 4] = [
        (&[], "apply@replace.exchange:0", 0, "replace.exchange"),
        (&[("apply", None)], "rollback@undo.exchange:1", 1, "undo.exchange"),
        (&[("apply", None)], "rollback@undo.withdraw:2", 2, "undo.withdraw"),
        (&[("apply", Some("journal.sync#12"))], "recover@undo.exchange:1", 1, "undo.exchange"),
    ];
    for (first, act, file, at) in cases {
        let scene = Scene::new(first);
        let ran = run(&scene.root, act, None);
        visit(&ran.points);
        let mut expected = host::with_foreign(&states.before, &FILES[file]);
        // What is put into a folder that was made keeps it.
        if file == 2 {
            let folder = Path::new(FILES[2].target).parent().unwrap().strip_prefix("/").unwrap();
            expected.insert(folder.to_owned(), states.after[folder].clone());
        }
        let kept = |disk: &Disk| {
            let without = |disk: &Disk| {
                let mut disk = disk.clone();
                disk.remove(Path::new("run/service"));
                disk
            };
            without(disk) == without(&expected)
        };
        let disk = host::disk(&scene.root);
        assert!(kept(&disk), "{act}, {:?}: {disk:?}", ran.said);
        let start = ran.points.iter().position(|point| point == at).unwrap();
        let points = numbered(&ran.points);
        in_threads(points[start..].to_vec(), |point| {
            let scene = Scene::new(first);
            let ended = run(&scene.root, act, Some(&point));
            assert!(ended.said.is_none(), "{act} was not ended at {point}: {:?}", ended.said);
            let left = host::describe(&scene.root);
            let recovered = run(&scene.root, "recover", None);
            visit(&recovered.points);
            let disk = host::disk(&scene.root);
            assert!(kept(&disk), "{act} ended at {point}, {left}, {:?}: {disk:?}", recovered.said);
            assert_eq!(run(&scene.root, "recover", None).said.as_deref(), Some("nothing"), "{act} {point}");
        });
    }
}
