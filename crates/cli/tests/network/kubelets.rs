//! One kubelet at an address, asked with and without credentials.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kubeassay_testkit::certificates::self_signed;
use kubeassay_testkit::kubelet::{Fault, Kubelet, Mode, capture};

use crate::lab::{ANONYMOUS, Lab, MODE, READ_ONLY, address, scan};

/// The mode, whether nobody is let in, and what three rules say of it.
#[test]
fn what_a_kubelet_says_and_what_it_refuses_are_judged() {
    let lab = Lab::new();
    let [c, chain, k, key] = &lab.certificate();
    for (mode, anonymous, code, of_mode, of_anonymous) in [
        (
            Mode::Webhook,
            false,
            0,
            "pass live=pass probe=unknown",
            "pass live=pass probe=pass",
        ),
        (
            Mode::Webhook,
            true,
            1,
            "pass live=pass probe=pass",
            "fail live=fail probe=fail",
        ),
        (
            Mode::AlwaysAllow,
            false,
            1,
            "fail live=fail probe=unknown",
            "pass live=pass probe=pass",
        ),
        (
            Mode::AlwaysAllow,
            true,
            1,
            "fail live=fail probe=fail",
            "fail live=fail probe=fail",
        ),
    ] {
        let mut kubelet = lab.kubelet();
        kubelet.mode = mode;
        kubelet.anonymous = anonymous;
        kubelet.configz = configz(mode, anonymous);
        let kubelet = kubelet.start();
        let scan = lab.ask(&kubelet, &["--live", c, chain, k, key, "4.2.1", "4.2.2"]);
        let case = format!("{mode:?} {anonymous}: {}{}", scan.stdout, scan.stderr);
        assert_eq!(scan.verdict(MODE), of_mode, "{case}");
        assert_eq!(scan.verdict(ANONYMOUS), of_anonymous, "{case}");
        assert_eq!(scan.code, code, "{case}");
        let said = format!("kubeassay: exit {code}: ");
        let one = scan
            .stderr
            .strip_prefix(&said)
            .is_some_and(|it| it.lines().count() == 1);
        assert!(one, "{case}");
        // Where each value stands is said: which witness, which URL.
        let url = format!("https://{}/configz", address(&kubelet));
        assert!(scan.stdout.contains(&url), "{case}");
    }
}

/// Returns what a kubelet says that is configured so.
fn configz(mode: Mode, anonymous: bool) -> Vec<u8> {
    let mut said: serde_json::Value =
        serde_json::from_slice(&capture("configz-cis-hardened.json")).unwrap();
    let config = &mut said["kubeletconfig"];
    config["authorization"]["mode"] = format!("{mode:?}").into();
    config["authentication"]["anonymous"]["enabled"] = anonymous.into();
    said.to_string().into_bytes()
}

#[test]
fn a_read_only_port_that_answers_is_a_fail_whatever_the_kubelet_says() {
    let lab = Lab::new();
    // The read-only port of a kubelet at an address is asked for where it is by default.
    let place = "127.86.10.1";
    let mut kubelet = lab.kubelet();
    kubelet.server = lab.authority.server(&[place]);
    kubelet.bind = place.parse().unwrap();
    let kubelet = kubelet.start();
    let [c, chain, k, key] = &lab.certificate();
    let (at, ca) = (format!("{place}:{}", kubelet.port), lab.at("ca.crt"));
    let arguments = [
        "--live",
        "--node-address",
        &at,
        "--kubelet-ca",
        &ca,
        "-o",
        "json",
        c,
        chain,
        k,
        key,
        "4.2.4",
    ];
    let closed = scan(&arguments);
    assert_eq!(
        (closed.verdict(READ_ONLY).as_str(), closed.code),
        ("pass live=pass probe=unknown", 0)
    );
    let open = TcpListener::bind((place, 10255)).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = open.accept().unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).unwrap() > 0);
        stream
            .write_all(&capture("http-200-readonly-10255-pods.txt"))
            .unwrap();
    });
    let found = scan(&arguments);
    thread.join().unwrap();
    assert_eq!(
        (found.verdict(READ_ONLY).as_str(), found.code),
        ("fail live=pass probe=fail", 1)
    );
}

