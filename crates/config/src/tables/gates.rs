//! The feature gates that the control plane of 1.36 knows, with what they were in each minor
//! (`pkg/features/kube_features.go` and its siblings in `k8s.io/apiserver`, `client-go`, `component-base`; that there are
//! no others a 1.36 says itself in its metric `kubernetes_feature_enabled`).
//!
//! Gates that were gone by 1.36 are not here.

use super::Minor;

/// How far a feature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maturity {
    /// Off unless it is asked for.
    Alpha,
    /// On or off, as the version has it.
    Beta,
    /// There to stay.
    Stable,
    /// There for those who need what was.
    Deprecated,
}

/// What a gate is from one minor on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The first minor of which this holds; 0 where that was not said.
    pub from: Minor,
    /// How far the feature is.
    pub maturity: Maturity,
    /// Whether it is on where nobody says anything.
    pub default: bool,
    /// Whether the other value is refused.
    pub locked: bool,
}

/// A feature gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Its name.
    pub name: &'static str,
    stages: &'static [(u8, Maturity, bool, bool)],
}

impl Gate {
    /// Returns what the gate is in a minor; `None` where that minor does not know it.
    pub fn stage(&self, minor: Minor) -> Option<Stage> {
        let mut stages = self.stages.iter().rev();
        let (from, maturity, default, locked) = *stages.find(|(from, ..)| *from <= minor.0)?;
        Some(Stage {
            from: Minor(from),
            maturity,
            default,
            locked,
        })
    }
}

/// Finds a gate by its name.
pub fn find(name: &str) -> Option<&'static Gate> {
    let at = GATES.binary_search_by(|gate| gate.name.cmp(name)).ok()?;
    GATES.get(at)
}

const A: Maturity = Maturity::Alpha;
const B: Maturity = Maturity::Beta;
const S: Maturity = Maturity::Stable;
const D: Maturity = Maturity::Deprecated;
const ON: bool = true;
const OFF: bool = false;
const LOCKED: bool = true;
const FREE: bool = false;

const fn gate(name: &'static str, stages: &'static [(u8, Maturity, bool, bool)]) -> Gate {
    Gate { name, stages }
}

