//! What a user types.

use kubeassay_core::rule::Replacing;

use crate::support::{DOCUMENTATION, add, catalogue};

#[test]
fn numbers_ids_and_aliases_mean_rules() {
    let mut catalogue = catalogue();
    let mode = "kubelet-authorization-mode";
    let port = "kubelet-read-only-port";
    for (words, ids) in [
        (vec![], vec![mode, port]),
        (vec!["4.2.2"], vec![mode]),
        (vec!["cis-kubernetes:4.2.2"], vec![mode]),
        (vec!["cis-eks:3.2.2"], vec![mode]),
        (vec!["CIS-EKS:3.2.2"], vec![mode]),
        (vec!["disa-stig:v-242392"], vec![mode]),
        (vec!["authz"], vec![mode]),
        (vec!["kubelet-authorization-mode"], vec![mode]),
        (vec!["Kubelet-Read-Only-Port"], vec![port]),
        (vec!["4.2.4", "4.2.2", "authz", " 4.2.2 "], vec![mode, port]),
    ] {
        let found: Vec<&str> = catalogue
            .select(&words)
            .unwrap()
            .iter()
            .map(|rule| rule.id())
            .collect();
        assert_eq!(found, ids, "{words:?}");
    }
    assert!(
        add(
            &mut catalogue,
            &[("a.md", DOCUMENTATION)],
            Replacing::Refused
        )
        .is_empty()
    );
    for (word, ids) in [
        ("4.2.2", vec!["cis-kubernetes-4.2.2", mode]),
        ("cis-kubernetes-4.2.2", vec!["cis-kubernetes-4.2.2"]),
        ("0a1-b2c-d3e", vec!["cis-kubernetes-4.2.2"]),
    ] {
        let found: Vec<&str> = catalogue
            .select(&[word])
            .unwrap()
            .iter()
            .map(|rule| rule.id())
            .collect();
        assert_eq!(found, ids, "{word}");
    }
}

#[test]
fn what_means_no_rule_is_said_with_what_may_have_been_meant() {
    let catalogue = catalogue();
    for (word, message) in [
        (
            "4.2.3",
            "there is no rule `4.2.3`; did you mean `4.2.2` or `4.2.4`?",
        ),
        (
            "4.2.40",
            "there is no rule `4.2.40`; did you mean `4.2.4` or `4.2.2`?",
        ),
        (
            "3.2.2",
            "there is no rule `3.2.2`; did you mean `4.2.2` or `4.2.4`?",
        ),
        (
            "cis-eks:9.9.9",
            "there is no rule `cis-eks:9.9.9`; did you mean `cis-eks:3.2.2`, `cis-eks:3.2.4` or `cis-eks:3.2.10`?",
        ),
        (
            "cis-eks:3.2.9",
            "there is no rule `cis-eks:3.2.9`; did you mean `cis-eks:3.2.10`, `cis-eks:3.2.4` or `cis-eks:3.2.2`?",
        ),
        (
            "cis-eka:3.2.2",
            "there is no rule `cis-eka:3.2.2`; did you mean `cis-eks:3.2.2`?",
        ),
        (
            "cis-gke:4.2.2",
            "there is no rule `cis-gke:4.2.2`; did you mean `4.2.2`?",
        ),
        (
            "V-242392",
            "there is no rule `V-242392`; did you mean `disa-stig:V-242392`?",
        ),
        (
            "kubelet-authorisation-mode",
            "there is no rule `kubelet-authorisation-mode`; did you mean `kubelet-authorization-mode`?",
        ),
        (
            "authorization-mode",
            "there is no rule `authorization-mode`; did you mean `kubelet-authorization-mode`?",
        ),
        (
            "auth",
            "there is no rule `auth`; did you mean `authz` or `kubelet-authorization-mode`?",
        ),
        ("zzz", "there is no rule `zzz`"),
        ("", "there is no rule ``"),
        (":", "there is no rule `:`"),
        ("4..2", "there is no rule `4..2`"),
        ("\u{1b}[31m", "there is no rule `\\x1b[31m`"),
    ] {
        assert_eq!(catalogue.select(&[word]).unwrap_err().to_string(), message);
    }
}
