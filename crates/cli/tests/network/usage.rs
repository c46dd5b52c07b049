//! What cannot be meant is refused before anybody is asked.

use crate::lab::{Lab, scan};

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let lab = Lab::new();
    let (chain, token) = (lab.at("me.crt"), lab.at("token"));
    let ca = lab.at("ca.crt");
    for (arguments, said) in [
        (
            &["--live", "--client-certificate", &chain][..],
            "--client-key",
        ),
        (&["--live", "--client-key", &chain], "--client-certificate"),
        (
            &[
                "--live",
                "--client-certificate",
                &chain,
                "--client-key",
                &chain,
                "--token-file",
                &token,
            ],
            "--token-file",
        ),
        (
            &[
                "--live=probe",
                "--node-address",
                "127.0.0.1",
                "--kubelet-pin",
                "node",
            ],
            "NODE=SHA256",
        ),
        (
            &[
                "--live=probe",
                "--node-address",
                "127.0.0.1",
                "--kubelet-pin",
                "node=12",
            ],
            "--kubelet-pin",
        ),
        (&["--live=probe", "--node-address", "https://a"], "10.0.0.7"),
        (
            &["--live=probe", "--node-address", "127.0.0.1", "--root", "/"],
            "--root",
        ),
        (&["--node-address", "127.0.0.1"], "--live"),
        (&["--live", "--facts", &ca], "--facts"),
        (&["--live", "--demo"], "--demo"),
        (&["--live=everything"], "probe"),
        (&["--via-proxy"], "--live"),
        (&["--selector", "a=b"], "--cluster"),
        (&["--cluster", "--root", "/"], "--root"),
        (&["--cluster", "--concurrency", "0"], "--concurrency"),
        (&["--cluster"], "--kubeconfig"),
        (&["--cluster", "--context", "there-is-none"], "kubeconfig"),
        (
            &["--cluster", "--kubeconfig", "/nonexistent/config"],
            "/nonexistent/config",
        ),
        (
            &[
                "--live=probe",
                "--node-address",
                "127.0.0.1",
                "--kubelet-ca",
                "/nonexistent",
            ],
            "/nonexistent",
        ),
        (
            &[
                "--live=probe",
                "--node-address",
                "127.0.0.1",
                "--kubelet-ca",
                &token,
            ],
            &token,
        ),
    ] {
        let scan = scan(arguments);
        assert_eq!(
            (scan.code, scan.stdout.as_str()),
            (64, ""),
            "{arguments:?}: {}",
            scan.stderr
        );
        assert!(scan.stderr.contains(said), "{arguments:?}: {}", scan.stderr);
    }
}
