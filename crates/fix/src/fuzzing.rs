//! What the fuzz targets feed: readers of foreign bytes that nobody else calls from outside. Pure.

use crate::services::message;

/// A message of D-Bus, as far as it is looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct DBusMessage {
    /// The call that it answers.
    pub reply_to: Option<u32>,
    /// Every text in it.
    pub texts: Vec<String>,
    /// Whether its body could be read as well.
    pub has_values: bool,
}

/// Returns the length of a message that begins with `data`, as it is told before the rest is read.
pub fn dbus_length(data: &[u8]) -> Option<usize> {
    let prefix = data.get(..message::PREFIX)?;
    message::length(prefix).ok()
}

/// Reads a message of D-Bus.
pub fn dbus_message(data: &[u8]) -> Option<DBusMessage> {
    let message = message::read(data).ok()?;
    let header = [
        message.error,
        message.path,
        message.interface,
        message.member,
    ];
    let values = message.values();
    let has_values = values.is_ok();
    let values = values.into_iter().flatten();
    let texts = header
        .into_iter()
        .flatten()
        .chain(values.filter_map(message::Value::text));
    Some(DBusMessage {
        reply_to: message.reply_to,
        texts: texts.map(str::to_owned).collect(),
        has_values,
    })
}
