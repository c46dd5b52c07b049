//! What systemd and the bus answer.

use kubeassay_fix::fuzzing::{dbus_length, dbus_message};

/// The largest message that may be announced.
const LARGEST: usize = 1 << 20;

/// Reads an input as a message.
pub(crate) fn run(data: &[u8]) {
    let length = dbus_length(data);
    assert!(
        length.is_none_or(|length| (16..=LARGEST).contains(&length)),
        "{length:?}"
    );
    let Some(message) = dbus_message(data) else {
        return;
    };
    assert_eq!(length, Some(data.len()), "two lengths");
    for text in &message.texts {
        let mut ended = text.clone().into_bytes();
        ended.push(0);
        assert!(stands(data, &ended), "{text:?} is not in the message");
    }
    assert_eq!(
        dbus_message(&data[..data.len() - 1]),
        None,
        "a message that is cut off"
    );
    let mut more = data.to_vec();
    more.push(0);
    assert_eq!(dbus_message(&more), None, "more than a message");
    // Its number says nothing of what it says.
    more.pop();
    more[8] |= 1;
    assert_eq!(dbus_message(&more), Some(message), "its number counts");
}

fn stands(data: &[u8], text: &[u8]) -> bool {
    data.windows(text.len()).any(|part| part == text)
}
