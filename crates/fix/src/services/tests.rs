use std::time::Duration;

use kubeassay_core::Bytes;

use super::{Deadline, JobEnd, ServiceError, UnitState, service_name, systemd};

#[test]
fn only_the_name_of_a_service_is_asked_for() {
    for name in [
        "kubelet.service",
        "snap.microk8s.daemon-kubelite.service",
        "kubelet@a\\x2db.service",
    ] {
        assert_eq!(service_name(&Bytes::from(name)), Ok(name));
    }
    let long = format!("{}.service", "k".repeat(250));
    for name in [
        "",
        ".service",
        "kubelet",
        "kubelet.socket",
        "kube*.service",
        "a b.service",
        "../kubelet.service",
        "kubelet\0.service",
        "kubelet\n.service",
        "kübelet.service",
        &long,
    ] {
        assert!(service_name(&Bytes::from(name)).is_err(), "{name:?}");
    }
    let bytes = Bytes::from(&b"\xff.service"[..]);
    let told = "\\xff.service is not the name of a service";
    assert_eq!(service_name(&bytes).unwrap_err().to_string(), told);
}

#[test]
fn the_end_of_a_job_is_told_with_the_state_of_its_unit() {
    let state = || {
        Some(UnitState {
            active: "failed".to_owned(),
            sub: "failed".to_owned(),
            result: "exit-code".to_owned(),
            ..UnitState::default()
        })
    };
    let outcome = |end: JobEnd, state: Option<UnitState>| {
        end.outcome("kubelet.service", Duration::from_secs(9), || state)
    };
    assert_eq!(outcome(JobEnd::of("done"), None), Ok(()));
    let failed = outcome(JobEnd::of("dependency"), state()).unwrap_err();
    assert!(matches!(failed, ServiceError::Failed(_)));
    assert_eq!(
        failed.to_string(),
        "systemd did not restart kubelet.service: the job ended as dependency; it is failed (failed), with the \
         result exit-code; `journalctl -u kubelet.service` says why"
    );
    let pending = outcome(JobEnd::Pending, None).unwrap_err();
    assert!(matches!(pending, ServiceError::TimedOut(_)));
    assert_eq!(
        pending.to_string(),
        "systemd did not restart kubelet.service within 9 s; the job is still queued: see `systemctl list-jobs`"
    );
}

#[test]
fn where_nothing_answers_every_way_that_was_tried_is_told() {
    let root = tempfile::tempdir().unwrap();
    let Err(error) = systemd(root.path()) else {
        panic!("a systemd in an empty folder");
    };
    let told = error.to_string();
    assert!(matches!(error, ServiceError::Unreachable(_)), "{told}");
    for part in [
        "systemd cannot be asked: the system's bus: ",
        "run/dbus/system_bus_socket cannot be reached: No such file or directory",
        "; systemd's own socket: ",
        "; run this as root on the node itself, or mount its whole root, with /run, at ",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_limit_is_over_at_some_time() {
    assert_eq!(Deadline::within(Duration::ZERO).left(), None);
    let left = Deadline::within(Duration::from_mins(1)).left().unwrap();
    assert!(left > Duration::from_secs(50) && left <= Duration::from_mins(1));
    assert!(Deadline::within(Duration::MAX).left().is_some());
}
