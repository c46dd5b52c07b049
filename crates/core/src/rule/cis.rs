//! The section CIS Controls: which safeguards of the CIS Critical Security Controls a rule serves.

use super::CisControl;
use super::page::{Page, Section};

/// Reads the lines of the section CIS Controls, and returns the lines that could not be read.
///
/// `Version 8: 3.3 text` is how our pages write it. `Version 6.14 text` is how documentation pages do:
/// version 6, control 14.
pub(crate) fn cis_controls(
    page: &Page,
    section: &Section,
) -> (Vec<CisControl>, Vec<(usize, usize)>) {
    let (mut controls, mut unread) = (Vec::new(), Vec::new());
    let mut at = section.body.start;
    for line in page.slice(&section.body).split_inclusive('\n') {
        let text = line.trim().trim_start_matches(['-', '*', ' ']);
        // A link definition at the end of the page belongs to no section.
        let is_definition = text.starts_with('[') && text.contains("]:");
        // `None is mapped to this item.` says that there is none.
        if !text.is_empty() && !is_definition && !text.starts_with("None") {
            match cis_control(text) {
                Some(control) => controls.push(control),
                None => unread.push((at, at + line.trim_end().len())),
            }
        }
        at += line.len();
    }
    (controls, unread)
}

fn cis_control(line: &str) -> Option<CisControl> {
    let rest = line
        .strip_prefix("Version ")
        .or_else(|| line.strip_prefix('v'))?
        .trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let (version, rest) = rest.split_at_checked(end)?;
    let rest = rest.strip_prefix([':', '.'])?.trim_start();
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (control, text) = rest.split_at_checked(end)?;
    let control = control.trim_end_matches('.');
    if version.is_empty() || control.is_empty() {
        return None;
    }
    Some(CisControl {
        version: version.to_owned(),
        control: control.to_owned(),
        text: text
            .trim()
            .trim_start_matches('(')
            .trim_end_matches(')')
            .trim()
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::cis_control;

    #[test]
    fn both_ways_of_writing_a_safeguard_are_read() {
        for (line, expected) in [
            (
                "Version 8: 3.3 (access follows need)",
                Some(("8", "3.3", "access follows need")),
            ),
            ("Version 7: 14.6", Some(("7", "14.6", ""))),
            (
                "Version 6.14 Controlled Access",
                Some(("6", "14", "Controlled Access")),
            ),
            ("Version 7.9.2 Ports", Some(("7", "9.2", "Ports"))),
            ("v8 3.3", None),
            ("Version 8", None),
            ("Version 8: access", None),
            ("Version : 3", None),
            ("Controlled Access", None),
        ] {
            let read = cis_control(line);
            let read = read
                .as_ref()
                .map(|it| (it.version.as_str(), it.control.as_str(), it.text.as_str()));
            assert_eq!(read, expected, "{line}");
        }
    }
}
