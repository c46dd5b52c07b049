//! What is left of a transaction whose process is ended, or whose disk fails, at every step: the old files, or the new
//! ones, never a mixture.
//!
//! The test starts itself again as the process that is ended. `KUBEASSAY_RECORD=1` writes the table of
//! `docs/reliability.md` anew.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
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
    let said = text
        .lines()
        .find_map(|line| line.split_once("SAID ").map(|(_, said)| said.to_owned()));
    if said.is_none() {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.signal(),
            Some(9),
            "{act} {armed:?}: {text}{errors}"
        );
    }
    let points = fs::read_to_string(&trace).unwrap_or_default();
    drop(fs::remove_file(&trace));
    Ran {
        said,
        points: points.lines().map(str::to_owned).collect(),
    }
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
    let made = tempfile::Builder::new()
        .prefix("kubeassay-")
        .tempdir_in(memory);
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
    States {
        before,
        after,
        whole,
    }
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
    assert_eq!(
        host::disk(root),
        disk,
        "{context}: the second time changed something"
    );
    match (
        store.list().unwrap().first().map(|newest| newest.outcome),
        seen,
    ) {
        (Some(Outcome::Fixed), "all after") | (Some(Outcome::RolledBack) | None, "all before") => {}
        (outcome, _) => panic!("{context}: {seen}, and the newest is {outcome:?}"),
    }
    let transactions = root.join("var/lib/kubeassay/transactions");
    for entry in fs::read_dir(transactions).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(
            !name.to_string_lossy().starts_with('.'),
            "{context}: {} is left",
            name.display()
        );
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
        Self {
            _folder: folder,
            root,
        }
    }
}

#[test]
fn a_process_that_is_ended_leaves_the_old_files_or_the_new_ones() {
    let states = states();
    let visited = Mutex::new(BTreeSet::<String>::new());
    let visit = |points: &[String]| visited.lock().unwrap().extend(points.iter().cloned());

    let (applied, recoveries) = ended_in_apply(&states, &visit);
    let recovered = ended_twice(&states, &visit, recoveries);
    let rolled_back = ended_in_rollback(&states, &visit);
    let sections = [
        ("`apply`", applied),
        ("the recovery of each of them", recovered),
        ("`rollback` later", rolled_back),
    ];
    races(&states, &visit);

    if !states.whole {
        eprintln!(
            "skipped: the table and the reach of it need root, and a file system with attributes and ACLs"
        );
        return;
    }
    let all: BTreeSet<String> = Step::ALL
        .iter()
        .flat_map(|step| [step.name().to_owned(), format!("{}.done", step.name())])
        .collect();
    let visited = visited.into_inner().unwrap();
    let missed: Vec<_> = all.difference(&visited).collect();
    assert!(missed.is_empty(), "never come to: {missed:?}");
    table::compare("crash matrix", &table::render(&sections));
}

/// Every way in which a process recovered that was not ended: where the one before it was, and its points.
type Recoveries = Vec<(String, Vec<String>)>;

/// Ended at every point of applying; then recovered.
fn ended_in_apply(states: &States, visit: &(impl Fn(&[String]) + Sync)) -> (Vec<Row>, Recoveries) {
    let scene = Scene::new(&[]);
    let applied = run(&scene.root, "apply", None).points;
    visit(&applied);
    let points = numbered(&applied);
    let rows = Mutex::new(BTreeMap::new());
    in_threads(points.iter().enumerate().collect(), |(index, point)| {
        let scene = Scene::new(&[("apply", Some(point))]);
        let settled = settle(
            &scene,
            states,
            point,
            visit,
            &format!("apply ended at {point}"),
        );
        rows.lock().unwrap().insert(index, settled);
    });
    let mut all = Vec::new();
    let mut recoveries = BTreeMap::new();
    for (row, points) in rows.into_inner().unwrap().into_values() {
        // The same points after the same state are the same way.
        let way = (row.left.clone(), points.clone());
        recoveries
            .entry(way)
            .or_insert_with(|| (row.step.clone(), numbered(&points)));
        all.push(row);
    }
    (all, recoveries.into_values().collect())
}