/// What is asked for can be chosen, and what is not asked for is not sent.
#[test]
fn only_what_was_asked_for_is_asked() {
    let lab = Lab::new();
    let [c, chain, k, key] = &lab.certificate();
    for (what, paths, verdict, code) in [
        ("--live=configz", &["/configz"][..], "pass live=pass", 0),
        (
            "--live=probe",
            &["/pods"],
            "unknown unsupported probe=unknown",
            2,
        ),
        (
            "--live",
            &["/configz", "/pods"],
            "pass live=pass probe=unknown",
            0,
        ),
    ] {
        let kubelet = lab.kubelet().start();
        let scan = lab.ask(&kubelet, &[what, c, chain, k, key, "4.2.2"]);
        let mut asked: Vec<String> = kubelet
            .seen()
            .requests
            .into_iter()
            .map(|request| request.path)
            .collect();
        asked.sort();
        assert_eq!(asked, paths, "{what}");
        assert_eq!(
            (scan.verdict(MODE).as_str(), scan.code),
            (verdict, code),
            "{what}: {}",
            scan.stdout
        );
    }
    // Without credentials there is nothing to ask with, and it is said.
    let kubelet = lab.kubelet().start();
    let scan = lab.ask(&kubelet, &["--live=configz", "4.2.2"]);
    assert_eq!(
        (scan.code, kubelet.seen().requests.len()),
        (2, 0),
        "{}{}",
        scan.stdout,
        scan.stderr
    );
    assert!(scan.stdout.contains("credentials"), "{}", scan.stdout);
}

/// Every way in which an answer can be none: its cause, and never a pass.
#[test]
fn what_is_no_answer_has_a_cause() {
    let lab = Lab::new();
    let [c, chain, k, key] = &lab.certificate();
    let elsewhere = "https://192.0.2.1/configz".to_owned();
    let mut found = Vec::new();
    let cases = [
        (Fault::Redirect(elsewhere), "conflict"),
        (Fault::Huge, "too-large"),
        (Fault::Endless, "too-large"),
        (Fault::CutOff, "vanished"),
        (Fault::Close, "unreachable"),
        (Fault::NotHttp, "parse-error"),
        (Fault::LargeHead, "too-large"),
        (Fault::Answer(401, "text/plain"), "not-permitted"),
        (Fault::Answer(403, "text/plain"), "not-permitted"),
        (Fault::Answer(404, "text/plain"), "unsupported"),
        (Fault::Answer(500, "text/plain"), "unreachable"),
        (Fault::Answer(200, "text/html"), "conflict"),
    ];
    for (fault, _) in &cases {
        let mut kubelet = lab.kubelet();
        kubelet.configz_fault = Some(fault.clone());
        let kubelet = kubelet.start();
        let scan = lab.ask(&kubelet, &["--live=configz", c, chain, k, key, "4.2.2"]);
        let verdict = scan.verdict(MODE);
        assert!(
            verdict.ends_with(" live=unknown") && scan.code == 2,
            "{fault:?}: {}",
            scan.stdout
        );
        found.push(verdict);
    }
    let expected = cases.map(|(_, cause)| format!("unknown {cause} live=unknown"));
    assert_eq!(found, expected);
}

#[test]
fn a_certificate_that_nobody_vouches_for_comes_with_three_remedies() {
    let lab = Lab::new();
    let kubelet = Kubelet {
        server: self_signed(&["node-1"]),
        ..lab.kubelet()
    };
    let kubelet = kubelet.start();
    let [c, chain, k, key] = &lab.certificate();
    let distrusted = lab.ask(&kubelet, &["--live", c, chain, k, key, "4.2.2"]);
    assert_eq!(
        distrusted.verdict(MODE),
        "unknown untrusted-certificate live=unknown probe=unknown"
    );
    assert_eq!(distrusted.code, 2);
    for remedy in ["--kubelet-ca", "--kubelet-pin", "kubeassay scan --live"] {
        assert!(
            distrusted.stdout.contains(remedy),
            "{remedy}: {}",
            distrusted.stdout
        );
    }
    let seen = kubelet.seen();
    assert!(seen.certificates == 0, "{seen:?}");

    // The pin that is printed is the one that is taken.
    let (_, rest) = distrusted.stdout.split_once("--kubelet-pin ").unwrap();
    let pin = rest.split('`').next().unwrap();
    let at = address(&kubelet);
    let trusted = scan(&[
        "--live",
        "--node-address",
        &at,
        "--kubelet-pin",
        pin,
        "-o",
        "json",
        c,
        chain,
        k,
        key,
        "4.2.2",
    ]);
    assert_eq!(
        trusted.verdict(MODE),
        "pass live=pass probe=unknown",
        "{pin}: {}",
        trusted.stdout
    );
}

