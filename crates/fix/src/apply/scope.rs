//! What may be written at all: the layers of the component, the files of its service, a drop-in of its unit.

use kubeassay_core::Bytes;
use kubeassay_core::facts::{NeedKind, ServiceFacts};
use kubeassay_core::plan::{Edit, EditKind};

use crate::planner::Planned;

/// Returns the first file that would be written and that no service of the plan reads.
pub(super) fn outside(planned: &Planned) -> Option<Bytes> {
    let is_inside = |edit: &Edit| {
        let mut services = planned.kubelets.iter().map(|kubelet| &kubelet.service);
        services.any(|service| reads(service, &edit.path) && is_allowed(service, edit))
    };
    let edits = planned.plan.edits.iter();
    let mut outside = edits.filter(|edit| !is_inside(edit));
    outside.next().map(|edit| edit.path.clone())
}

fn reads(service: &ServiceFacts, path: &Bytes) -> bool {
    let mut files = service.files.iter();
    files.any(|file| file.need.what == NeedKind::Content && file.need.path == *path)
}

/// Returns whether a file that is made is a drop-in of the unit.
fn is_allowed(service: &ServiceFacts, edit: &Edit) -> bool {
    let folder = [b"/etc/systemd/system/", service.unit.as_slice(), b".d/"].concat();
    let name = edit.path.as_slice().strip_prefix(folder.as_slice());
    let is_drop_in = name.is_some_and(|name| !name.contains(&b'/') && name.ends_with(b".conf"));
    edit.kind == EditKind::Change || (is_drop_in && edit.target == edit.path)
}