/// Ended at every point of every way of recovering; then recovered again.
fn ended_twice(
    states: &States,
    visit: &(impl Fn(&[String]) + Sync),
    recoveries: Recoveries,
) -> Vec<Row> {
    let twice = recoveries.into_iter().flat_map(|(first, points)| {
        let second = points.into_iter();
        second.map(move |second| (first.clone(), second))
    });
    let rows = Mutex::new(Vec::new());
    in_threads(twice.collect(), |(first, second)| {
        let scene = Scene::new(&[("apply", Some(&first)), ("recover", Some(&second))]);
        let context = format!("ended at {first}, then at {second}");
        let (row, _) = settle(&scene, states, &second, visit, &context);
        rows.lock().unwrap().push(row);
    });
    table::sorted(rows.into_inner().unwrap())
}

/// Ended at every point of rolling back what came out as it was meant to; then recovered.
fn ended_in_rollback(states: &States, visit: &(impl Fn(&[String]) + Sync)) -> Vec<Row> {
    let scene = Scene::new(&[("apply", None)]);
    let rolled = run(&scene.root, "rollback", None);
    let seen = states.name(&host::disk(&scene.root));
    assert_eq!(seen, Some("all before"), "{:?}", rolled.said);
    visit(&rolled.points);
    let rows = Mutex::new(BTreeMap::new());
    let points = numbered(&rolled.points);
    in_threads(
        points.into_iter().enumerate().collect(),
        |(index, point)| {
            let scene = Scene::new(&[("apply", None), ("rollback", Some(&point))]);
            let context = format!("rollback ended at {point}");
            let (row, _) = settle(&scene, states, &point, visit, &context);
            rows.lock().unwrap().insert(index, row);
        },
    );
    rows.into_inner().unwrap().into_values().collect()
}

/// Recovers, and says what came of it, and at which points the recovery was.
fn settle(
    scene: &Scene,
    states: &States,
    point: &str,
    visit: &(impl Fn(&[String]) + Sync),
    context: &str,
) -> (Row, Vec<String>) {
    let left = host::describe(&scene.root);
    let recovered = run(&scene.root, "recover", None);
    visit(&recovered.points);
    let next = recovered.said.unwrap();
    let disk = host::disk(&scene.root);
    let seen = states
        .name(&disk)
        .unwrap_or_else(|| panic!("{context}, {left}, {next}: a mixture: {disk:?}"));
    assert_settled(&scene.root, seen, &format!("{context}, {left}, {next}"));
    let row = Row {
        step: point.to_owned(),
        left,
        next,
        seen: seen.to_owned(),
    };
    (row, recovered.points)
}

/// What processes do before, and where they are ended.
type Acts = [(&'static str, Option<&'static str>)];

/// What somebody else writes at the last moment stays, wherever the process is ended.
fn races(states: &States, visit: &(impl Fn(&[String]) + Sync)) {
    let cases: [(&Acts, &str, usize, &str); 4] = [
        (&[], "apply@replace.exchange:0", 0, "replace.exchange"),
        (
            &[("apply", None)],
            "rollback@undo.exchange:1",
            1,
            "undo.exchange",
        ),
        (
            &[("apply", None)],
            "rollback@undo.withdraw:2",
            2,
            "undo.withdraw",
        ),
        (
            &[("apply", Some("journal.sync#12"))],
            "recover@undo.exchange:1",
            1,
            "undo.exchange",
        ),
    ];
    for (first, act, file, at) in cases {
        let scene = Scene::new(first);
        let ran = run(&scene.root, act, None);
        visit(&ran.points);
        let mut expected = host::with_foreign(&states.before, &FILES[file]);
        // What is put into a folder that was made keeps it.
        if file == 2 {
            let folder = Path::new(FILES[2].target)
                .parent()
                .unwrap()
                .strip_prefix("/")
                .unwrap();
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
            assert!(
                ended.said.is_none(),
                "{act} was not ended at {point}: {:?}",
                ended.said
            );
            let left = host::describe(&scene.root);
            let recovered = run(&scene.root, "recover", None);
            visit(&recovered.points);
            let disk = host::disk(&scene.root);
            assert!(
                kept(&disk),
                "{act} ended at {point}, {left}, {:?}: {disk:?}",
                recovered.said
            );
            assert_eq!(
                run(&scene.root, "recover", None).said.as_deref(),
                Some("nothing"),
                "{act} {point}"
            );
        });
    }
}

/// What a single error may lead to: asserts that what the process said is so.
fn assert_honest(said: &str, seen: Option<&str>, context: &str) {
    match said.split(':').next().unwrap() {
        // Old files may lie about still.
        "unsure" => assert!(context.contains("files new, new, new"), "{context}"),
        "fixed" => assert_eq!(seen, Some("all after"), "{context}"),
        "rolled back" | "error" => assert_eq!(seen, Some("all before"), "{context}"),
        "needs hands" => {}
        _ => panic!("{context}"),
    }
}

