//! JSON text in which everything that cannot be seen is escaped.

use std::io;

use serde::Serialize;

use super::is_unseen;

/// The value as JSON on one line. Other characters than ASCII stand only in strings, so they may be escaped.
pub(super) fn text(value: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(value).map_err(io::Error::from)?;
    if !text.contains(is_unseen) {
        return Ok(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    Ok(out)
}
