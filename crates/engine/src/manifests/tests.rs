//! Manifests of which it cannot be told what they start, on hosts that examples describe.

use kubeassay_core::report::Problem;
use kubeassay_core::rule::{Catalogue, ExampleFile, ExampleHost};

use crate::BUNDLED_RULES;
use crate::example;

const POD: &str =
    "kind: Pod\nspec: {containers: [{name: a, command: [kube-apiserver, --anonymous-auth=false]}]}";

/// What the case is, whether a server runs, the files, what is found, and how many problems there are.
type Case<'a> = (&'a str, bool, &'a [Named<'a>], &'a [&'a str], usize);
/// A file and its path.
type Named<'a> = (&'a str, ExampleFile);

/// Returns what is found of the anonymous requests to an API server on a node with such files of manifests, a line for
/// each horizon, and the problems of the node.
fn judged(runs: bool, files: &[(&str, ExampleFile)]) -> (Vec<String>, Vec<Problem>) {
    let kubelet = ["/usr/bin/kubelet", "--config=/k"].map(str::to_owned);
    let server = ["kube-apiserver", "--anonymous-auth=false"].map(str::to_owned);
    let text = ExampleFile::Text(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: /m\n"
            .to_owned(),
    );
    let files = files
        .iter()
        .map(|(path, file)| ((*path).to_owned(), file.clone()));
    let host = ExampleHost {
        argv: kubelet.to_vec(),
        processes: runs.then(|| server.to_vec()).into_iter().collect(),
        files: [("/k".to_owned(), text)].into_iter().chain(files).collect(),
        ..ExampleHost::kubeadm("")
    };
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<_> = catalogue
        .rules()
        .filter(|rule| rule.id() == "apiserver-anonymous-auth")
        .collect();
    assert_eq!(rules.len(), 1);
    let judged = example::judged(&rules, &example::facts(&host));
    let said = judged.findings.iter().map(|finding| {
        let cause = finding.cause.map_or("", |cause| cause.as_str());
        format!("{} {} {cause}", finding.horizon, finding.verdict)
            .trim_end()
            .to_owned()
    });
    (said.collect(), judged.problems)
}

#[test]
fn manifest_that_may_be_anybodys_leaves_no_next_start_known() {
    let text = |text: &str| ExampleFile::Text(text.to_owned());
    let other = "kind: Pod\nspec: {containers: [{name: a, command: [sleep]}]}";
    let good = ("/m/a.yaml", text(POD));
    let cases: [Case<'_>; 9] = [
        ("there is none", true, &[], &["running pass"], 0),
        (
            "it starts something else",
            true,
            &[("/m/x.yaml", text(other))],
            &["running pass"],
            0,
        ),
        (
            "it is not there any more",
            true,
            &[("/m/x.yaml", ExampleFile::Missing)],
            &["running pass"],
            0,
        ),
        (
            "it cannot be understood",
            true,
            &[("/m/x.yaml", text("a: [b"))],
            &["running pass", "restart unknown parse-error"],
            1,
        ),
        (
            "it cannot be read",
            true,
            &[("/m/x.yaml", ExampleFile::Denied)],
            &["running pass", "restart unknown denied"],
            1,
        ),
        (
            "another one starts it",
            true,
            &[good.clone(), ("/m/x.yaml", ExampleFile::Denied)],
            &["running pass"],
            1,
        ),
        (
            "the folder cannot be listed",
            true,
            &[("/m", ExampleFile::Denied)],
            &["running pass", "restart unknown denied"],
            1,
        ),
        (
            "where the folder is cannot be told",
            true,
            &[("/k", ExampleFile::Denied)],
            &["running pass", "restart unknown denied"],
            1,
        ),
        (
            "nothing runs",
            false,
            &[("/m/x.yaml", ExampleFile::Denied)],
            &["running unknown denied"],
            1,
        ),
    ];
    for (name, runs, files, verdicts, said) in cases {
        let (found, problems) = judged(runs, files);
        assert_eq!(found, verdicts, "{name}");
        let of_manifests: Vec<_> = problems
            .iter()
            .filter(|problem| {
                let path = problem.path.as_ref();
                let of_pods = problem.reason.contains("static pod");
                of_pods
                    && path.is_some_and(|path| {
                        [b"/m", b"/k"]
                            .iter()
                            .any(|start| path.as_slice().starts_with(*start))
                    })
            })
            .collect();
        assert_eq!(of_manifests.len(), said, "{name}: {problems:#?}");
    }
    let (found, problems) = judged(false, &[]);
    assert_eq!(found, ["running not-applicable"], "{problems:#?}");
}

#[test]
fn manifest_called_like_a_component_is_that_ones_alone() {
    let files = [("/m/etcd.yaml", ExampleFile::Denied)];
    let (found, problems) = judged(true, &files);
    assert_eq!(found, ["running pass"], "{problems:#?}");
    let files = [("/m/kube-apiserver.yaml", ExampleFile::Denied)];
    let (found, _) = judged(true, &files);
    assert_eq!(found, ["running pass", "restart unknown denied"]);
}
