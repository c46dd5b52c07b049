//! The texts of passwd(5) and group(5).

use kubeassay_host::users::{Entry, groups, users};

/// Reads an input as either.
pub(crate) fn run(data: &[u8]) {
    let users: Vec<Entry<'_>> = users(data).collect();
    let groups: Vec<Entry<'_>> = groups(data).collect();
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    for entries in [&users, &groups] {
        assert!(
            entries.windows(2).all(|pair| pair[0].line < pair[1].line),
            "out of order"
        );
        for entry in entries {
            let line = lines.get(entry.line - 1).expect("a line of the text");
            let blanks = line
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b)
                .count();
            let rest = line[blanks..]
                .strip_prefix(entry.name)
                .expect("the line begins with the name");
            assert_eq!(rest.first(), Some(&b':'), "{entry:?}");
            assert!(
                !entry.name.contains(&b':') && !entry.name.contains(&0),
                "{entry:?}"
            );
            assert!(
                !matches!(entry.name.first(), Some(b'#' | b'+' | b'-')),
                "{entry:?}"
            );
        }
    }
    // Whoever is a user is a group by the same line: a group's line wants less.
    assert!(
        users.iter().all(|user| groups.contains(user)),
        "{users:?} {groups:?}"
    );
    // Lines as useradd(8) writes them are read, whatever stands around them.
    for (line, number) in lines.iter().zip(1..) {
        if let Some((name, id)) = usual(line) {
            assert!(
                users.contains(&Entry {
                    id,
                    name,
                    line: number
                }),
                "not read: {line:?}"
            );
        }
    }
}

/// Returns name and number of a line of seven fields of plain characters.
fn usual(line: &[u8]) -> Option<(&[u8], u32)> {
    let text = std::str::from_utf8(line)
        .ok()
        .filter(|text| text.chars().all(|c| c.is_ascii_graphic()))?;
    let fields: Vec<&str> = text.split(':').collect();
    let [name, _, uid, gid, _, _, _] = fields.as_slice() else {
        return None;
    };
    let digits = |text: &str| {
        !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase()) && digits(uid) && digits(gid);
    plain
        .then(|| Some((name.as_bytes(), uid.parse().ok()?)))
        .flatten()
}
