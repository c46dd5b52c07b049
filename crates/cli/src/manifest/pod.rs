//! The pod that reads a node, with the reason for each thing that it may do.

use kubeassay_config::tables::Minor;

use super::{LABEL, Request};

/// The container's name, which an annotation of older versions names too.
const CONTAINER: &str = "collect";

/// Returns the pod template as lines behind others: each part begins with a line break. It is for
/// one node by name or, without, for whatever node it is put on.
pub(super) fn template(request: &Request, node: Option<&str>) -> String {
    let parts = [
        metadata(request, LABEL, CONTAINER),
        "\n    spec:".to_owned(),
        placement(node),
        isolation(),
        pull_secrets(request),
        container(request, node.is_none()),
        security(request),
        resources(),
        volumes(request),
    ];
    parts.concat()
}

/// Returns whether the version has the fields `appArmorProfile` (1.30) and `recursiveReadOnly` (1.30 knows
/// it, 1.31 heeds it); an older API server refuses a manifest with a field that it does not know.
pub(super) fn has_newer_fields(request: &Request) -> bool {
    request.version >= Minor(30)
}

/// Returns how the pods are marked; `container` is the one that an annotation of older versions names.
pub(super) fn metadata(request: &Request, label: &str, container: &str) -> String {
    let annotations = if has_newer_fields(request) {
        String::new()
    } else {
        format!(
            "
      annotations:
        # The runtime's AppArmor profile refuses to look into processes outside the container.
        container.apparmor.security.beta.kubernetes.io/{container}: unconfined"
        )
    };
    format!(
        "
  template:
    metadata:
      labels:
        {label}{annotations}"
    )
}

fn placement(node: Option<&str>) -> String {
    let (affinity, restart) = match node {
        Some(node) => (
            format!(
                "
      # This node: by its name, because its host name label may be another.
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchFields:
                  - key: metadata.name
                    operator: In
                    values: [\"{node}\"]"
            ),
            "Never",
        ),
        None => (String::new(), "Always"),
    };
    format!(
        "{affinity}
      nodeSelector:
        kubernetes.io/os: linux
      # Control planes, cordoned and pressed nodes are judged too.
      tolerations:
        - operator: Exists
      # No priorityClassName: no workload is to be evicted for this.
      restartPolicy: {restart}
      # The first process of a container hears SIGKILL only. When the facts are out, nothing is lost by it.
      terminationGracePeriodSeconds: 1"
    )
}

fn isolation() -> String {
    "
      # The API server is not asked for anything, so there is no token to steal and no service to know.
      automountServiceAccountToken: false
      enableServiceLinks: false
      dnsPolicy: Default
      # Not needed: the host's processes are seen in the procfs that the host's root brings along.
      hostPID: false
      hostNetwork: false
      hostIPC: false"
    .to_owned()
}

pub(super) fn pull_secrets(request: &Request) -> String {
    if request.pull_secrets.is_empty() {
        return String::new();
    }
    let names = request.pull_secrets.iter();
    let names: Vec<String> = names
        .map(|name| format!("\n        - name: \"{name}\""))
        .collect();
    format!("\n      imagePullSecrets:{}", names.concat())
}

fn container(request: &Request, hold: bool) -> String {
    let hold = if hold {
        "
            # Done after one reading, and not to be started again and again.
            - --hold"
    } else {
        ""
    };
    format!(
        "
      containers:
        - name: {CONTAINER}
          image: \"{}\"
          command: [kubeassay, collect]
          args:
            - --root=/host
            - --timeout={}s
            # The log takes stderr too: nothing but facts in it, and errors where there are none.
            - --quiet{hold}",
        request.image, request.timeout_seconds
    )
}

fn security(request: &Request) -> String {
    let app_armor = if has_newer_fields(request) {
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
            # Whoever is not root gets no capability from the list below.
            runAsUser: 0
            runAsGroup: 0
            privileged: false
            # No program that is started gets more; none is.
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
              add:
                # Reads configuration that only its owner may read (mode 0600), of whatever user. Not
                # DAC_OVERRIDE, which would write too.
                - DAC_READ_SEARCH
                # Sees the files, executable and environment of a kubelet as the kubelet does
                # (/proc/PID/root, exe, environ). Kubelets have more capabilities than this container, and
                # the kernel lets nobody look up without this one.
                - SYS_PTRACE
            # Reading takes no unusual system call.
            seccompProfile:
              type: RuntimeDefault{app_armor}
            # Containers of SELinux's usual type cannot read the host's files, nor look into its
            # processes. Without SELinux this says nothing.
            seLinuxOptions:
              type: {}",
        request.selinux_type
    )
}

fn resources() -> String {
    "
          # A reading takes tens of milliseconds and a few MiB; many or large drop-ins take more.
          resources:
            requests:
              cpu: 10m
              memory: 32Mi
            limits:
              cpu: 500m
              memory: 256Mi"
        .to_owned()
}

fn volumes(request: &Request) -> String {
    let recursive = if has_newer_fields(request) {
        "
              # The file systems mounted below it too, where kernel and runtime can. It does not go
              # together with mountPropagation, so mounts that come later are not seen.
              recursiveReadOnly: IfPossible"
    } else {
        ""
    };
    format!(
        "
          volumeMounts:
            - name: host
              mountPath: /host
              readOnly: true{recursive}
      volumes:
        # The whole root: a kubelet's flags and drop-ins name files anywhere, and only /proc tells which
        # kubelets run and with what.
        - name: host
          hostPath:
            path: /
            type: Directory"
    )
}
