//! The `Link` header (RFC 8288): where the next page is, if there is one.
//!
//! A list of holders is believed where it ends with a page after which there is none. So what is not understood is
//! never taken for the last page.

use reqwest::header::HeaderMap;

/// A `Link` header that is not understood: what it says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Link header that is not understood: {0}")]
pub struct UnclearLink(pub String);

/// The URL of `rel="next"` among all the `Link` headers of an answer.
pub(super) fn next_in(headers: &HeaderMap) -> Result<Option<String>, UnclearLink> {
    let mut found: Option<String> = None;
    for header in headers.get_all("link") {
        let text =
            header.to_str().map_err(|_| UnclearLink(String::from_utf8_lossy(header.as_bytes()).into()))?;
        match (&found, next_page(text)?) {
            (_, None) => {}
            (Some(one), Some(other)) if one != other => return Err(UnclearLink(text.to_owned())),
            (_, Some(next)) => found = Some(next.to_owned()),
        }
    }
    Ok(found)
}

/// The URL of `rel="next"` in one `Link` header.
///
/// # Errors
/// [`UnclearLink`] where the header is not understood to its end, or names two next pages.
pub fn next_page(link: &str) -> Result<Option<&str>, UnclearLink> {
    let unclear = || UnclearLink(link.to_owned());
    let mut rest = Rest(link);
    let mut found = None;
    loop {
        while rest.takes(',') {}
        if rest.0.is_empty() {
            return Ok(found);
        }
        let (url, is_next) = rest.link().ok_or_else(unclear)?;
        if is_next {
            if found.is_some_and(|found| found != url) {
                return Err(unclear());
            }
            found = Some(url);
        }
        if !rest.0.is_empty() && !rest.takes(',') {
            return Err(unclear());
        }
    }
}

/// What has not been read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes a character, and the blanks around it.
    fn takes(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start();
        let after = self.0.strip_prefix(c);
        self.0 = after.unwrap_or(self.0).trim_start();
        after.is_some()
    }

    fn up_to(&mut self, end: char) -> Option<&'a str> {
        let (text, rest) = self.0.split_once(end)?;
        self.0 = rest.trim_start();
        Some(text)
    }

    fn token(&mut self) -> &'a str {
        let is_of_token =
            |c: char| c.is_ascii_graphic() && !matches!(c, ',' | ';' | '=' | '"' | '\'' | '<' | '>');
        let end = self.0.find(|c| !is_of_token(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest.trim_start();
        token
    }

    /// A link, and whether it leads to the next page.
    fn link(&mut self) -> Option<(&'a str, bool)> {
        if !self.takes('<') {
            return None;
        }
        let url = self.up_to('>')?.trim();
        let mut is_next = false;
        while self.takes(';') {
            let name = self.token();
            if !self.takes('=') {
                // `rel` without a value says nothing that could be known; others need none.
                if name.eq_ignore_ascii_case("rel") {
                    return None;
                }
                continue;
            }
            let value = self.value()?;
            is_next |= name.eq_ignore_ascii_case("rel")
                && value.split_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"));
        }
        Some((url, is_next))
    }

    /// The value of a parameter: quoted in either way, or not.
    fn value(&mut self) -> Option<&'a str> {
        if let Some(rest) = self.0.strip_prefix('\'') {
            self.0 = rest;
            return self.up_to('\'');
        }
        let Some(rest) = self.0.strip_prefix('"') else {
            let value = self.0.find([',', ';', ' ', '\t', '"', '<', '>']).unwrap_or(self.0.len());
            let (value, rest) = self.0.split_at(value);
            self.0 = rest.trim_start();
            return (!value.is_empty()).then_some(value);
        };
        let mut escaped = false;
        let end = rest.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let (value, rest) = rest.split_at(end);
        self.0 = rest.strip_prefix('"')?.trim_start();
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_every_spelling() {
        for (link, next) in [
            (r#"<https://a/b?x=1>; rel="next""#, "https://a/b?x=1"),
            (r#"<https://a/1>; rel="prev", <https://a/2>; title="t"; REL=next"#, "https://a/2"),
            (r#"<https://a/1>; rel="first next""#, "https://a/1"),
            ("<https://a/1>;rel='next'", "https://a/1"),
            ("<https://a/1> ; rel = NEXT , <https://a/9>; rel=last", "https://a/1"),
            (r#", <https://a/1>; rel="NEXT last";,"#, "https://a/1"),
            (r#"<https://a/1>; flag; rel="next", <https://a/1>; rel="next""#, "https://a/1"),
            // Commas and semicolons have no say inside a URL or quotes.
            (
                r#"<https://a/1?x=1,2>; title="a, \"<b>; rel=next"; rel=prev, <https://a/3?y=4,5;6>; rel=next"#,
                "https://a/3?y=4,5;6",
            ),
        ] {
            assert_eq!(next_page(link), Ok(Some(next)), "{link}");
        }
    }

    #[test]
    fn the_last_page_is_one_whose_links_are_all_understood() {
        for last in ["", " , ", r#"<https://a>; rel="last""#, "<https://a>", r#"<https://a>; rel="prev";"#] {
            assert_eq!(next_page(last), Ok(None), "{last}");
        }
        for unclear in [
            "next please",
            "https://a; rel=next",
            "<https://a; rel=next",
            r#"<https://a>; rel="next"#,
            "<https://a>; rel='next",
            "<https://a>; rel",
            "<https://a>; rel=",
            "<https://a>; rel=last next",
            "<https://a> rel=next",
            r#"<https://a>; rel="prev" <https://b>; rel="next""#,
            r#"<https://a>; rel="next", <https://b>; rel="next""#,
            r#"<https://a>; rel="last", next"#,
        ] {
            assert!(next_page(unclear).is_err(), "{unclear}");
        }
    }

    #[test]
    fn all_the_headers_are_read() {
        let headers = |lines: &[&'static [u8]]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("link", reqwest::header::HeaderValue::from_bytes(line).unwrap());
            }
            next_in(&headers)
        };
        assert_eq!(headers(&[]), Ok(None));
        assert_eq!(headers(&[b"<a>; rel=first", b"<b>; rel=next"]), Ok(Some("b".to_owned())));
        assert!(headers(&[b"<b>; rel=next", b"<c>; rel=next"]).is_err());
        assert!(headers(&[b"<b>; rel=next", b"what"]).is_err());
        assert!(headers(&[b"<b\xff>; rel=next"]).is_err());
    }
}
