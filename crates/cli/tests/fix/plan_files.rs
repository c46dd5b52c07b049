//! A plan that root applies must have been written by nobody but root.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{NOBODY, is_root, plan, run};

/// What is said of a plan that got through: it was made with other rules than these.
const TAKEN: &str = "made with other rules";

/// A plan that cannot be applied here, whatever this machine is.
fn foreign() -> Json {
    let mut plan = plan();
    plan["request"]["digest"] = json!("sha256:0");
    plan
}

/// A folder of root's with a plan in it.
fn laid_out() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("node.plan");
    fs::write(&file, foreign().to_string()).unwrap();
    mode(&file, 0o600);
    (folder, file)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn apply(file: &Path) -> (i32, String, String) {
    run(&["apply", file.to_str().unwrap()])
}

type Change = fn(&Path, &Path) -> PathBuf;

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn who_else_could_have_written_a_plan_decides() {
    if !is_root() {
        return;
    }
    let cases: &[(&str, Change, &str)] = &[
        ("as it should be", |_, file| file.to_owned(), TAKEN),
        (
            "readable by all",
            |_, file| {
                mode(file, 0o444);
                file.to_owned()
            },
            TAKEN,
        ),
        (
            "another's file",
            |_, file| {
                chown(file, Some(NOBODY), None).unwrap();
                file.to_owned()
            },
            "belongs to user 65534, and a plan that root applies must be root's",
        ),
        (
            "written by a group",
            |_, file| {
                mode(file, 0o620);
                file.to_owned()
            },
            "may be written by others (mode 0620)",
        ),
        (
            "written by all",
            |_, file| {
                mode(file, 0o602);
                file.to_owned()
            },
            "may be written by others (mode 0602)",
        ),
        (
            "another's folder",
            |folder, file| {
                chown(folder, Some(NOBODY), None).unwrap();
                file.to_owned()
            },
            "belongs to user 65534, who could put another plan there",
        ),
        (
            "a folder that all write",
            |folder, file| {
                mode(folder, 0o777);
                file.to_owned()
            },
            "may be written by others (mode 0777)",
        ),
        (
            "a folder in which only owners replace",
            |folder, file| {
                mode(folder, 0o1777);
                file.to_owned()
            },
            TAKEN,
        ),
        (
            "a folder further up that all write",
            |folder, file| {
                let below = folder.join("open/below");
                fs::create_dir_all(&below).unwrap();
                mode(&folder.join("open"), 0o777);
                fs::copy(file, below.join("plan")).unwrap();
                below.join("plan")
            },
            "open may be written by others",
        ),
        (
            "the way back out of such a folder",
            |folder, file| {
                let open = folder.join("open");
                fs::create_dir(&open).unwrap();
                mode(&open, 0o777);
                open.join("..").join(file.file_name().unwrap())
            },
            "open may be written by others",
        ),
        (
            "a link of root's",
            |folder, _| {
                symlink("node.plan", folder.join("link")).unwrap();
                folder.join("link")
            },
            TAKEN,
        ),
        (
            "another's link",
            |folder, file| {
                let link = folder.join("link");
                symlink(file, &link).unwrap();
                lchown(&link, Some(NOBODY), None).unwrap();
                link
            },
            "the symbolic link",
        ),
        (
            "a link to another's file",
            |folder, file| {
                chown(file, Some(NOBODY), None).unwrap();
                symlink(file, folder.join("link")).unwrap();
                folder.join("link")
            },
            "must be root's",
        ),
        (
            "a link into a folder that all write",
            |folder, file| {
                let open = folder.join("open");
                fs::create_dir(&open).unwrap();
                mode(&open, 0o777);
                fs::copy(file, open.join("plan")).unwrap();
                symlink("open/plan", folder.join("link")).unwrap();
                folder.join("link")
            },
            "open may be written by others",
        ),
        (
            "links without end",
            |folder, _| {
                symlink("two", folder.join("one")).unwrap();
                symlink("one", folder.join("two")).unwrap();
                folder.join("one")
            },
            "too many symbolic links",
        ),
        (
            "the volume of a Secret",
            |folder, file| {
                volume(folder, file);
                mode(folder, 0o1777);
                folder.join("mounted.plan")
            },
            TAKEN,
        ),
        (
            "the volume of a ConfigMap, which all may write",
            |folder, file| {
                volume(folder, file);
                mode(folder, 0o777);
                folder.join("mounted.plan")
            },
            "may be written by others",
        ),
        ("a folder", |folder, _| folder.to_owned(), "is a folder"),
        (
            "a file on the way",
            |_, file| file.join("x"),
            "is not a folder",
        ),
        (
            "nothing",
            |folder, _| folder.join("none"),
            "No such file or directory",
        ),
        (
            "a device",
            |_, _| PathBuf::from("/dev/null"),
            "is not a regular file",
        ),
        (
            "a pipe that nobody writes",
            |folder, _| {
                let pipe = folder.join("pipe");
                let kind = rustix::fs::FileType::Fifo;
                let mode = rustix::fs::Mode::from_raw_mode(0o600);
                rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).unwrap();
                pipe
            },
            "is not a regular file",
        ),
    ];
    for (name, change, said) in cases {
        let (folder, file) = laid_out();
        let file = change(folder.path(), &file);
        let (code, stdout, stderr) = apply(&file);
        assert_eq!((code, stdout.as_str()), (1, ""), "{name}: {stderr}");
        assert!(stderr.contains(said), "{name}: {stderr}");
    }
}

