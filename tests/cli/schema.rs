//! Holds what `--json` prints to `docs/schema`: whatever a test of this program sees, no field is missing, of another
//! type, or not described.

use std::path::Path;
use std::sync::OnceLock;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// Fails unless every line is an event as described and the last, if the program ended by itself, is `summary`.
#[track_caller]
pub(crate) fn hold(stdout: &str, ended: bool) {
    let (schemas, events) = events();
    let mut last = None;
    for line in stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        if let Err(wrong) = schemas.validate(&event, *events) {
            panic!("not as docs/schema has it: {line}\n{wrong}");
        }
        last = event["event"].as_str().map(str::to_owned);
    }
    assert!(!ended || last.as_deref() == Some("summary"), "the last line is no summary: {stdout}");
}

fn events() -> &'static (Schemas, SchemaIndex) {
    static EVENTS: OnceLock<(Schemas, SchemaIndex)> = OnceLock::new();
    EVENTS.get_or_init(|| {
        let mut compiler = Compiler::new();
        for name in ["events.json", "report.json"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name);
            let mut schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            strict(&mut schema);
            compiler.add_resource(&format!("file:///{name}"), schema).unwrap();
        }
        let mut schemas = Schemas::new();
        let index = compiler.compile("file:///events.json", &mut schemas).unwrap();
        (schemas, index)
    })
}

/// Makes a schema refuse fields that it does not describe. Whoever reads events has to allow them.
fn strict(schema: &mut Value) {
    let mut nested = Vec::new();
    find_nested(schema, &mut nested);
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        for (_, definition) in definitions.iter_mut().filter(|(name, _)| nested.contains(*name)) {
            refuse_others(definition);
        }
    }
    match schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        Some(events) => events.iter_mut().for_each(refuse_others),
        None => refuse_others(schema),
    }
}

fn refuse_others(schema: &mut Value) {
    if schema["type"] == "object" || schema.get("$ref").is_some() {
        schema["unevaluatedProperties"] = false.into();
    }
}

/// The definitions that a field is made of, rather than that an event is made of.
fn find_nested(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            let inside = fields.get("properties").and_then(Value::as_object).into_iter().flatten();
            for (_, field) in inside {
                for place in [field, &field["items"]] {
                    if let Some(name) = place["$ref"].as_str().and_then(|to| to.strip_prefix("#/$defs/")) {
                        found.push(name.to_owned());
                    }
                }
            }
            fields.values().for_each(|value| find_nested(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| find_nested(value, found)),
        _ => {}
    }
}
