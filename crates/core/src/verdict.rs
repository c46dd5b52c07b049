//! The closed lists: verdicts, causes, horizons, witnesses, severities.
//!
//! They are part of the report's schema: within v1 a list may only grow.

/// Declares an enumeration whose values are written in kebab-case, with its names in one place.
macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $($(#[$inner])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word as it is written in documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use words;

words! {
    /// What was found.
    Verdict {
        /// The setting is as the rule wants it.
        Pass = "pass",
        /// It is not.
        Fail = "fail",
        /// It could not be decided; the cause and the reason say why.
        Unknown = "unknown",
        /// A person has to decide.
        Manual = "manual",
        /// The rule does not apply to this subject.
        NotApplicable = "not-applicable",
    }
}

words! {
    /// Why a verdict is neither pass nor fail, or why something could not be read.
    Cause {
        /// It is not there.
        Missing = "missing",
        /// Reading was refused.
        Denied = "denied",
        /// A device, FIFO, socket or kernel file: never opened.
        NotRegular = "not-regular",
        /// Larger than what is read of such a file.
        TooLarge = "too-large",
        /// Reading did not answer in time.
        Blocked = "blocked",
        /// It was there and went away while it was read.
        Vanished = "vanished",
        /// Its text could not be understood.
        ParseError = "parse-error",
        /// The component would refuse to start with it, yet it runs.
        WouldRefuse = "would-refuse",
        /// It changed after the process started.
        Stale = "stale",
        /// A later mount hides what the process read.
        HiddenByMount = "hidden-by-mount",
        /// The component's version could not be told, and it matters.
        VersionUnknown = "version-unknown",
        /// Sources that should agree do not.
        Conflict = "conflict",
        /// No answer over the network.
        Unreachable = "unreachable",
        /// The other side's certificate was not trusted.
        UntrustedCertificate = "untrusted-certificate",
        /// The credentials do not allow it.
        NotPermitted = "not-permitted",
        /// Not something this version of kubeassay can decide.
        Unsupported = "unsupported",
        /// Only the provider can see or decide it.
        ProviderSide = "provider-side",
        /// The site has to choose a value first.
        NeedsChoice = "needs-choice",
    }
}

words! {
    /// When a value holds.
    Horizon {
        /// What the process enforces now.
        Running = "running",
        /// What the files on disk will make of it at the next start.
        Restart = "restart",
        /// What a node built anew will get.
        Rebuild = "rebuild",
    }
}

words! {
    /// Who said a value.
    Witness {
        /// The files, arguments and environment on the host.
        Disk = "disk",
        /// The component's own live configuration.
        Live = "live",
        /// A request that had to be refused.
        Probe = "probe",
    }
}

words! {
    /// How much a failure matters.
    Severity {
        /// Full control of the node or cluster for somebody who should have none.
        Critical = "critical",
        /// A barrier is missing that an attacker meets early.
        High = "high",
        /// Hardening that limits damage.
        Medium = "medium",
        /// Good practice.
        Low = "low",
    }
}
