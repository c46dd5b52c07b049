//! The topmost layer: flags over files and drop-ins (`server.go:kubeletConfigFlagPrecedence`).

use kubeassay_core::OriginKind;

use super::{Layer, Resolver};
use crate::flags;
use crate::setting::Setting;
use crate::tables::kubelet::KUBELET;
use crate::tables::{Flag, Target};

impl Resolver<'_> {
    /// Applies every flag that sets a field.
    pub(super) fn apply_flags(&mut self) {
        for (name, occurrences) in &self.line.given {
            let target = KUBELET
                .flag(name)
                .map_or(Target::Own, |flag| flag.target(self.minor));
            if let Target::Field(path) = target
                && let Some(field) = KUBELET.field(path)
            {
                // Feature gates alone keep what the files said of other gates.
                let keep = path == "featureGates";
                flags::apply(self.settings.entry(field), occurrences, keep);
            }
        }
        self.layers.push(Layer {
            name: "command line".to_owned(),
            kind: OriginKind::Flag,
            path: None,
            unknown: None,
            note: None,
        });
    }

    /// Returns the value of a flag that sets no field.
    pub(super) fn own_flag(&self, flag: &Flag) -> Setting {
        flags::own(&self.line, flag, self.minor)
    }
}
