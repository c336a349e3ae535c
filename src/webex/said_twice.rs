//! JSON in which nothing is lost: what an object says twice, it says in a list of both.
//!
//! A parser that keeps the last of two would take `{"error": {…}, "error": null}` for a success. A list where no form has
//! one is not understood, and so nothing is concluded from it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// Reads a body.
pub(super) fn value(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(bytes).map(|SaidTwice(value)| value)
}

struct SaidTwice(Value);

impl<'de> Deserialize<'de> for SaidTwice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SaidVisitor).map(Self)
    }
}

struct SaidVisitor;

impl<'de> Visitor<'de> for SaidVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(SaidTwice(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, SaidTwice(value))) = object.next_entry::<String, SaidTwice>()? {
            match map.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(mut entry) if *entry.get() != value => {
                    let first = entry.get_mut().take();
                    entry.insert(Value::Array(vec![first, value]));
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read_as_it_stands_and_what_is_said_twice_is_kept_twice() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,"x\u00e4"],"b":{"c":{}}}"#;
        assert_eq!(value(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for (twice, kept) in [
            (r#"{"a":1,"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":{"x":1},"a":null}"#, r#"{"a":[{"x":1},null]}"#),
            (r#"[{"a":[],"b":2,"a":["L"]}]"#, r#"[{"a":[[],["L"]],"b":2}]"#),
        ] {
            assert_eq!(value(twice.as_bytes()).unwrap(), serde_json::from_str::<Value>(kept).unwrap());
        }
        for broken in ["", "{", "[NaN]", "{} x", "\u{feff}{}", &"[".repeat(100_000)] {
            assert!(value(broken.as_bytes()).is_err());
        }
    }
}
