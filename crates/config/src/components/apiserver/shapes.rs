//! The fields of the files that the API server reads (`staging/src/k8s.io/apiserver/pkg/apis/{apiserver,audit}/v1/types.go`,
//! `plugin/pkg/admission/eventratelimit/apis`, `staging/src/k8s.io/pod-security-admission/admission/api/v1/types.go`).

use crate::components::strict::{Shape, TEXTS, field, since};
use crate::tables::Minor;

use Shape::{Any, Bool, Duration, Int32, List, Object, Text};

/// `AuthorizationConfiguration`
pub(super) static AUTHORIZATION: Shape = Object(&[
    field("apiVersion", Text),
    field("kind", Text),
    field("authorizers", List(&AUTHORIZER)),
]);
static AUTHORIZER: Shape = Object(&[
    field("type", Text),
    field("name", Text),
    field("webhook", WEBHOOK),
]);
const WEBHOOK: Shape = Object(&[
    field("authorizedTTL", Duration),
    since(Minor(34), "cacheAuthorizedRequests", Bool),
    field("unauthorizedTTL", Duration),
    since(Minor(34), "cacheUnauthorizedRequests", Bool),
    field("timeout", Duration),
    field("subjectAccessReviewVersion", Text),
    field("matchConditionSubjectAccessReviewVersion", Text),
    field("failurePolicy", Text),
    field(
        "connectionInfo",
        Object(&[field("type", Text), field("kubeConfigFile", Text)]),
    ),
    field("matchConditions", List(&EXPRESSION)),
]);
static EXPRESSION: Shape = Object(&[field("expression", Text)]);

/// `AuthenticationConfiguration`
pub(super) static AUTHENTICATION: Shape = Object(&[
    field("apiVersion", Text),
    field("kind", Text),
    field("jwt", List(&JWT)),
    since(
        Minor(31),
        "anonymous",
        Object(&[
            field("enabled", Bool),
            field("conditions", List(&CONDITION)),
        ]),
    ),
]);
static CONDITION: Shape = Object(&[field("path", Text)]);
static JWT: Shape = Object(&[
    field(
        "issuer",
        Object(&[
            field("url", Text),
            since(Minor(30), "discoveryURL", Text),
            field("certificateAuthority", Text),
            field("audiences", TEXTS),
            since(Minor(30), "audienceMatchPolicy", Text),
            since(Minor(34), "egressSelectorType", Text),
        ]),
    ),
    field("claimValidationRules", List(&CLAIM_RULE)),
    field(
        "claimMappings",
        Object(&[
            field("username", CLAIM),
            field("groups", CLAIM),
            since(
                Minor(30),
                "uid",
                Object(&[field("claim", Text), field("expression", Text)]),
            ),
            since(Minor(30), "extra", List(&EXTRA)),
        ]),
    ),
    since(Minor(30), "userValidationRules", List(&USER_RULE)),
]);
static CLAIM_RULE: Shape = Object(&[
    field("claim", Text),
    field("requiredValue", Text),
    since(Minor(30), "expression", Text),
    since(Minor(30), "message", Text),
]);
const CLAIM: Shape = Object(&[
    field("claim", Text),
    field("prefix", Text),
    since(Minor(30), "expression", Text),
]);
static EXTRA: Shape = Object(&[field("key", Text), field("valueExpression", Text)]);
static USER_RULE: Shape = Object(&[field("expression", Text), field("message", Text)]);

/// `AdmissionConfiguration`
pub(super) static ADMISSION: Shape = Object(&[
    field("apiVersion", Text),
    field("kind", Text),
    field("plugins", List(&PLUGIN)),
]);
static PLUGIN: Shape = Object(&[
    field("name", Text),
    field("path", Text),
    field("configuration", Any),
]);

/// The configuration of the plugin `EventRateLimit`.
pub(super) static EVENT_RATE_LIMIT: Shape = Object(&[
    field("apiVersion", Text),
    field("kind", Text),
    field("limits", List(&LIMIT)),
]);
static LIMIT: Shape = Object(&[
    field("type", Text),
    field("qps", Int32),
    field("burst", Int32),
    field("cacheSize", Int32),
]);

/// `PodSecurityConfiguration`
pub(super) static POD_SECURITY: Shape = Object(&[
    field("apiVersion", Text),
    field("kind", Text),
    field(
        "defaults",
        Object(&[
            field("enforce", Text),
            field("enforce-version", Text),
            field("audit", Text),
            field("audit-version", Text),
            field("warn", Text),
            field("warn-version", Text),
        ]),
    ),
    field(
        "exemptions",
        Object(&[
            field("usernames", TEXTS),
            field("namespaces", TEXTS),
            field("runtimeClasses", TEXTS),
        ]),
    ),
]);

/// `EncryptionConfiguration`
pub(super) static ENCRYPTION: Shape = Object(&[
    field("apiVersion", Text),
    field("kind", Text),
    field("resources", List(&RESOURCES)),
]);
static RESOURCES: Shape = Object(&[
    field("resources", TEXTS),
    field("providers", List(&PROVIDER)),
]);
static PROVIDER: Shape = Object(&[
    field("aesgcm", KEYS),
    field("aescbc", KEYS),
    field("secretbox", KEYS),
    field("identity", Object(&[])),
    field(
        "kms",
        Object(&[
            since(Minor(25), "apiVersion", Text),
            field("name", Text),
            field("cachesize", Int32),
            field("endpoint", Text),
            field("timeout", Duration),
        ]),
    ),
]);
const KEYS: Shape = Object(&[field("keys", List(&KEY))]);
static KEY: Shape = Object(&[field("name", Text), field("secret", Text)]);

/// `Policy` of `audit.k8s.io`
pub(super) static AUDIT_POLICY: Shape = Object(&[
    field("apiVersion", Text),
    field("kind", Text),
    field("metadata", Any),
    field("rules", List(&AUDIT_RULE)),
    field("omitStages", TEXTS),
    since(Minor(23), "omitManagedFields", Bool),
]);
static AUDIT_RULE: Shape = Object(&[
    field("level", Text),
    field("users", TEXTS),
    field("userGroups", TEXTS),
    field("verbs", TEXTS),
    field("resources", List(&GROUP_RESOURCES)),
    field("namespaces", TEXTS),
    field("nonResourceURLs", TEXTS),
    field("omitStages", TEXTS),
    since(Minor(23), "omitManagedFields", Bool),
]);
static GROUP_RESOURCES: Shape = Object(&[
    field("group", Text),
    field("resources", TEXTS),
    field("resourceNames", TEXTS),
]);
