//! The files that changed on a draft, as the edits of a plan.

use kubeassay_core::Bytes;
use kubeassay_core::facts::{FileFacts, Need, NeedKind, ServiceFacts};
use kubeassay_core::plan::{Edit, EditKind};

use crate::{hunks, overlay};

/// Returns how the file at `path` changes from one set of facts to the other.
pub(super) fn of(before: &ServiceFacts, after: &ServiceFacts, path: &Bytes) -> Option<Edit> {
    let (old, new) = (file(before, path), file(after, path));
    let text = |file: Option<&FileFacts>| -> Vec<u8> {
        let content = file.and_then(|file| file.content.as_ref());
        content.map_or_else(Vec::new, |content| content.as_slice().to_vec())
    };
    let was_there = old.filter(|old| old.problem.is_none());
    let hunks = hunks::diff(&text(was_there), &text(new));
    if hunks.is_empty() {
        return None;
    }
    Some(Edit {
        path: path.clone(),
        target: was_there.map_or_else(|| path.clone(), |old| overlay::lies_at(path, &old.links)),
        kind: if was_there.is_some() {
            EditKind::Change
        } else {
            EditKind::Create
        },
        before: was_there.and_then(|old| old.sha256.clone()),
        hunks,
    })
}

/// Returns the facts of the content of a file.
pub(super) fn file<'a>(service: &'a ServiceFacts, path: &Bytes) -> Option<&'a FileFacts> {
    service.file(&Need {
        what: NeedKind::Content,
        path: path.clone(),
    })
}

/// Returns the first line of those that change which is not the file's own because a secret of it was replaced.
pub(super) fn redacted_line(edit: &Edit) -> Option<u32> {
    edit.hunks.iter().find_map(|hunk| {
        let lines = hunk.old.iter().chain(&hunk.new);
        let mut lines = lines.filter(|line| holds_redaction(line.as_slice()));
        lines.next().map(|_| hunk.line)
    })
}

/// Returns whether a line holds what stands for a secret in facts: `sha256:`, 64 hexadecimal digits, ` (`.
fn holds_redaction(line: &[u8]) -> bool {
    const MARK: &[u8] = b"sha256:";
    const DIGITS: usize = 64;
    line.windows(MARK.len() + DIGITS + 2).any(|part| {
        let (digest, behind) = part.split_at(MARK.len() + DIGITS);
        let digest = digest.strip_prefix(MARK);
        digest.is_some_and(|digest| digest.iter().all(u8::is_ascii_hexdigit)) && behind == b" ("
    })
}
