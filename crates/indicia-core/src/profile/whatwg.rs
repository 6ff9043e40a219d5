//! `whatwg@1`: the URL Standard's serialization. Rules: `docs/profiles/whatwg-1.md`.

use std::borrow::Cow;

use super::url_key_host;
use crate::observable::{Canonical, url};
use crate::{Kind, Reason};

/// The value is the `href`; the key leaves out the fragment, which is never sent.
pub(super) fn url(text: &str) -> Result<Canonical<'_>, Reason> {
    let value = url::whatwg::parse(text, None)?.into_href();
    if url::split_scheme(&value).is_none() || url_key_host(&value).is_empty() {
        return Err(Reason::UrlNoAuthority);
    }
    let key = match (value.find('#'), &value) {
        (None, _) => None,
        (Some(hash), Cow::Borrowed(value)) => Some(Cow::Borrowed(&value[..hash])),
        (Some(hash), Cow::Owned(value)) => Some(Cow::Owned(value[..hash].to_string())),
    };
    Ok(Canonical { kind: Kind::Url, value, key })
}