#[rustfmt::skip]
static GATES: [Gate; 240] = [
    gate("APIResponseCompression", &[(8, A, OFF, FREE), (16, B, ON, FREE)]),
    gate("APIServerIdentity", &[(20, A, OFF, FREE), (26, B, ON, FREE)]),
    gate("APIServerTracing", &[(22, A, OFF, FREE), (27, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("APIServingWithRoutine", &[(30, A, OFF, FREE)]),
    gate("AggregatedDiscoveryRemoveBetaType", &[(0, S, OFF, FREE), (33, D, ON, FREE), (35, D, ON, LOCKED)]),
    gate("AllowDNSOnlyNodeCSR", &[(0, S, ON, FREE), (31, D, OFF, FREE)]),
    gate("AllowInsecureKubeletCertificateSigningRequests", &[(0, S, ON, FREE), (31, D, OFF, FREE)]),
    gate("AllowOverwriteTerminationGracePeriodSeconds", &[(0, S, ON, FREE), (32, D, OFF, FREE), (35, D, ON, LOCKED)]),
    gate("AllowParsingUserUIDFromCertAuth", &[(33, B, ON, FREE)]),
    gate("AllowServiceExternalIPs", &[(0, S, ON, FREE)]),
    gate("AllowUnsafeMalformedObjectDeletion", &[(32, A, OFF, FREE)]),
    gate("AnonymousAuthConfigurableEndpoints", &[(31, A, OFF, FREE), (32, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("AnyVolumeDataSource", &[(18, A, OFF, FREE), (24, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("AtomicFIFO", &[(36, B, ON, FREE)]),
    gate("AuthorizeNodeWithSelectors", &[(31, A, OFF, FREE), (32, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("AuthorizePodWebsocketUpgradeCreatePermission", &[(35, B, ON, FREE)]),
    gate("AuthorizeWithSelectors", &[(31, A, OFF, FREE), (32, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("BtreeWatchCache", &[(32, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("CBORServingAndStorage", &[(32, A, OFF, FREE)]),
    gate("CPUManagerPolicyAlphaOptions", &[(23, A, OFF, FREE)]),
    gate("CPUManagerPolicyBetaOptions", &[(23, B, ON, FREE)]),
    gate("CPUManagerPolicyOptions", &[(22, A, OFF, FREE), (23, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("CRDObservedGenerationTracking", &[(35, B, OFF, FREE), (36, B, ON, FREE)]),
    gate("CRDValidationRatcheting", &[(28, A, OFF, FREE), (30, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("CRIListStreaming", &[(36, A, OFF, FREE)]),
    gate("CSIServiceAccountTokenSecrets", &[(35, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("CSIVolumeHealth", &[(21, A, OFF, FREE)]),
    gate("ChangeContainerStatusOnKubeletRestart", &[(0, S, ON, FREE), (35, D, OFF, FREE)]),
    gate("ClearingNominatedNodeNameAfterBinding", &[(34, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("ClientsAllowCARotation", &[(36, B, ON, FREE)]),
    gate("ClientsAllowCBOR", &[(32, A, OFF, FREE)]),
    gate("ClientsAllowTLSCacheGC", &[(36, B, ON, FREE)]),
    gate("ClientsPreferCBOR", &[(32, A, OFF, FREE)]),
    gate("CloudControllerManagerWatchBasedRoutesReconciliation", &[(35, A, OFF, FREE)]),
    gate("CloudControllerManagerWebhook", &[(27, A, OFF, FREE)]),
    gate("ClusterTrustBundle", &[(27, A, OFF, FREE), (33, B, OFF, FREE)]),
    gate("ClusterTrustBundleProjection", &[(29, A, OFF, FREE), (33, B, OFF, FREE)]),
    gate("ComponentFlagz", &[(32, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("ComponentStatusz", &[(32, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("ConcurrentWatchObjectDecode", &[(31, B, OFF, FREE)]),
    gate("ConsistentListFromCache", &[(28, A, OFF, FREE), (31, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("ConstrainedImpersonation", &[(35, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("ContainerCheckpoint", &[(25, A, OFF, FREE), (30, B, ON, FREE)]),
    gate("ContainerRestartRules", &[(34, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("ContainerStopSignals", &[(33, A, OFF, FREE)]),
    gate("ContextualLogging", &[(24, A, OFF, FREE), (30, B, ON, FREE)]),
    gate("ControllerManagerReleaseLeaderElectionLockOnExit", &[(36, A, OFF, FREE)]),
    gate("CoordinatedLeaderElection", &[(31, A, OFF, FREE), (33, B, OFF, FREE)]),
    gate("CrossNamespaceVolumeDataSource", &[(26, A, OFF, FREE)]),
    gate("CustomCPUCFSQuotaPeriod", &[(12, A, OFF, FREE), (36, S, ON, FREE)]),
    gate("CustomResourceFieldSelectors", &[(30, A, OFF, FREE), (31, B, ON, FREE), (32, S, ON, LOCKED)]),
    gate("DRAAdminAccess", &[(32, A, OFF, FREE), (34, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("DRAConsumableCapacity", &[(34, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("DRADeviceBindingConditions", &[(34, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("DRADeviceTaintRules", &[(35, A, OFF, FREE), (36, B, OFF, FREE)]),
    gate("DRADeviceTaints", &[(33, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("DRAExtendedResource", &[(34, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("DRAListTypeAttributes", &[(36, A, OFF, FREE)]),
    gate("DRANodeAllocatableResources", &[(36, A, OFF, FREE)]),
    gate("DRAPartitionableDevices", &[(33, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("DRAPrioritizedList", &[(33, A, OFF, FREE), (34, B, ON, FREE), (36, S, ON, FREE)]),
    gate("DRAResourceClaimDeviceStatus", &[(32, A, OFF, FREE), (33, B, ON, FREE)]),
    gate("DRAResourceClaimGranularStatusAuthorization", &[(36, B, ON, FREE)]),
    gate("DRAResourcePoolStatus", &[(36, A, OFF, FREE)]),
    gate("DRASchedulerFilterTimeout", &[(34, B, ON, FREE)]),
    gate("DRAWorkloadResourceClaims", &[(36, A, OFF, FREE)]),
    gate("DeclarativeValidation", &[(33, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("DeclarativeValidationBeta", &[(36, B, ON, FREE)]),
    gate("DeclarativeValidationTakeover", &[(33, B, OFF, FREE), (36, D, OFF, FREE)]),
    gate("DeploymentReplicaSetTerminatingReplicas", &[(33, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("DetectCacheInconsistency", &[(34, B, ON, FREE)]),
    gate("DisableAllocatorDualWrite", &[(31, A, OFF, FREE), (33, B, OFF, FREE), (34, S, ON, FREE), (35, S, ON, LOCKED)]),
    gate("DisableCPUQuotaWithExclusiveCPUs", &[(33, B, ON, FREE), (36, D, ON, FREE)]),
    gate("DisableNodeKubeProxyVersion", &[(29, A, OFF, FREE), (31, D, OFF, FREE), (33, D, ON, FREE), (36, D, ON, LOCKED)]),
    gate("DynamicResourceAllocation", &[(26, A, OFF, FREE), (32, B, OFF, FREE), (34, S, ON, FREE), (35, S, ON, LOCKED)]),
    gate("EnvFiles", &[(34, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("EventedPLEG", &[(26, A, OFF, FREE)]),
    gate("ExecProbeTimeout", &[(20, S, ON, FREE), (35, S, ON, LOCKED)]),
    gate("ExtendWebSocketsToKubelet", &[(36, B, ON, FREE)]),
    gate("ExternalServiceAccountTokenSigner", &[(32, A, OFF, FREE), (34, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("GangScheduling", &[(35, A, OFF, FREE)]),
    gate("GenericWorkload", &[(35, A, OFF, FREE)]),
    gate("GitRepoVolumeDriver", &[(0, S, ON, FREE), (33, D, OFF, FREE), (36, D, ON, LOCKED)]),
    gate("GracefulNodeShutdown", &[(20, A, OFF, FREE), (21, B, ON, FREE)]),
    gate("GracefulNodeShutdownBasedOnPodPriority", &[(23, A, OFF, FREE), (24, B, ON, FREE)]),
    gate("HPAConfigurableTolerance", &[(33, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("HPAScaleToZero", &[(16, A, OFF, FREE)]),
    gate("HostnameOverride", &[(34, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("ImageMaximumGCAge", &[(29, A, OFF, FREE), (30, B, ON, FREE), (35, S, ON, LOCKED)]),
    gate("ImageVolume", &[(31, A, OFF, FREE), (33, B, OFF, FREE), (35, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("ImageVolumeWithDigest", &[(35, A, OFF, FREE)]),
    gate("InOrderInformers", &[(33, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("InOrderInformersBatchProcess", &[(35, B, ON, FREE)]),
    gate("InPlacePodLevelResourcesVerticalScaling", &[(35, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("InPlacePodVerticalScaling", &[(27, A, OFF, FREE), (33, B, ON, FREE), (35, S, ON, LOCKED)]),
    gate("InPlacePodVerticalScalingExclusiveCPUs", &[(32, A, OFF, FREE)]),
    gate("InPlacePodVerticalScalingExclusiveMemory", &[(34, A, OFF, FREE)]),
    gate("InPlacePodVerticalScalingInitContainers", &[(36, B, ON, FREE)]),
    gate("InformerResourceVersion", &[(30, A, OFF, FREE), (35, S, ON, FREE)]),
    gate("JobBackoffLimitPerIndex", &[(28, A, OFF, FREE), (29, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("JobManagedBy", &[(30, A, OFF, FREE), (32, B, ON, FREE), (35, S, ON, LOCKED)]),
    gate("JobPodReplacementPolicy", &[(28, A, OFF, FREE), (29, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("JobSuccessPolicy", &[(30, A, OFF, FREE), (31, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("KMSv1", &[(0, S, ON, FREE), (28, D, ON, FREE), (29, D, OFF, FREE)]),
    gate("KubeletCgroupDriverFromCRI", &[(28, A, OFF, FREE), (31, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("KubeletCrashLoopBackOffMax", &[(32, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("KubeletEnsureSecretPulledImages", &[(33, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("KubeletFineGrainedAuthz", &[(32, A, OFF, FREE), (33, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("KubeletInUserNamespace", &[(22, A, OFF, FREE)]),
    gate("KubeletPSI", &[(33, A, OFF, FREE), (34, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("KubeletPodResourcesDynamicResources", &[(27, A, OFF, FREE), (34, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("KubeletPodResourcesGet", &[(27, A, OFF, FREE), (34, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("KubeletPodResourcesListUseActivePods", &[(0, S, OFF, FREE), (34, D, ON, FREE)]),
    gate("KubeletRegistrationGetOnExistsOnly", &[(0, S, ON, FREE), (32, D, OFF, FREE)]),
    gate("KubeletSeparateDiskGC", &[(29, A, OFF, FREE), (31, B, ON, FREE)]),
    gate("KubeletServiceAccountTokenForCredentialProviders", &[(33, A, OFF, FREE), (34, B, ON, FREE)]),
    gate("KubeletTracing", &[(25, A, OFF, FREE), (27, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("ListFromCacheSnapshot", &[(33, A, OFF, FREE), (34, B, ON, FREE)]),
    gate("LocalStorageCapacityIsolationFSQuotaMonitoring", &[(15, A, OFF, FREE), (31, B, OFF, FREE)]),
    gate("LogarithmicScaleDown", &[(21, A, OFF, FREE), (22, B, ON, FREE), (31, S, ON, LOCKED)]),
    gate("LoggingAlphaOptions", &[(24, A, OFF, FREE)]),
    gate("LoggingBetaOptions", &[(24, B, ON, FREE)]),
    gate("ManifestBasedAdmissionControlConfig", &[(36, A, OFF, FREE)]),
    gate("MatchLabelKeysInPodAffinity", &[(29, A, OFF, FREE), (31, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("MatchLabelKeysInPodTopologySpread", &[(25, A, OFF, FREE), (27, B, ON, FREE)]),
    gate("MatchLabelKeysInPodTopologySpreadSelectorMerge", &[(34, B, ON, FREE)]),
    gate("MaxUnavailableStatefulSet", &[(24, A, OFF, FREE), (35, B, OFF, FREE)]),
    gate("MemoryQoS", &[(22, A, OFF, FREE)]),
    gate("MultiCIDRServiceAllocator", &[(27, A, OFF, FREE), (31, B, OFF, FREE), (33, S, ON, FREE), (34, S, ON, LOCKED)]),
    gate("MutableCSINodeAllocatableCount", &[(33, A, OFF, FREE), (34, B, OFF, FREE), (35, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("MutablePVNodeAffinity", &[(35, A, OFF, FREE)]),
    gate("MutablePodResourcesForSuspendedJobs", &[(35, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("MutableSchedulingDirectivesForSuspendedJobs", &[(35, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("MutatingAdmissionPolicy", &[(32, A, OFF, FREE), (34, B, OFF, FREE), (36, S, ON, FREE)]),
    gate("NFTablesProxyMode", &[(29, A, OFF, FREE), (31, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("NativeHistograms", &[(36, A, OFF, FREE)]),
    gate("NodeDeclaredFeatures", &[(35, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("NodeInclusionPolicyInPodTopologySpread", &[(25, A, OFF, FREE), (26, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("NodeLogQuery", &[(27, A, ON, FREE), (30, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("NodeSwap", &[(22, A, OFF, FREE), (28, B, OFF, FREE), (30, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("NominatedNodeNameForExpectation", &[(34, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("OpenAPIEnums", &[(23, A, OFF, FREE), (24, B, ON, FREE)]),
    gate("OpportunisticBatching", &[(35, B, ON, FREE)]),
    gate("OrderedNamespaceDeletion", &[(30, B, OFF, FREE), (33, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("PLEGOnDemandRelist", &[(36, B, ON, FREE)]),
    gate("PersistentVolumeClaimUnusedSinceTime", &[(36, A, OFF, FREE)]),
    gate("PodAndContainerStatsFromCRI", &[(23, A, OFF, FREE)]),
    gate("PodCertificateRequest", &[(34, A, OFF, FREE), (35, B, OFF, FREE)]),
    gate("PodDeletionCost", &[(21, A, OFF, FREE), (22, B, ON, FREE)]),
    gate("PodLevelResourceManagers", &[(36, A, OFF, FREE)]),
    gate("PodLevelResources", &[(32, A, OFF, FREE), (34, B, ON, FREE)]),
    gate("PodLifecycleSleepAction", &[(29, A, OFF, FREE), (30, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("PodLifecycleSleepActionAllowZero", &[(32, A, OFF, FREE), (33, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("PodLogsQuerySplitStreams", &[(32, A, OFF, FREE)]),
    gate("PodObservedGenerationTracking", &[(33, A, OFF, FREE), (34, B, ON, FREE), (35, S, ON, LOCKED)]),
    gate("PodReadyToStartContainersCondition", &[(28, A, OFF, FREE), (29, B, ON, FREE)]),
    gate("PodSchedulingReadiness", &[(26, A, OFF, FREE), (27, B, ON, FREE), (30, S, ON, LOCKED)]),
    gate("PodTopologyLabelsAdmission", &[(33, A, OFF, FREE), (35, B, ON, FREE)]),
    gate("PodsAPI", &[(36, A, OFF, FREE)]),
    gate("PortForwardWebsockets", &[(30, A, OFF, FREE), (31, B, ON, FREE)]),
    gate("PreferSameTrafficDistribution", &[(33, A, OFF, FREE), (34, B, ON, FREE), (35, S, ON, LOCKED)]),
    gate("PreventStaticPodAPIReferences", &[(34, B, ON, FREE)]),
    gate("ProcMountType", &[(12, A, OFF, FREE), (31, B, OFF, FREE), (33, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("QOSReserved", &[(11, A, OFF, FREE)]),
    gate("RecoverVolumeExpansionFailure", &[(23, A, OFF, FREE), (32, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("RecursiveReadOnlyMounts", &[(30, A, OFF, FREE), (31, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("ReduceDefaultCrashLoopBackOffDecay", &[(33, A, OFF, FREE)]),
    gate("RelaxedDNSSearchValidation", &[(32, A, OFF, FREE), (33, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("RelaxedEnvironmentVariableValidation", &[(30, A, OFF, FREE), (32, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("RelaxedServiceNameValidation", &[(34, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("ReloadKubeletClientCAFile", &[(36, B, ON, FREE)]),
    gate("ReloadKubeletServerCertificateFile", &[(31, B, ON, FREE)]),
    gate("RemoteRequestHeaderUID", &[(32, A, OFF, FREE), (33, B, ON, FREE)]),
    gate("ResilientWatchCacheInitialization", &[(31, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("ResourceHealthStatus", &[(31, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("ResourceHealthStatusMessage", &[(36, B, ON, FREE)]),
    gate("RestartAllContainersOnContainerExits", &[(35, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("RetryGenerateName", &[(30, A, OFF, FREE), (31, B, ON, FREE), (32, S, ON, LOCKED)]),
    gate("RotateKubeletServerCertificate", &[(7, A, OFF, FREE), (12, B, ON, FREE)]),
    gate("RuntimeClassInImageCriApi", &[(29, A, OFF, FREE)]),
    gate("SELinuxChangePolicy", &[(32, A, OFF, FREE), (33, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("SELinuxMount", &[(30, A, OFF, FREE), (33, B, OFF, FREE)]),
    gate("SELinuxMountReadWriteOncePod", &[(25, A, OFF, FREE), (27, B, OFF, FREE), (28, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("SchedulerAsyncAPICalls", &[(34, B, OFF, FREE)]),
    gate("SchedulerAsyncPreemption", &[(32, A, OFF, FREE), (33, B, ON, FREE)]),
    gate("SchedulerPopFromBackoffQ", &[(33, B, ON, FREE)]),
    gate("SchedulerQueueingHints", &[(28, B, OFF, FREE), (32, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("SeparateCacheWatchRPC", &[(28, B, ON, FREE), (33, D, OFF, FREE), (36, D, ON, LOCKED)]),
    gate("SeparateTaintEvictionController", &[(29, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("ServiceAccountNodeAudienceRestriction", &[(32, B, OFF, FREE), (33, B, ON, FREE)]),
    gate("ServiceAccountTokenJTI", &[(29, A, OFF, FREE), (30, B, ON, FREE), (32, S, ON, LOCKED)]),
    gate("ServiceAccountTokenNodeBinding", &[(29, A, OFF, FREE), (31, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("ServiceAccountTokenNodeBindingValidation", &[(29, A, OFF, FREE), (30, B, ON, FREE), (32, S, ON, LOCKED)]),
    gate("ServiceAccountTokenPodNodeInfo", &[(29, A, OFF, FREE), (30, B, ON, FREE), (32, S, ON, LOCKED)]),
    gate("ServiceCIDRStatusFieldWiping", &[(0, S, OFF, FREE), (36, D, ON, FREE)]),
    gate("ShardedListAndWatch", &[(36, A, OFF, FREE)]),
    gate("SidecarContainers", &[(28, A, OFF, FREE), (29, B, ON, FREE), (33, S, ON, LOCKED)]),
    gate("SizeBasedListCostEstimate", &[(34, B, ON, FREE)]),
    gate("StaleControllerConsistencyDaemonSet", &[(36, B, ON, FREE)]),
    gate("StaleControllerConsistencyJob", &[(36, B, ON, FREE)]),
    gate("StaleControllerConsistencyReplicaSet", &[(36, B, ON, FREE)]),
    gate("StaleControllerConsistencyStatefulSet", &[(36, B, ON, FREE)]),
    gate("StatefulSetSemanticRevisionComparison", &[(0, B, ON, FREE)]),
    gate("StorageCapacityScoring", &[(33, A, OFF, FREE)]),
    gate("StorageNamespaceIndex", &[(30, B, ON, FREE), (33, D, ON, FREE)]),
    gate("StorageVersionAPI", &[(20, A, OFF, FREE)]),
    gate("StorageVersionHash", &[(14, A, OFF, FREE), (15, B, ON, FREE)]),
    gate("StorageVersionMigrator", &[(30, A, OFF, FREE), (35, B, OFF, FREE)]),
    gate("StreamingCollectionEncodingToJSON", &[(33, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("StreamingCollectionEncodingToProtobuf", &[(33, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("StrictIPCIDRValidation", &[(33, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("StructuredAuthenticationConfiguration", &[(29, A, OFF, FREE), (30, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("StructuredAuthenticationConfigurationEgressSelector", &[(34, B, ON, FREE)]),
    gate("StructuredAuthenticationConfigurationJWKSMetrics", &[(35, B, ON, FREE)]),
    gate("SupplementalGroupsPolicy", &[(31, A, OFF, FREE), (33, B, ON, FREE), (35, S, ON, LOCKED)]),
    gate("SystemdWatchdog", &[(32, B, ON, FREE), (35, S, ON, LOCKED)]),
    gate("TaintTolerationComparisonOperators", &[(35, A, OFF, FREE)]),
    gate("TokenRequestServiceAccountUIDValidation", &[(34, B, ON, FREE)]),
    gate("TopologyAwareWorkloadScheduling", &[(36, A, OFF, FREE)]),
    gate("TopologyManagerPolicyAlphaOptions", &[(26, A, OFF, FREE)]),
    gate("TopologyManagerPolicyBetaOptions", &[(26, B, OFF, FREE), (28, B, ON, FREE)]),
    gate("TopologyManagerPolicyOptions", &[(26, A, OFF, FREE), (28, B, ON, FREE), (32, S, ON, LOCKED)]),
    gate("TranslateStreamCloseWebsocketRequests", &[(29, A, OFF, FREE), (30, B, ON, FREE)]),
    gate("UnauthenticatedHTTP2DOSMitigation", &[(25, B, OFF, FREE), (29, B, ON, FREE)]),
    gate("UnknownVersionInteroperabilityProxy", &[(28, A, OFF, FREE), (36, B, ON, FREE)]),
    gate("UnlockWhileProcessingFIFO", &[(36, B, ON, FREE)]),
    gate("UserNamespacesHostNetworkSupport", &[(35, A, OFF, FREE)]),
    gate("UserNamespacesSupport", &[(25, A, OFF, FREE), (30, B, OFF, FREE), (33, B, ON, FREE), (36, S, ON, LOCKED)]),
    gate("VolumeAttributesClass", &[(29, A, OFF, FREE), (31, B, OFF, FREE), (34, S, ON, FREE), (36, S, ON, LOCKED)]),
    gate("VolumeLimitScaling", &[(35, A, OFF, FREE)]),
    gate("WatchCacheInitializationPostStartHook", &[(31, B, OFF, FREE), (36, B, ON, FREE)]),
    gate("WatchList", &[(27, A, OFF, FREE), (32, B, ON, FREE), (33, B, OFF, FREE), (34, B, ON, FREE)]),
    gate("WatchListClient", &[(30, B, OFF, FREE), (35, B, ON, FREE)]),
    gate("WinDSR", &[(14, A, OFF, FREE), (33, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("WinOverlay", &[(14, A, OFF, FREE), (20, B, ON, FREE), (34, S, ON, LOCKED)]),
    gate("WindowsCPUAndMemoryAffinity", &[(32, A, OFF, FREE)]),
    gate("WindowsGracefulNodeShutdown", &[(32, A, OFF, FREE), (34, B, ON, FREE)]),
    gate("WindowsHostNetwork", &[(26, A, OFF, FREE), (33, D, OFF, FREE)]),
    gate("WorkloadAwarePreemption", &[(36, A, OFF, FREE)]),
    gate("WorkloadWithJob", &[(36, A, OFF, FREE)]),
];

#[cfg(test)]
mod tests {
    use super::{GATES, find};
    use crate::tables::Minor;

    #[test]
    fn gates_are_sorted_and_so_are_their_stages() {
        assert!(GATES.is_sorted_by(|a, b| a.name < b.name));
        for gate in &GATES {
            assert!(gate.stages.is_sorted_by(|a, b| a.0 < b.0), "{}", gate.name);
            let stage = gate.stage(Minor::NEWEST).unwrap();
            assert!(!stage.locked || gate.stages.len() > 1, "{}", gate.name);
        }
        assert_eq!(
            find("KMSv1").map(|gate| gate.stage(Minor(29)).unwrap().default),
            Some(false)
        );
        assert_eq!(find("NoSuchGate"), None);
    }
}
