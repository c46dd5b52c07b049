//! What etcd can be told: each flag, the key of its configuration file that says the same, and the releases that know it.
//!
//! From `etcdmain/config.go` and `embed/config.go` of every release from 3.3 to 3.7. Where the default differs between
//! releases, or follows from something else, none is given here, and the setting is unknown unless something sets it.

use crate::tables::{Constant, DefaultSpan, Flag, FlagKind, Minor, Presence, Tables, Target};

/// A minor release of etcd 3: `Release(5)` is 3.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Release(pub(super) u8);

impl Release {
    /// The oldest release that is described.
    pub(super) const OLDEST: Self = Self(3);
    /// The newest release that is described.
    pub(super) const NEWEST: Self = Self(7);

    /// Returns every release that is described, oldest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (Self::OLDEST.0..=Self::NEWEST.0).map(Self)
    }
}

/// One thing that etcd can be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Its flag.
    pub(super) flag: Flag,
    /// The path of the key in the configuration file; empty where the file has none.
    pub(super) key: &'static str,
    /// The first and the last release that know it, in any of their patches.
    releases: (Release, Release),
}

impl Row {
    /// Returns whether a release knows it.
    pub(super) fn is_in(&self, release: Release) -> bool {
        self.releases.0 <= release && release <= self.releases.1
    }

    /// Returns whether it is a list of URLs, which are checked, sorted and told apart.
    pub(super) fn is_urls(&self) -> bool {
        self.flag.name.ends_with("-urls")
    }
}

/// etcd's flags that mean something. Kubernetes' minors say nothing of them.
pub(in crate::components) static TABLES: Tables = Tables {
    flags: &FLAGS,
    fields: &[],
    by_internal_path: &[],
    locked_gates: &[],
};

/// Finds a row by the name of its flag.
pub(super) fn row_of(name: &str) -> Option<&'static Row> {
    ROWS.get(place_of(name)?)
}

/// Returns which of the rows has the flag of this name.
pub(super) fn place_of(name: &str) -> Option<usize> {
    ROWS.binary_search_by(|row| row.flag.name.cmp(name)).ok()
}

const EVER: Presence = Presence {
    certain: (Minor::OLDEST, Minor::NEWEST),
    possible: (Minor::OLDEST, Minor::NEWEST),
};

const NONE: &[DefaultSpan] = &[];

const fn ever(value: Constant) -> DefaultSpan {
    DefaultSpan {
        from: Minor::OLDEST,
        to: Minor::NEWEST,
        value,
    }
}

const fn row(
    name: &'static str,
    setting: &'static str,
    kind: FlagKind,
    defaults: &'static [DefaultSpan],
    key: &'static str,
    releases: (u8, u8),
) -> Row {
    Row {
        flag: Flag {
            name,
            shorthand: None,
            setting,
            kind,
            bare: match kind {
                FlagKind::Bool | FlagKind::Opaque => Some("true"),
                _ => None,
            },
            presence: EVER,
            targets: &[(Minor::OLDEST, Target::Own)],
            defaults,
            secret: is_secret(name),
        },
        key,
        releases: (Release(releases.0), Release(releases.1)),
    }
}

/// Only these two hold a credential itself; the others name files.
const fn is_secret(name: &str) -> bool {
    matches!(name.as_bytes(), b"discovery-password" | b"discovery-user")
}

/// How many rows say something; the others are flags of etcd 2, which are accepted and mean nothing.
const COUNT: usize = {
    let (mut count, mut at) = (0, 0);
    while at < ROWS.len() {
        if !is_ignored(at) {
            count += 1;
        }
        at += 1;
    }
    count
};

static FLAGS: [Flag; COUNT] = flags();

#[expect(
    clippy::indexing_slicing,
    reason = "worked out by the compiler, which refuses an index that is none"
)]
const fn is_ignored(at: usize) -> bool {
    matches!(ROWS[at].flag.kind, FlagKind::Opaque)
}

