//! A strict reader of CSV (RFC 4180).

/// Returns the records, each as its cells.
pub(crate) fn read(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut record = Vec::new();
        loop {
            let (cell, after) = cell(rest);
            record.push(cell);
            let Some(more) = after.strip_prefix(',') else {
                rest = after.strip_prefix("\r\n").expect("a record ends in CRLF");
                break;
            };
            rest = more;
        }
        records.push(record);
    }
    records
}

fn cell(text: &str) -> (String, &str) {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\r', '\n', '"']).expect("a cell ends");
        let (cell, rest) = text.split_at(end);
        return (cell.to_owned(), rest);
    };
    let mut cell = String::new();
    loop {
        let (before, after) = rest.split_once('"').expect("a quoted cell ends");
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                cell.push('"');
                rest = more;
            }
            None => return (cell, after),
        }
    }
}
