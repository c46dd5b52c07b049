//! The Job that carries a plan to its node and applies it there, with the reason for each thing that it may do.

use sha2::{Digest as _, Sha256};

use super::{KEPT_SECONDS, Request, names, pod};

/// What everything of this is called; another name than that of the pods that collect facts, whose logs are facts.
const LABEL: &str = "app.kubernetes.io/name: kubeassay-apply";

/// The container's name, which an annotation of older versions names too.
const CONTAINER: &str = "apply";

/// Longer than all time limits of an apply and of the rollback behind it.
const LONGEST_SECONDS: u32 = 60 * 60;

/// Longer than it takes to come to an end, done or undone: reading, systemd reading its units (3 minutes), and all waits
/// for a restarted kubelet (6 minutes), each twice.
const GRACE_SECONDS: u32 = 30 * 60;

/// A plan and where it goes.
pub(crate) struct Cargo {
    /// The node, as its Node object is called.
    pub(crate) node: String,
    /// The plan as JSON, with nothing in it that YAML could not hold as it is.
    pub(crate) plan: String,
    /// What it does, in a line.
    pub(crate) summary: String,
    /// The ids of the checks that may stay unknown, besides those of the plan.
    pub(crate) accepted: Vec<String>,
}

/// Returns the documents, each ending with a line break.
pub(crate) fn text(request: &Request, cargo: &Cargo) -> String {
    let digest = Sha256::digest(cargo.plan.as_bytes());
    let name = names::apply(&cargo.node, &digest);
    let mut documents = Vec::new();
    if request.make_namespace {
        documents.push(super::namespace(request));
    }
    documents.push(secret(request, cargo, &name));
    documents.push(job(request, cargo, &name));
    format!("{}{}", head(request, cargo, &name), documents.join("---\n"))
}

fn head(request: &Request, cargo: &Cargo, name: &str) -> String {
    let namespace = &request.namespace;
    format!(
        "\
# Applies a plan on the node {}, once. {}.
# The Job makes the plan again there and does nothing unless every edit is the same; what does not hold after the restart
# is rolled back. To be given to: kubectl apply --server-side -f -. Then:
#   kubectl -n {namespace} wait --for=condition=complete job/{name} --timeout=30m
#   kubectl -n {namespace} logs job/{name}
# A Job that failed was refused, rolled back (exit code 3), or needs hands (exit code 4): its log says which, and why.
",
        cargo.node, cargo.summary
    )
}

fn secret(request: &Request, cargo: &Cargo, name: &str) -> String {
    let lines: Vec<String> = cargo
        .plan
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    format!(
        "\
apiVersion: v1
kind: Secret
metadata:
  name: {name}
  namespace: {}
  labels:
    {LABEL}
# No secret is in it, but what is weak on the node. And a Secret's volume lies in memory, in a folder where only owners
# replace their files; that of a ConfigMap may be written by all, which kubeassay apply refuses.
type: Opaque
immutable: true
stringData:
  node.plan: |
{}",
        request.namespace,
        lines.concat()
    )
}

fn job(request: &Request, cargo: &Cargo, name: &str) -> String {
    let parts = [
        pod::metadata(request, LABEL, CONTAINER),
        "\n    spec:".to_owned(),
        placement(&cargo.node),
        isolation(),
        pod::pull_secrets(request),
        container(request, cargo),
        security(request),
        volumes(name),
    ];
    format!(
        "\
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  namespace: {}
  labels:
    {LABEL}
spec:
  # Never twice: what was refused, rolled back or needs hands is for a person to look at.
  backoffLimit: 0
  # Only a pod that never comes to run meets this one; each wait of an apply has a limit of its own.
  activeDeadlineSeconds: {LONGEST_SECONDS}
  # The log goes with the Job. On the node, kubeassay transactions keeps what was done.
  ttlSecondsAfterFinished: {KEPT_SECONDS}{}
",
        request.namespace,
        parts.concat()
    )
}

fn placement(node: &str) -> String {
    format!(
        "
      # The node of the plan, and no scheduler: a node that takes no pods, or whose cluster has nothing that schedules, is
      # mended too.
      nodeName: \"{node}\"
      # Nothing that the node is marked with ends it in the middle.
      tolerations:
        - operator: Exists
      # A Job that failed is not tried again.
      restartPolicy: Never
      # Whoever deletes the Job lets it come to its end first: while it writes, SIGTERM does not end it.
      terminationGracePeriodSeconds: {GRACE_SECONDS}"
    )
}

fn isolation() -> String {
    "
      # The API server is not asked for anything, so there is no token to steal and no service to know.
      automountServiceAccountToken: false
      enableServiceLinks: false
      dnsPolicy: Default
      # The kubelet's health is asked for at 127.0.0.1:10248 of the node.
      hostNetwork: true
      # Not needed: the host's processes are seen in the procfs that the host's root brings along, and systemd is asked
      # through its socket in there.
      hostPID: false
      hostIPC: false"
        .to_owned()
}

fn container(request: &Request, cargo: &Cargo) -> String {
    let accepted: Vec<String> = cargo
        .accepted
        .iter()
        .map(|id| format!("\n            - --accept={id}"))
        .collect();
    format!(
        "
      containers:
        - name: {CONTAINER}
          image: \"{}\"
          command: [kubeassay, apply]
          args:
            - --root=/host
            - --timeout={}s{}
            - /plan/node.plan",
        request.image,
        request.timeout_seconds,
        accepted.concat()
    )
}

fn security(request: &Request) -> String {
    let app_armor = if pod::has_newer_fields(request) {
        "
            # The runtime's AppArmor profile refuses to look into processes outside the container. Without
            # AppArmor this says nothing.
            appArmorProfile:
              type: Unconfined"
    } else {
        ""
    };
    format!(
        "
          securityContext:
            # systemd takes orders from root, and the plan's files are root's.
            runAsUser: 0
            runAsGroup: 0
            privileged: false
            # No program that is started gets more.
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
              add:
                # Reads configuration that only its owner may read (mode 0600), of whatever user.
                - DAC_READ_SEARCH
                # Sees the files, executable and environment of a kubelet as the kubelet does
                # (/proc/PID/root, exe, environ).
                - SYS_PTRACE
                # Makes the new file in folders whose permissions do not let root in.
                - DAC_OVERRIDE
                # Gives the new file the owner and group of the old one.
                - CHOWN
                # Sets mode, access control list and SELinux label of a file that is another's by then.
                - FOWNER
                # Keeps the set-group-ID bit of a file whose group is another's.
                - FSETID
            # Writing files takes no unusual system call.
            seccompProfile:
              type: RuntimeDefault{app_armor}
            # Containers of SELinux's usual type can neither read nor write the host's files. Without SELinux
            # this says nothing.
            seLinuxOptions:
              type: {}
          resources:
            requests:
              cpu: 10m
              memory: 32Mi
            limits:
              cpu: 500m
              memory: 256Mi",
        request.selinux_type
    )
}

fn volumes(name: &str) -> String {
    format!(
        "
          volumeMounts:
            - name: host
              mountPath: /host
            - name: plan
              mountPath: /plan
              readOnly: true
      volumes:
        # The whole root, to be written: the files of the plan lie anywhere, the journal and the backups in
        # /var/lib/kubeassay, systemd's socket in /run, and /proc tells which kubelets run and with what.
        - name: host
          hostPath:
            path: /
            type: Directory
        # Readable by root alone (0400).
        - name: plan
          secret:
            secretName: {name}
            defaultMode: 256"
    )
}