#[expect(
    clippy::indexing_slicing,
    reason = "worked out by the compiler, which refuses an index that is none"
)]
const fn flags() -> [Flag; COUNT] {
    let mut flags = [ROWS[0].flag; COUNT];
    let (mut at, mut to) = (0, 0);
    while at < ROWS.len() {
        if !is_ignored(at) {
            flags[to] = ROWS[at].flag;
            to += 1;
        }
        at += 1;
    }
    flags
}

/// Sorted by the name of the flag.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("advertise-client-urls", "advertiseClientUrls", FlagKind::StringSlice, &[ever(Constant::List(&["http://localhost:2379"]))], "advertise-client-urls", (3, 7)),
    row("auth-token", "authToken", FlagKind::String, &[ever(Constant::Str("simple"))], "auth-token", (3, 7)),
    row("auth-token-ttl", "authTokenTtl", FlagKind::Uint64, &[ever(Constant::Int(300))], "auth-token-ttl", (3, 7)),
    row("auto-compaction-mode", "autoCompactionMode", FlagKind::String, &[ever(Constant::Str("periodic"))], "auto-compaction-mode", (3, 7)),
    row("auto-compaction-retention", "autoCompactionRetention", FlagKind::String, &[ever(Constant::Str("0"))], "auto-compaction-retention", (3, 7)),
    row("auto-tls", "autoTls", FlagKind::Bool, &[ever(Constant::Bool(false))], "client-transport-security.auto-tls", (3, 7)),
    row("backend-batch-interval", "backendBatchInterval", FlagKind::Duration, NONE, "backend-batch-interval", (4, 7)),
    row("backend-batch-limit", "backendBatchLimit", FlagKind::Int, NONE, "backend-batch-limit", (4, 7)),
    row("backend-bbolt-freelist-type", "backendBboltFreelistType", FlagKind::String, NONE, "backend-bbolt-freelist-type", (5, 7)),
    row("bcrypt-cost", "bcryptCost", FlagKind::Uint64, NONE, "bcrypt-cost", (4, 7)),
    row("bootstrap-defrag-threshold-megabytes", "bootstrapDefragThresholdMegabytes", FlagKind::Uint64, &[ever(Constant::Int(0))], "bootstrap-defrag-threshold-megabytes", (6, 7)),
    row("ca-file", "caFile", FlagKind::String, &[ever(Constant::Str(""))], "client-transport-security.ca-file", (3, 3)),
    row("cert-file", "certFile", FlagKind::String, &[ever(Constant::Str(""))], "client-transport-security.cert-file", (3, 7)),
    row("cipher-suites", "cipherSuites", FlagKind::StringSlice, &[ever(Constant::List(&[]))], "cipher-suites", (3, 7)),
    row("client-cert-allowed-hostname", "clientCertAllowedHostname", FlagKind::StringSlice, &[ever(Constant::List(&[]))], "client-transport-security.allowed-hostname", (4, 7)),
    row("client-cert-auth", "clientCertAuth", FlagKind::Bool, &[ever(Constant::Bool(false))], "client-transport-security.client-cert-auth", (3, 7)),
    row("client-cert-file", "clientCertFile", FlagKind::String, &[ever(Constant::Str(""))], "client-transport-security.client-cert-file", (5, 7)),
    row("client-crl-file", "clientCrlFile", FlagKind::String, &[ever(Constant::Str(""))], "", (3, 7)),
    row("client-key-file", "clientKeyFile", FlagKind::String, &[ever(Constant::Str(""))], "client-transport-security.client-key-file", (5, 7)),
    row("cluster-active-size", "clusterActiveSize", FlagKind::Opaque, NONE, "", (3, 7)),
    row("cluster-remove-delay", "clusterRemoveDelay", FlagKind::Opaque, NONE, "", (3, 7)),
    row("cluster-sync-interval", "clusterSyncInterval", FlagKind::Opaque, NONE, "", (3, 7)),
    row("compact-hash-check-time", "compactHashCheckTime", FlagKind::Duration, NONE, "compact-hash-check-time", (6, 7)),
    row("compaction-batch-limit", "compactionBatchLimit", FlagKind::Int, NONE, "compaction-batch-limit", (6, 7)),
    row("compaction-sleep-interval", "compactionSleepInterval", FlagKind::Duration, NONE, "compaction-sleep-interval", (6, 7)),
    row("config", "config", FlagKind::Opaque, NONE, "", (3, 7)),
    row("config-file", "configFile", FlagKind::String, &[ever(Constant::Str(""))], "", (3, 7)),
    row("corrupt-check-time", "corruptCheckTime", FlagKind::Duration, NONE, "corrupt-check-time", (6, 7)),
    row("cors", "cors", FlagKind::String, NONE, "cors", (3, 7)),
    row("data-dir", "dataDir", FlagKind::String, &[ever(Constant::Str(""))], "data-dir", (3, 7)),
    row("debug", "debug", FlagKind::Bool, &[ever(Constant::Bool(false))], "debug", (3, 4)),
    row("discovery", "discovery", FlagKind::String, &[ever(Constant::Str(""))], "discovery", (3, 6)),
    row("discovery-cacert", "discoveryCacert", FlagKind::String, &[ever(Constant::Str(""))], "discovery-config.client.secure.cacert", (6, 7)),
    row("discovery-cert", "discoveryCert", FlagKind::String, &[ever(Constant::Str(""))], "discovery-config.client.secure.cert", (6, 7)),
    row("discovery-dial-timeout", "discoveryDialTimeout", FlagKind::Duration, NONE, "discovery-config.client.dial-timeout", (6, 7)),
    row("discovery-endpoints", "discoveryEndpoints", FlagKind::StringSlice, &[ever(Constant::List(&[]))], "discovery-config.client.endpoints", (6, 7)),
    row("discovery-fallback", "discoveryFallback", FlagKind::String, NONE, "discovery-fallback", (3, 7)),
    row("discovery-insecure-skip-tls-verify", "discoveryInsecureSkipTlsVerify", FlagKind::Bool, &[ever(Constant::Bool(false))], "discovery-config.client.secure.insecure-skip-tls-verify", (6, 7)),
    row("discovery-insecure-transport", "discoveryInsecureTransport", FlagKind::Bool, &[ever(Constant::Bool(true))], "discovery-config.client.secure.insecure-transport", (6, 7)),
    row("discovery-keepalive-time", "discoveryKeepaliveTime", FlagKind::Duration, NONE, "discovery-config.client.keepalive-time", (6, 7)),
    row("discovery-keepalive-timeout", "discoveryKeepaliveTimeout", FlagKind::Duration, NONE, "discovery-config.client.keepalive-timeout", (6, 7)),
    row("discovery-key", "discoveryKey", FlagKind::String, &[ever(Constant::Str(""))], "discovery-config.client.secure.key", (6, 7)),
    row("discovery-password", "discoveryPassword", FlagKind::String, &[ever(Constant::Str(""))], "discovery-config.client.auth.password", (6, 7)),
    row("discovery-proxy", "discoveryProxy", FlagKind::String, &[ever(Constant::Str(""))], "discovery-proxy", (3, 6)),
    row("discovery-request-timeout", "discoveryRequestTimeout", FlagKind::Duration, NONE, "discovery-config.client.request-timeout", (6, 7)),
    row("discovery-srv", "discoverySrv", FlagKind::String, &[ever(Constant::Str(""))], "discovery-srv", (3, 7)),
    row("discovery-srv-name", "discoverySrvName", FlagKind::String, &[ever(Constant::Str(""))], "discovery-srv-name", (4, 7)),
    row("discovery-token", "discoveryToken", FlagKind::String, &[ever(Constant::Str(""))], "discovery-config.token", (6, 7)),
    row("discovery-user", "discoveryUser", FlagKind::String, &[ever(Constant::Str(""))], "discovery-config.client.auth.username", (6, 7)),
    row("distributed-tracing-address", "distributedTracingAddress", FlagKind::String, NONE, "distributed-tracing-address", (6, 7)),
    row("distributed-tracing-instance-id", "distributedTracingInstanceId", FlagKind::String, &[ever(Constant::Str(""))], "distributed-tracing-instance-id", (6, 7)),
    row("distributed-tracing-sampling-rate", "distributedTracingSamplingRate", FlagKind::Int, &[ever(Constant::Int(0))], "distributed-tracing-sampling-rate", (6, 7)),
    row("distributed-tracing-service-name", "distributedTracingServiceName", FlagKind::String, NONE, "distributed-tracing-service-name", (6, 7)),
    row("downgrade-check-time", "downgradeCheckTime", FlagKind::Duration, NONE, "downgrade-check-time", (6, 7)),
    row("election-timeout", "electionTimeout", FlagKind::Uint64, &[ever(Constant::Int(1000))], "election-timeout", (3, 7)),
    row("enable-distributed-tracing", "enableDistributedTracing", FlagKind::Bool, &[ever(Constant::Bool(false))], "enable-distributed-tracing", (6, 7)),
    row("enable-grpc-gateway", "enableGrpcGateway", FlagKind::Bool, &[ever(Constant::Bool(true))], "enable-grpc-gateway", (4, 7)),
    row("enable-log-rotation", "enableLogRotation", FlagKind::Bool, &[ever(Constant::Bool(false))], "enable-log-rotation", (5, 7)),
    row("enable-pprof", "enablePprof", FlagKind::Bool, &[ever(Constant::Bool(false))], "enable-pprof", (3, 7)),
    row("enable-v2", "enableV2", FlagKind::Bool, NONE, "enable-v2", (3, 5)),
    row("experimental-backend-bbolt-freelist-type", "experimentalBackendBboltFreelistType", FlagKind::String, NONE, "experimental-backend-bbolt-freelist-type", (4, 4)),
    row("experimental-bootstrap-defrag-threshold-megabytes", "experimentalBootstrapDefragThresholdMegabytes", FlagKind::Uint64, NONE, "experimental-bootstrap-defrag-threshold-megabytes", (5, 6)),
    row("experimental-compact-hash-check-enabled", "experimentalCompactHashCheckEnabled", FlagKind::Bool, NONE, "experimental-compact-hash-check-enabled", (5, 6)),
    row("experimental-compact-hash-check-time", "experimentalCompactHashCheckTime", FlagKind::Duration, NONE, "experimental-compact-hash-check-time", (5, 6)),
    row("experimental-compaction-batch-limit", "experimentalCompactionBatchLimit", FlagKind::Int, NONE, "experimental-compaction-batch-limit", (4, 6)),
    row("experimental-compaction-sleep-interval", "experimentalCompactionSleepInterval", FlagKind::Duration, NONE, "experimental-compaction-sleep-interval", (5, 6)),
    row("experimental-corrupt-check-time", "experimentalCorruptCheckTime", FlagKind::Duration, NONE, "experimental-corrupt-check-time", (3, 6)),
    row("experimental-distributed-tracing-address", "experimentalDistributedTracingAddress", FlagKind::String, NONE, "experimental-distributed-tracing-address", (5, 6)),
    row("experimental-distributed-tracing-instance-id", "experimentalDistributedTracingInstanceId", FlagKind::String, &[ever(Constant::Str(""))], "experimental-distributed-tracing-instance-id", (5, 6)),
    row("experimental-distributed-tracing-sampling-rate", "experimentalDistributedTracingSamplingRate", FlagKind::Int, NONE, "experimental-distributed-tracing-sampling-rate", (5, 6)),
    row("experimental-distributed-tracing-service-name", "experimentalDistributedTracingServiceName", FlagKind::String, NONE, "experimental-distributed-tracing-service-name", (5, 6)),
    row("experimental-downgrade-check-time", "experimentalDowngradeCheckTime", FlagKind::Duration, NONE, "experimental-downgrade-check-time", (5, 6)),
    row("experimental-enable-distributed-tracing", "experimentalEnableDistributedTracing", FlagKind::Bool, &[ever(Constant::Bool(false))], "experimental-enable-distributed-tracing", (5, 6)),
    row("experimental-enable-lease-checkpoint", "experimentalEnableLeaseCheckpoint", FlagKind::Bool, &[ever(Constant::Bool(false))], "experimental-enable-lease-checkpoint", (4, 6)),
    row("experimental-enable-lease-checkpoint-persist", "experimentalEnableLeaseCheckpointPersist", FlagKind::Bool, &[ever(Constant::Bool(false))], "experimental-enable-lease-checkpoint-persist", (4, 6)),
    row("experimental-enable-v2v3", "experimentalEnableV2v3", FlagKind::String, NONE, "experimental-enable-v2v3", (3, 5)),
    row("experimental-initial-corrupt-check", "experimentalInitialCorruptCheck", FlagKind::Bool, NONE, "experimental-initial-corrupt-check", (3, 6)),
    row("experimental-memory-mlock", "experimentalMemoryMlock", FlagKind::Bool, NONE, "experimental-memory-mlock", (5, 6)),
    row("experimental-peer-skip-client-san-verification", "experimentalPeerSkipClientSanVerification", FlagKind::Bool, &[ever(Constant::Bool(false))], "experimental-peer-skip-client-san-verification", (3, 6)),
    row("experimental-snapshot-catchup-entries", "experimentalSnapshotCatchupEntries", FlagKind::Uint64, NONE, "experimental-snapshot-catch-up-entries", (5, 6)),
    row("experimental-stop-grpc-service-on-defrag", "experimentalStopGrpcServiceOnDefrag", FlagKind::Bool, NONE, "experimental-stop-grpc-service-on-defrag", (5, 6)),
    row("experimental-txn-mode-write-with-shared-buffer", "experimentalTxnModeWriteWithSharedBuffer", FlagKind::Bool, NONE, "experimental-txn-mode-write-with-shared-buffer", (5, 6)),
    row("experimental-warning-apply-duration", "experimentalWarningApplyDuration", FlagKind::Duration, NONE, "experimental-warning-apply-duration", (4, 6)),
    row("experimental-warning-unary-request-duration", "experimentalWarningUnaryRequestDuration", FlagKind::Duration, NONE, "experimental-warning-unary-request-duration", (6, 6)),
    row("experimental-watch-progress-notify-interval", "experimentalWatchProgressNotifyInterval", FlagKind::Duration, NONE, "experimental-watch-progress-notify-interval", (4, 6)),
    row("feature-gates", "featureGates", FlagKind::String, &[ever(Constant::Str(""))], "feature-gates", (6, 7)),
    row("force", "force", FlagKind::Opaque, NONE, "", (3, 7)),
    row("force-new-cluster", "forceNewCluster", FlagKind::Bool, &[ever(Constant::Bool(false))], "force-new-cluster", (3, 7)),
    row("grpc-keepalive-interval", "grpcKeepaliveInterval", FlagKind::Duration, &[ever(Constant::Duration(7_200_000_000_000))], "grpc-keepalive-interval", (3, 7)),
    row("grpc-keepalive-min-time", "grpcKeepaliveMinTime", FlagKind::Duration, &[ever(Constant::Duration(5_000_000_000))], "grpc-keepalive-min-time", (3, 7)),
    row("grpc-keepalive-timeout", "grpcKeepaliveTimeout", FlagKind::Duration, &[ever(Constant::Duration(20_000_000_000))], "grpc-keepalive-timeout", (3, 7)),
    row("heartbeat-interval", "heartbeatInterval", FlagKind::Uint64, &[ever(Constant::Int(100))], "heartbeat-interval", (3, 7)),
    row("host-whitelist", "hostWhitelist", FlagKind::StringSlice, &[ever(Constant::List(&["*"]))], "host-whitelist", (4, 7)),
    row("initial-advertise-peer-urls", "initialAdvertisePeerUrls", FlagKind::StringSlice, &[ever(Constant::List(&["http://localhost:2380"]))], "initial-advertise-peer-urls", (3, 7)),
    row("initial-cluster", "initialCluster", FlagKind::String, &[ever(Constant::Str("default=http://localhost:2380"))], "initial-cluster", (3, 7)),
    row("initial-cluster-state", "initialClusterState", FlagKind::String, &[ever(Constant::Str("new"))], "initial-cluster-state", (3, 7)),
    row("initial-cluster-token", "initialClusterToken", FlagKind::String, &[ever(Constant::Str("etcd-cluster"))], "initial-cluster-token", (3, 7)),
    row("initial-election-tick-advance", "initialElectionTickAdvance", FlagKind::Bool, &[ever(Constant::Bool(true))], "initial-election-tick-advance", (3, 7)),
    row("key-file", "keyFile", FlagKind::String, &[ever(Constant::Str(""))], "client-transport-security.key-file", (3, 7)),
    row("listen-client-http-urls", "listenClientHttpUrls", FlagKind::StringSlice, &[ever(Constant::List(&[]))], "listen-client-http-urls", (4, 7)),
    row("listen-client-urls", "listenClientUrls", FlagKind::StringSlice, &[ever(Constant::List(&["http://localhost:2379"]))], "listen-client-urls", (3, 7)),
    row("listen-metrics-urls", "listenMetricsUrls", FlagKind::StringSlice, &[ever(Constant::List(&[]))], "listen-metrics-urls", (3, 7)),
    row("listen-peer-urls", "listenPeerUrls", FlagKind::StringSlice, &[ever(Constant::List(&["http://localhost:2380"]))], "listen-peer-urls", (3, 7)),
    row("log-format", "logFormat", FlagKind::String, &[ever(Constant::Str("json"))], "log-format", (6, 7)),
    row("log-level", "logLevel", FlagKind::String, &[ever(Constant::Str("info"))], "log-level", (4, 7)),
    row("log-output", "logOutput", FlagKind::StringSlice, NONE, "log-output", (3, 4)),
    row("log-outputs", "logOutputs", FlagKind::StringSlice, NONE, "log-outputs", (4, 7)),
    row("log-package-levels", "logPackageLevels", FlagKind::String, &[ever(Constant::Str(""))], "log-package-levels", (3, 4)),
    row("log-rotation-config-json", "logRotationConfigJson", FlagKind::String, NONE, "log-rotation-config-json", (5, 7)),
    row("logger", "logger", FlagKind::String, NONE, "logger", (4, 7)),
    row("max-concurrent-streams", "maxConcurrentStreams", FlagKind::Uint64, NONE, "max-concurrent-streams", (4, 7)),
    row("max-learners", "maxLearners", FlagKind::Int, NONE, "max-learners", (6, 7)),
    row("max-request-bytes", "maxRequestBytes", FlagKind::Uint64, &[ever(Constant::Int(1_572_864))], "max-request-bytes", (3, 7)),
    row("max-result-buffer", "maxResultBuffer", FlagKind::Opaque, NONE, "", (3, 7)),
    row("max-retry-attempts", "maxRetryAttempts", FlagKind::Opaque, NONE, "", (3, 7)),
    row("max-snapshots", "maxSnapshots", FlagKind::Uint64, NONE, "max-snapshots", (3, 7)),
    row("max-txn-ops", "maxTxnOps", FlagKind::Uint64, &[ever(Constant::Int(128))], "max-txn-ops", (3, 7)),
    row("max-wals", "maxWals", FlagKind::Uint64, &[ever(Constant::Int(5))], "max-wals", (3, 7)),
    row("memory-mlock", "memoryMlock", FlagKind::Bool, &[ever(Constant::Bool(false))], "memory-mlock", (6, 7)),
    row("metrics", "metrics", FlagKind::String, &[ever(Constant::Str("basic"))], "metrics", (3, 7)),
    row("name", "name", FlagKind::String, &[ever(Constant::Str("default"))], "name", (3, 7)),
    row("next-cluster-version-compatible", "nextClusterVersionCompatible", FlagKind::Bool, &[ever(Constant::Bool(false))], "next-cluster-version-compatible", (4, 4)),
    row("peer-auto-tls", "peerAutoTls", FlagKind::Bool, &[ever(Constant::Bool(false))], "peer-transport-security.auto-tls", (3, 7)),
    row("peer-ca-file", "peerCaFile", FlagKind::String, &[ever(Constant::Str(""))], "peer-transport-security.ca-file", (3, 3)),
    row("peer-cert-allowed-cn", "peerCertAllowedCn", FlagKind::StringSlice, &[ever(Constant::List(&[]))], "peer-transport-security.allowed-cn", (3, 7)),
    row("peer-cert-allowed-hostname", "peerCertAllowedHostname", FlagKind::StringSlice, &[ever(Constant::List(&[]))], "peer-transport-security.allowed-hostname", (4, 7)),
    row("peer-cert-file", "peerCertFile", FlagKind::String, &[ever(Constant::Str(""))], "peer-transport-security.cert-file", (3, 7)),
    row("peer-client-cert-auth", "peerClientCertAuth", FlagKind::Bool, &[ever(Constant::Bool(false))], "peer-transport-security.client-cert-auth", (3, 7)),
    row("peer-client-cert-file", "peerClientCertFile", FlagKind::String, &[ever(Constant::Str(""))], "peer-transport-security.client-cert-file", (5, 7)),
    row("peer-client-key-file", "peerClientKeyFile", FlagKind::String, &[ever(Constant::Str(""))], "peer-transport-security.client-key-file", (5, 7)),
    row("peer-crl-file", "peerCrlFile", FlagKind::String, &[ever(Constant::Str(""))], "", (3, 7)),
    row("peer-election-timeout", "peerElectionTimeout", FlagKind::Opaque, NONE, "", (3, 7)),
    row("peer-heartbeat-interval", "peerHeartbeatInterval", FlagKind::Opaque, NONE, "", (3, 7)),
    row("peer-key-file", "peerKeyFile", FlagKind::String, &[ever(Constant::Str(""))], "peer-transport-security.key-file", (3, 7)),
    row("peer-skip-client-san-verification", "peerSkipClientSanVerification", FlagKind::Bool, &[ever(Constant::Bool(false))], "peer-transport-security.skip-client-san-verification", (6, 7)),
    row("peer-trusted-ca-file", "peerTrustedCaFile", FlagKind::String, &[ever(Constant::Str(""))], "peer-transport-security.trusted-ca-file", (3, 7)),
    row("pre-vote", "preVote", FlagKind::Bool, NONE, "pre-vote", (4, 7)),
    row("proxy", "proxy", FlagKind::String, &[ever(Constant::Str("off"))], "proxy", (3, 5)),
    row("proxy-dial-timeout", "proxyDialTimeout", FlagKind::Uint64, NONE, "proxy-dial-timeout", (3, 5)),
    row("proxy-failure-wait", "proxyFailureWait", FlagKind::Uint64, NONE, "proxy-failure-wait", (3, 5)),
    row("proxy-read-timeout", "proxyReadTimeout", FlagKind::Uint64, NONE, "proxy-read-timeout", (3, 5)),
    row("proxy-refresh-interval", "proxyRefreshInterval", FlagKind::Uint64, NONE, "proxy-refresh-interval", (3, 5)),
    row("proxy-write-timeout", "proxyWriteTimeout", FlagKind::Uint64, NONE, "proxy-write-timeout", (3, 5)),
    row("quota-backend-bytes", "quotaBackendBytes", FlagKind::Int64, &[ever(Constant::Int(0))], "quota-backend-bytes", (3, 7)),
    row("raft-read-timeout", "raftReadTimeout", FlagKind::Duration, NONE, "", (5, 7)),
    row("raft-write-timeout", "raftWriteTimeout", FlagKind::Duration, NONE, "", (5, 7)),
    row("retry-interval", "retryInterval", FlagKind::Opaque, NONE, "", (3, 7)),
    row("self-signed-cert-validity", "selfSignedCertValidity", FlagKind::Uint64, &[ever(Constant::Int(1))], "self-signed-cert-validity", (5, 7)),
    row("snapshot", "snapshot", FlagKind::Opaque, NONE, "", (3, 7)),
    row("snapshot-catchup-entries", "snapshotCatchupEntries", FlagKind::Uint64, NONE, "snapshot-catchup-entries", (6, 7)),
    row("snapshot-count", "snapshotCount", FlagKind::Uint64, NONE, "snapshot-count", (3, 7)),
    row("socket-reuse-address", "socketReuseAddress", FlagKind::Bool, &[ever(Constant::Bool(false))], "socket-options.reuse-address", (5, 7)),
    row("socket-reuse-port", "socketReusePort", FlagKind::Bool, &[ever(Constant::Bool(false))], "socket-options.reuse-port", (5, 7)),
    row("strict-reconfig-check", "strictReconfigCheck", FlagKind::Bool, &[ever(Constant::Bool(true))], "strict-reconfig-check", (3, 7)),
    row("test.coverprofile", "testCoverprofile", FlagKind::Opaque, NONE, "", (3, 7)),
    row("test.outputdir", "testOutputdir", FlagKind::Opaque, NONE, "", (3, 7)),
    row("tls-max-version", "tlsMaxVersion", FlagKind::String, &[ever(Constant::Str(""))], "tls-max-version", (4, 7)),
    row("tls-min-version", "tlsMinVersion", FlagKind::String, &[ever(Constant::Str("TLS1.2"))], "tls-min-version", (4, 7)),
    row("trusted-ca-file", "trustedCaFile", FlagKind::String, &[ever(Constant::Str(""))], "client-transport-security.trusted-ca-file", (3, 7)),
    row("unsafe-no-fsync", "unsafeNoFsync", FlagKind::Bool, &[ever(Constant::Bool(false))], "unsafe-no-fsync", (4, 7)),
    row("v", "v", FlagKind::Opaque, NONE, "", (3, 7)),
    row("v2-deprecation", "v2Deprecation", FlagKind::String, NONE, "v2-deprecation", (5, 7)),
    row("version", "version", FlagKind::Bool, &[ever(Constant::Bool(false))], "", (3, 7)),
    row("vv", "vv", FlagKind::Opaque, NONE, "", (3, 7)),
    row("wal-dir", "walDir", FlagKind::String, &[ever(Constant::Str(""))], "wal-dir", (3, 7)),
    row("warning-apply-duration", "warningApplyDuration", FlagKind::Duration, NONE, "warning-apply-duration", (6, 7)),
    row("warning-unary-request-duration", "warningUnaryRequestDuration", FlagKind::Duration, NONE, "warning-unary-request-duration", (6, 7)),
    row("watch-progress-notify-interval", "watchProgressNotifyInterval", FlagKind::Duration, NONE, "watch-progress-notify-interval", (6, 7)),
];
