//! The shell of the recipes in `docs/integrations.md`, taken out of the page and run as the runners run it.

use std::path::Path;
use std::process::Command;

use kubeassay_testkit::kubelet::Kubelet;

use crate::lab::{Lab, node};

/// Section 10.3 of RFC 8410.
const SECRET: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

/// Returns the block of code that has this line.
fn block(line: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/integrations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut blocks = page.split("\n```").skip(1).step_by(2);
    let found = blocks.find(|block| block.lines().any(|one| one.trim() == line));
    found
        .unwrap_or_else(|| panic!("no recipe has the line {line}"))
        .to_owned()
}

/// Returns what stands below the step of a workflow with this name: the text of its `run`.
fn step(name: &str) -> String {
    let named = format!("- name: {name}");
    let recipe = block(&named);
    let step = recipe.split_once(&named).unwrap().1;
    let (_, rest) = step.split_once("run: ").unwrap();
    let Some(lines) = rest.strip_prefix("|\n") else {
        return rest.lines().next().unwrap().to_owned();
    };
    let indent = lines.len() - lines.trim_start().len();
    let lines = lines
        .lines()
        .take_while(|line| line.len() - line.trim_start().len() >= indent);
    lines.map(|line| line[indent..].to_owned() + "\n").collect()
}

/// A runner's folder, with what it puts into the environment.
struct Runner<'a> {
    lab: &'a Lab,
}

impl Runner<'_> {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.lab.path("work").join(name)
    }

    /// Runs a text by bash, which stops at the first line that fails.
    fn run(&self, text: &str) -> (i32, String) {
        let program = Path::new(env!("CARGO_BIN_EXE_kubeassay"));
        let folder = program.parent().unwrap();
        let kubeconfig = std::fs::read_to_string(self.lab.path("config")).unwrap();
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-e", "-c", text])
            .current_dir(self.lab.path("work"))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .env("HOME", "/nonexistent")
            .env("KUBECONFIG_TEXT", kubeconfig.trim_end())
            .env("SIGNING_KEY", SECRET.trim_end())
            .env("RUNNER_TEMP", self.lab.at(""))
            .env("GITHUB_STEP_SUMMARY", self.lab.at("summary"))
            .env("KUBECONFIG_FILE", self.lab.at("config"))
            .env("KUBEASSAY_KEY_FILE", self.lab.at("key"))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let told = text(&output.stdout) + &text(&output.stderr);
        (output.status.code().unwrap(), told)
    }
}

/// A cluster whose kubelet does what the recipes' gate lets pass, or asks nobody who they are, which it does not.
fn with_a_cluster(anonymous: bool, test: impl Fn(&Runner<'_>)) {
    let lab = Lab::new();
    let kubelet = Kubelet {
        anonymous,
        ..lab.kubelet()
    };
    let kubelet = kubelet.start();
    let server = lab
        .server(vec![node("worker", kubelet.port)], false)
        .start();
    lab.kubeconfig(server.address);
    lab.write("key", SECRET);
    std::fs::create_dir(lab.path("work")).unwrap();
    lab.write("work/pub.pem", PUBLIC);
    test(&Runner { lab: &lab });
}

#[test]
fn the_workflow_scans_signs_and_shows() {
    let scan = step("Scan");
    assert!(scan.contains("--sign"), "{scan}");
    let show = step("Show what was found on the run's page");
    with_a_cluster(true, |runner| {
        let (code, told) = runner.run(&scan);
        assert_eq!(code, 1, "{told}");
        for name in [
            "report.json",
            "report.json.dsse.json",
            "report.sarif",
            "report.sarif.dsse.json",
            "summary.md",
        ] {
            assert!(runner.path(name).is_file(), "{name}: {told}");
        }
        assert_eq!(runner.run(&show).0, 0);
        let summary = std::fs::read_to_string(runner.lab.path("summary")).unwrap();
        assert!(summary.contains("4.2.1"), "{summary}");
        let taken = block(
            "kubeassay verify report.json --key pub.pem && kubeassay render report.json -o markdown",
        );
        let taken = taken.split_once('\n').unwrap().1;
        let (code, told) = runner.run(taken);
        // `render` asks the gate of the report again.
        assert_eq!(code, 1, "{told}");
        assert!(told.starts_with("verified  report.json"), "{told}");
        // Tokens and keys are in nothing that is kept.
        for name in [
            "report.json",
            "report.json.dsse.json",
            "report.sarif",
            "summary.md",
        ] {
            let kept = std::fs::read_to_string(runner.path(name)).unwrap();
            assert!(
                !kept.contains("Tuctv5") && !kept.contains(crate::lab::TOKEN),
                "{name}"
            );
        }
        // Where nothing can be scanned the step fails, and the older report stays.
        let before = std::fs::read(runner.path("report.json")).unwrap();
        let broken = scan.replace("\"$KUBECONFIG_TEXT\"", "nonsense");
        assert_ne!(broken, scan);
        let (code, told) = runner.run(&broken);
        assert_eq!(code, 64, "{told}");
        assert!(std::fs::read(runner.path("report.json")).unwrap() == before);
    });
}

#[test]
fn the_workflow_compares_with_its_baseline() {
    let compare = step("Compare");
    with_a_cluster(true, |runner| {
        let begin = "cp \"$KUBECONFIG_FILE\" \"$RUNNER_TEMP/kubeconfig\"; cp \"$KUBEASSAY_KEY_FILE\" key.pem";
        assert_eq!(runner.run(begin).0, 0);
        let (code, told) = runner.run(&compare);
        assert_eq!(code, 64, "{told}");
        assert!(told.contains("baseline.json"), "{told}");
        let made =
            "kubeassay scan --cluster --kubeconfig \"$KUBECONFIG_FILE\" -o json=baseline.json";
        let (code, told) = runner.run(made);
        assert_eq!(code, 1, "{told}");
        let (code, told) = runner.run(&compare);
        assert_eq!(code, 0, "{told}");
        let summary = std::fs::read_to_string(runner.lab.path("summary")).unwrap();
        assert!(!summary.is_empty());
    });
}

#[test]
fn the_job_scans_signs_and_counts() {
    let job = block("after_script:");
    let script = |key: &str| -> Vec<String> {
        let begins = format!("  {key}:");
        let lines = job.lines().skip_while(|line| *line != begins).skip(1);
        let lines = lines.take_while(|line| line.starts_with("    "));
        let typed = lines.filter_map(|line| line.trim_start().strip_prefix("- "));
        typed.map(str::to_owned).collect()
    };
    let (main, after) = (script("script"), script("after_script"));
    assert_eq!((main.len(), after.len()), (2, 1), "{job}");
    for (anonymous, expected) in [(true, 1), (false, 0)] {
        with_a_cluster(anonymous, |runner| {
            let (code, told) = runner.run(&main.join("\n"));
            assert_eq!(code, expected, "{told}");
            for name in [
                "report.json",
                "report.json.dsse.json",
                "junit.xml",
                "junit.xml.dsse.json",
            ] {
                assert!(runner.path(name).is_file(), "{name}: {told}");
            }
            let (code, told) = runner.run("kubeassay verify report.json --key pub.pem");
            assert_eq!(code, 0, "{told}");
            assert_eq!(runner.run(&after.join("\n")).0, 0);
            assert!(!runner.path("key.pem").exists());
        });
    }
}