/// Lays out the plan as a kubelet does in a volume: `mounted.plan` → `..data/mounted.plan`, `..data` → `..2026_1`.
fn volume(folder: &Path, file: &Path) {
    let version = folder.join("..2026_1");
    fs::create_dir(&version).unwrap();
    fs::copy(file, version.join("mounted.plan")).unwrap();
    symlink("..2026_1", folder.join("..data")).unwrap();
    symlink("..data/mounted.plan", folder.join("mounted.plan")).unwrap();
}

#[test]
fn a_relative_path_is_walked_from_the_root() {
    if !is_root() {
        return;
    }
    let (folder, _) = laid_out();
    let said = |file: &str| {
        let output = assert_cmd::Command::new(super::program())
            .args(["apply", file])
            .current_dir(folder.path())
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("node.plan").contains(TAKEN));
    assert!(said("./node.plan").contains(TAKEN));
    mode(folder.path(), 0o777);
    let said = said("node.plan");
    assert!(said.contains("may be written by others"), "{said}");
}

#[test]
fn what_is_no_plan_is_refused() {
    if !is_root() {
        return;
    }
    let whole = foreign().to_string();
    let with = |key: &str, value: Json| {
        let mut plan = foreign();
        plan[key] = value;
        plan.to_string().into_bytes()
    };
    let mut newer = foreign();
    newer["later"] = json!({"x": 1});
    newer["edits"][0]["later"] = json!(true);
    let mut unnamed = foreign();
    unnamed.as_object_mut().unwrap().remove("schema");
    for (name, content, said) in [
        ("empty", Vec::new(), "is not a JSON document"),
        (
            "cut short",
            whole.as_bytes()[..whole.len() / 2].to_vec(),
            "not all of it is there",
        ),
        (
            "NUL bytes",
            [whole.as_bytes(), &[0; 512]].concat(),
            "is not a JSON document",
        ),
        (
            "a hole",
            [&[0; 512], whole.as_bytes()].concat(),
            "is not a JSON document",
        ),
        (
            "two",
            whole.repeat(2).into_bytes(),
            "is not a JSON document",
        ),
        (
            "deep",
            [b"{\"schema\":".to_vec(), b"[".repeat(100_000)].concat(),
            "is not a JSON document",
        ),
        ("a list", b"[]".to_vec(), "is not a JSON document"),
        (
            "of another kind",
            with("schema", json!("kubeassay.facts/v1")),
            "has the schema \"kubeassay.facts/v1\", not kubeassay.plan/v1",
        ),
        (
            "of a newer kind",
            with("schema", json!("kubeassay.plan/v2")),
            "use the version that made it",
        ),
        (
            "of a hostile kind",
            with("schema", json!("\u{1b}[31m")),
            "\\u{1b}[31m",
        ),
        (
            "of no kind",
            unnamed.to_string().into_bytes(),
            "has no schema",
        ),
        (
            "in part",
            b"{\"schema\":\"kubeassay.plan/v1\"}".to_vec(),
            "is not a plan",
        ),
        (
            "with an edit of no kind",
            with("edits", json!([{"path": "/x"}])),
            "is not a plan",
        ),
        (
            "with more than we know",
            newer.to_string().into_bytes(),
            TAKEN,
        ),
        (
            "too large",
            [whole.as_bytes(), &b" ".repeat(16 << 20)].concat(),
            "is larger than a plan is (16 MiB)",
        ),
        (
            "of rules that nobody knows",
            with(
                "request",
                json!({"rules": ["x"], "digest": plan()["request"]["digest"]}),
            ),
            "names a rule that is not known",
        ),
    ] {
        let (_folder, file) = laid_out();
        fs::write(&file, content).unwrap();
        let (code, stdout, stderr) = apply(&file);
        assert_eq!((code, stdout.as_str()), (1, ""), "{name}: {stderr}");
        assert!(stderr.contains(said), "{name}: {stderr}");
        assert!(!stderr.contains('\u{1b}'), "{name}: {stderr}");
    }
}