#[test]
fn a_system_call_that_fails_leaves_the_old_files_or_the_new_ones() {
    let states = states();
    let scene = Scene::new(&[]);
    let points = numbered(&run(&scene.root, "apply", None).points);
    let errors = ["eio", "enospc", "eio!", "erofs!"];
    let all: Vec<String> = points
        .iter()
        .flat_map(|point| errors.map(|error| format!("{point}={error}")))
        .collect();
    let came_out = Mutex::new(BTreeMap::<String, u32>::new());
    let count = |said: &str| {
        let what = said.split(':').next().unwrap().to_owned();
        *came_out.lock().unwrap().entry(what).or_default() += 1;
    };
    in_threads(all, |armed| {
        let scene = Scene::new(&[]);
        let said = run(&scene.root, "apply", Some(&armed)).said.unwrap();
        count(&said);
        let seen = states.name(&host::disk(&scene.root));
        let context = format!(
            "apply with {armed}: {said}: {}",
            host::describe(&scene.root)
        );
        assert_honest(&said, seen, &context);
        // One call that fails keeps nothing from being put back.
        let is_unsure = said.starts_with("unsure");
        assert!(
            armed.ends_with('!') || seen.is_some() || is_unsure,
            "{context}"
        );
        let next = run(&scene.root, "recover", None).said.unwrap();
        let seen = states.name(&host::disk(&scene.root));
        let seen = seen
            .unwrap_or_else(|| panic!("{context}: then {next}: {}", host::describe(&scene.root)));
        assert_settled(&scene.root, seen, &context);
    });
    for expected in ["rolled back", "error", "needs hands", "unsure"] {
        assert!(
            came_out.lock().unwrap().contains_key(expected),
            "never {expected}: {came_out:?}"
        );
    }

    let scene = Scene::new(&[("apply", None)]);
    let points = numbered(&run(&scene.root, "rollback", None).points);
    let all: Vec<String> = points
        .iter()
        .flat_map(|point| errors.map(|error| format!("{point}={error}")))
        .collect();
    in_threads(all, |armed| {
        let scene = Scene::new(&[("apply", None)]);
        let said = run(&scene.root, "rollback", Some(&armed)).said.unwrap();
        let seen = states.name(&host::disk(&scene.root));
        let context = format!(
            "rollback with {armed}: {said}: {}",
            host::describe(&scene.root)
        );
        if !said.starts_with("error") {
            assert_honest(&said, seen, &context);
        }
        let next = run(&scene.root, "recover", None).said.unwrap();
        let mut seen = states.name(&host::disk(&scene.root));
        let newest = Store::open(&scene.root).unwrap().list().unwrap().remove(0);
        if newest.outcome != Outcome::RolledBack {
            // It needed hands, or did not begin: asked for again, it is done.
            let again = run(&scene.root, "rollback", None).said.unwrap();
            assert!(
                again.starts_with("rolled back"),
                "{context}: {next}, then {again}"
            );
            seen = states.name(&host::disk(&scene.root));
        }
        assert_eq!(seen, Some("all before"), "{context}: {next}");
        assert_settled(&scene.root, "all before", &context);
    });
}

/// Runs a test again as root of mounts of its own; returns whether this is that run.
fn in_own_mounts(name: &str) -> bool {
    if std::env::var_os("KUBEASSAY_OWN_MOUNTS").is_some() {
        return true;
    }
    let works = Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    if !works.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: needs root, unshare and mount");
        return false;
    }
    let mut command = Command::new("unshare");
    command.arg("--mount").arg(std::env::current_exe().unwrap());
    let output = command
        .args([name, "--exact", "--nocapture"])
        .env("KUBEASSAY_OWN_MOUNTS", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    false
}

/// A host on a small file system of its own.
struct Small {
    _folder: TempDir,
    root: std::path::PathBuf,
}

impl Small {
    fn new(options: &str) -> Self {
        let folder = folder();
        let root = folder.path().join("host");
        fs::create_dir(&root).unwrap();
        let small = Self {
            _folder: folder,
            root,
        };
        small.mount(&["-t", "tmpfs", "-o", options, "tmpfs"]);
        host::make(&small.root);
        small
    }

