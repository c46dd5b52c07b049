//! The table of `docs/reliability.md`.

use std::fmt::Write as _;
use std::fs;

/// What came of it that a process was ended.
pub(crate) struct Row {
    /// Where.
    pub(crate) step: String,
    /// What was left on the disk.
    pub(crate) left: String,
    /// What the next run did.
    pub(crate) next: String,
    /// What was there then.
    pub(crate) seen: String,
}

impl Row {
    fn came_out(&self) -> (&str, &str, &str) {
        (&self.left, &self.next, &self.seen)
    }
}

/// Sorts rows that have no order of their own by what came of them.
pub(crate) fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|one, other| (one.came_out(), &one.step).cmp(&(other.came_out(), &other.step)));
    rows
}

/// Returns the table; rows of one section that follow each other and came out alike are one.
pub(crate) fn render(sections: &[(&str, Vec<Row>)]) -> String {
    let mut table = String::from(
        "| ended | at | left on the disk | what the next run does | seen then |\n|---|---|---|---|---|\n",
    );
    for (section, rows) in sections {
        for alike in rows.chunk_by(|one, other| one.came_out() == other.came_out()) {
            let (first, last) = (&alike[0], &alike[alike.len() - 1]);
            let at = match alike.len() {
                1 => format!("`{}`", first.step),
                2 => format!("`{}`, `{}`", first.step, last.step),
                count if section.starts_with('`') => {
                    format!("`{}` to `{}` ({count} points)", first.step, last.step)
                }
                count => format!("{count} points"),
            };
            let (left, next, seen) = first.came_out();
            writeln!(table, "| {section} | {at} | {left} | {next} | {seen} |").unwrap();
        }
    }
    table
}

/// Compares a text with what stands between two marks in `docs/reliability.md`, or writes it there.
pub(crate) fn compare(mark: &str, text: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reliability.md");
    let document = fs::read_to_string(path).unwrap();
    let (begin, end) = (
        format!("<!-- {mark}: begin -->\n"),
        format!("<!-- {mark}: end -->"),
    );
    let (above, rest) = document.split_once(&begin).unwrap();
    let (recorded, below) = rest.split_once(&end).unwrap();
    if std::env::var_os("KUBEASSAY_RECORD").is_some() {
        fs::write(path, format!("{above}{begin}{text}{end}{below}")).unwrap();
        return;
    }
    assert!(
        recorded == text,
        "{path} is of another time: KUBEASSAY_RECORD=1 writes it anew\n{text}"
    );
}