/// A kubelet that says nothing costs the time of one request, not of each.
#[test]
fn nobody_waits_long_for_a_silent_kubelet() {
    let lab = Lab::new();
    let mut kubelet = lab.kubelet();
    kubelet.fault = Some(Fault::Slow);
    let kubelet = kubelet.start();
    let started = std::time::Instant::now();
    let scan = lab.ask(&kubelet, &["--live=probe", "4.2.2"]);
    assert_eq!(
        scan.verdict(MODE),
        "unknown unreachable probe=unknown",
        "{}",
        scan.stdout
    );
    assert!(started.elapsed().as_secs() < 15);
}

/// A program that is called as a kubelet is, and waits; it ends with this value.
struct Waiting(Child);

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// On a node a kubelet is known by the certificate that its process serves, whatever an authority says of others.
#[test]
fn a_process_is_known_by_the_certificate_that_it_serves() {
    let lab = Lab::new();
    let kubelet = lab.kubelet();
    let own = kubelet.server.pem.clone();
    let kubelet = kubelet.start();
    let program = lab.at("kubelet");
    let source = lab.write(
        "kubelet.c",
        "#include <stdio.h>\nint main(void) { return getchar(); }\n",
    );
    let compiled = Command::new("cc").args(["-o", &program, &source]).status();
    if !compiled.is_ok_and(|status| status.success()) {
        println!("skipped: there is no C compiler");
        return;
    }
    lab.write("kubeconfig", "kind: Config\n");
    let (chain, key) = (lab.at("me.crt"), lab.at("me.key"));
    // As this kubelet of a cluster has it, and as another one of the same node, signed by the same authority.
    let other = lab.authority.server(&["127.0.0.1"]);
    for (certificate, verdict) in [(&own, "pass"), (&other.pem, "unknown")] {
        let served = lab.write("served.crt", certificate);
        let config = format!(
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\naddress: 127.0.0.1\nport: {}\ntlsCertFile: {served}\ntlsPrivateKeyFile: {}\nauthentication: {{x509: {{clientCAFile: {}}}}}\n",
            kubelet.port,
            lab.at("me.key"),
            lab.at("ca.crt")
        );
        let config = lab.write("config.yaml", config);
        // What changed within the error of a clock of the start might have changed after it.
        std::thread::sleep(Duration::from_millis(200));
        let child = Command::new(&program)
            .args([
                format!("--config={config}"),
                format!("--kubeconfig={}", lab.at("kubeconfig")),
            ])
            .stdin(Stdio::piped())
            .spawn();
        let process = Waiting(child.unwrap());
        let scan = scan(&[
            "4.2.2",
            "--live=configz",
            "--client-certificate",
            &chain,
            "--client-key",
            &key,
            "--kubelet-ca",
            &lab.at("ca.crt"),
            "-o",
            "json",
        ]);
        let report = scan.report();
        let mut findings = report["findings"].as_array().unwrap().iter();
        let finding = findings.find(|finding| finding["subject"]["pid"] == process.0.id());
        let finding = finding.unwrap_or_else(|| panic!("{report:#}"));
        let live = &finding["witnesses"][1];
        assert_eq!(
            (&live["witness"], &live["verdict"]),
            (&"live".into(), &verdict.into()),
            "{finding:#}"
        );
        if verdict == "unknown" {
            assert_eq!(live["cause"], "untrusted-certificate", "{finding:#}");
        }
    }
}
