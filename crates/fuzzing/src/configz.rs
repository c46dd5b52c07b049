//! What a kubelet, or whoever answers in its place, says on `/configz`.

use kubeassay_config::kubelet::live;
use kubeassay_config::tables::Minor;
use kubeassay_core::{Cause, OriginKind, Value};

/// Reads an input as the body of `/configz`, in every version.
pub(crate) fn run(data: &[u8]) {
    let url = "https://127.0.0.1:10250/configz";
    for minor in Minor::all() {
        let said = match live(data, url, minor, None) {
            Ok(said) => said,
            Err(unknown) => {
                assert_eq!(unknown.cause, Cause::ParseError);
                assert!(unknown.reason.contains(url), "{}", unknown.reason);
                continue;
            }
        };
        assert!(said.refusal.is_none() && said.needs.is_empty());
        let mode = said
            .setting("authorization.mode")
            .and_then(|mode| mode.value());
        let mode = match mode {
            Some(Value::String(mode)) => mode.to_string_lossy(),
            mode => panic!("a mode that is none: {mode:?}"),
        };
        // Go's decoder mends what is not UTF-8, which `serde_json` refuses.
        if let Ok(theirs) = serde_json::from_slice::<serde_json::Value>(data) {
            let theirs = &theirs["kubeletconfig"]["authorization"]["mode"];
            assert_eq!(theirs.as_str(), Some(mode.as_str()));
        }
        for path in kubeassay_config::kubelet::fields(said.minor) {
            let setting = said.setting(path).expect("every field says something");
            assert_eq!(setting.origin.kind, OriginKind::Live, "{path}");
            assert!(setting.overrode.is_empty(), "{path}");
        }
        let flag = said
            .setting("flags.kubeconfig")
            .expect("a flag of every version");
        assert!(
            flag.unknown().is_some(),
            "a flag that no field holds is known"
        );
    }
}