    fn mount(&self, arguments: &[&str]) {
        let status = Command::new("mount")
            .args(arguments)
            .arg(&self.root)
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Fills it but for `left` pages.
    fn fill(&self, left: u64) {
        let free = rustix::fs::statvfs(&self.root).unwrap().f_bavail;
        fs::write(
            self.root.join("fill"),
            vec![1; usize::try_from((free - left) * 4096).unwrap()],
        )
        .unwrap();
        assert_eq!(rustix::fs::statvfs(&self.root).unwrap().f_bavail, left);
    }

    /// Takes all but `left` of its inodes.
    fn take_inodes(&self, left: u64) {
        let folder = self.root.join("fill");
        fs::create_dir(&folder).unwrap();
        let free = rustix::fs::statvfs(&self.root).unwrap().f_favail;
        for count in left..free {
            fs::write(folder.join(count.to_string()), "").unwrap();
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.root).status());
    }
}

/// Leaves so much of a disk.
type Fill<'a> = &'a dyn Fn(&Small, u64);

#[test]
fn a_full_disk_leaves_the_old_files_or_the_new_ones() {
    if !in_own_mounts("a_full_disk_leaves_the_old_files_or_the_new_ones") {
        return;
    }
    let states = states();
    let reserves = |small: &Small, left| small.fill(left);
    let takes = |small: &Small, left| small.take_inodes(left);
    let cases: [(&str, Fill<'_>, &str); 3] = [
        ("size=2m", &reserves, "apply"),
        ("size=2m", &reserves, "apply@greedy"),
        ("size=2m,nr_inodes=200", &takes, "apply"),
    ];
    for (options, fill, act) in cases {
        let mut refused = BTreeSet::new();
        let mut rolled_back = 0;
        let mut left = 0;
        loop {
            let small = Small::new(options);
            fill(&small, left);
            let ran = run(&small.root, act, None);
            let said = ran.said.unwrap();
            let seen = states.name(&host::disk(&small.root));
            let context = format!(
                "{options}, {left} left: {said}: {}",
                host::describe(&small.root)
            );
            assert_honest(&said, seen, &context);
            let seen = seen.unwrap_or_else(|| panic!("{context}"));
            // What began is at its end: the journal has room for that.
            let unfinished = Store::open(&small.root).unwrap().unfinished().unwrap();
            assert_eq!(unfinished, None, "{context}");
            // Whatever is left to be done can be done on a disk that is still full.
            let next = run(&small.root, "recover", None).said.unwrap();
            assert_eq!(
                states.name(&host::disk(&small.root)),
                Some(seen),
                "{context}: then {next}"
            );
            if said == "fixed" {
                break;
            }
            let all = Store::open(&small.root).unwrap().list().unwrap();
            let reason = all
                .first()
                .map_or(said.clone(), |newest| newest.reason.clone());
            assert!(
                reason.contains("make room on that file system"),
                "{context}: {reason}"
            );
            rolled_back += u32::from(said.starts_with("rolled back"));
            refused.insert(ran.points.last().unwrap().clone());
            left += 1;
            assert!(left < 64, "{context}");
        }
        assert!(
            rolled_back > 1 && refused.len() > 1,
            "{options}: {rolled_back} {refused:?}"
        );
        println!(
            "{options}: with {left} left it is done; {rolled_back} were rolled back; ends {refused:?}"
        );
    }
}

#[test]
fn a_file_system_that_is_read_only_stays_as_it_is() {
    if !in_own_mounts("a_file_system_that_is_read_only_stays_as_it_is") {
        return;
    }
    let states = states();
    // Never written, and with a transaction that was cut short.
    for first in [None, Some("journal.sync#12")] {
        let small = Small::new("size=2m");
        if first.is_some() {
            assert!(run(&small.root, "apply", first).said.is_none());
        }
        let disk = host::disk(&small.root);
        let listed = Store::open(&small.root).unwrap().list().unwrap();
        small.mount(&["-o", "remount,ro"]);
        for act in ["apply", "recover"] {
            let said = run(&small.root, act, None).said.unwrap();
            assert!(
                said.starts_with("error: ") && said.contains("mounted read-only"),
                "{said}"
            );
            assert_eq!(host::disk(&small.root), disk);
            let store = Store::open(&small.root).unwrap();
            assert_eq!(store.list().unwrap(), listed);
            assert_eq!(store.unfinished().unwrap().is_some(), first.is_some());
            assert!(!store.is_locked().unwrap());
        }
        small.mount(&["-o", "remount,rw"]);
        run(&small.root, "recover", None);
        assert_eq!(states.name(&host::disk(&small.root)), Some("all before"));
    }
}
