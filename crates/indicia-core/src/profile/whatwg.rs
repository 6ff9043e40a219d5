//! `whatwg@1`: the URL Standard's serialization. Rules: `docs/profiles/whatwg-1.md`.

use super::url_key_host;
use crate::observable::{Canonical, url};
use crate::{Kind, Reason};

/// The standard's `href` of an absolute URL.
fn href(text: &str) -> Result<String, Reason> {
    ::url::Url::parse(text).map(String::from).map_err(|_| Reason::UrlShape)
}

/// The value is the `href`; the key leaves out the fragment, which is never sent.
pub(super) fn url(text: &str) -> Result<Canonical, Reason> {
    let value = href(text)?;
    if url::split_scheme(&value).is_none() || url_key_host(&value).is_empty() {
        return Err(Reason::UrlNoAuthority);
    }
    let key = value.split('#').next().unwrap_or_default().to_string();
    Ok(Canonical::keyed(Kind::Url, value, key))
}
