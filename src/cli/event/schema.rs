//! Makes `docs/schema` and the tables of `docs/json.md` of the types of events, and holds them to it:
//! `UPDATE_DOCS=1 cargo test --lib schema` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::Event;
use crate::cli::saved_plan::SavedPlan;
use crate::report::ReportDocument;

fn schema_of<T: JsonSchema>(about: &str) -> Value {
    let generator = SchemaGenerator::new(SchemaSettings::draft2020_12().for_serialize());
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    // How wide Rust's integers are is nobody's business.
    without_widths(&mut schema);
    schema["description"] = about.into();
    schema
}

fn without_widths(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("type").is_some_and(|kind| kind.is_string() || kind.is_array()) {
                fields.remove("format");
                for limit in ["minimum", "maximum"] {
                    if fields.get(limit).is_some_and(|limit| limit != 0) {
                        fields.remove(limit);
                    }
                }
            }
            fields.values_mut().for_each(without_widths);
        }
        Value::Array(values) => values.iter_mut().for_each(without_widths),
        _ => {}
    }
}

/// Every event, the report's among them, which is written as it is read.
fn events() -> Value {
    let mut schema = schema_of::<Event<'static>>("A line of `--json`.");
    let report = json!({
        "description": "`report --json`: the document that `--format json` writes.",
        "type": "object",
        "properties": {"event": {"type": "string", "const": "report"}, "report": {"$ref": "report.json"}},
        "required": ["event", "report"],
    });
    let known = schema["oneOf"].as_array_mut().unwrap();
    known.insert(known.len() - 1, report);
    schema
}

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// The file is so, or is made so.
fn hold(name: &str, right: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(docs("schema")).unwrap();
        std::fs::write(docs(name), right).unwrap();
    }
    let is = std::fs::read_to_string(docs(name)).unwrap_or_default();
    assert!(is == right, "docs/{name} is old; UPDATE_DOCS=1 cargo test --lib schema writes it anew");
}

fn pretty(schema: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(schema).unwrap())
}

#[test]
fn the_schemas_are_those_of_the_types() {
    hold("schema/events.json", &pretty(&events()));
    let report = schema_of::<ReportDocument<'static>>("What `report --format json` writes.");
    hold("schema/report.json", &pretty(&report));
    hold("schema/plan.json", &pretty(&schema_of::<SavedPlan>("What `plan -o` writes.")));
}

const BEGIN: &str = "<!-- made of the source: UPDATE_DOCS=1 cargo test --lib schema -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_page_has_every_event_with_its_fields() {
    let page = std::fs::read_to_string(docs("json.md")).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    hold("json.md", &format!("{before}{BEGIN}{}{END}{after}", tables(&events())));
}

/// A section an event.
fn tables(schema: &Value) -> String {
    let mut text = String::new();
    for event in schema["oneOf"].as_array().unwrap() {
        let name = event["properties"]["event"]["const"].as_str().unwrap();
        let about = event["description"].as_str().unwrap();
        write!(text, "\n### {name}\n\n{about}\n").unwrap();
        let event = resolved(schema, event);
        table(schema, event, &mut text);
        for kind in event["anyOf"].as_array().into_iter().flatten() {
            write!(text, "\n{}\n", kind["description"].as_str().unwrap()).unwrap();
            table(schema, resolved(schema, kind), &mut text);
        }
    }
    text
}

fn resolved<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|to| to.strip_prefix("#/")) {
        Some(path) => schema.pointer(&format!("/{path}")).unwrap(),
        None => value,
    }
}

fn table(schema: &Value, object: &Value, text: &mut String) {
    let fields = object["properties"].as_object().into_iter().flatten();
    let required: Vec<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut begun = false;
    for (name, field) in fields.filter(|(name, _)| *name != "event") {
        if !std::mem::replace(&mut begun, true) {
            text.push_str("\n| field | type | meaning |\n| --- | --- | --- |\n");
        }
        let may_lack = if required.contains(&name.as_str()) { "" } else { ", may be absent" };
        let meaning = field["description"].as_str().unwrap_or_default().replace('\n', " ");
        writeln!(text, "| `{name}` | {}{may_lack} | {meaning} |", kind(schema, field)).unwrap();
    }
}

/// The type of a field, in words.
fn kind(schema: &Value, field: &Value) -> String {
    let word = |name: &str| {
        match name {
            "integer" => "whole number",
            "string" => "text",
            "boolean" => "true or false",
            "array" => "list",
            other => other,
        }
        .to_owned()
    };
    if let Some(file) = field["$ref"].as_str().filter(|to| to.ends_with(".json")) {
        return format!("object, see [schema/{file}](schema/{file})");
    }
    let field = resolved(schema, field);
    if let Some(kinds) = field["anyOf"].as_array() {
        return kinds.iter().map(|each| kind(schema, each)).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = field["oneOf"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", word["const"].as_str().unwrap()))
            .collect::<Vec<_>>()
            .join(", ");
    }
    match &field["type"] {
        Value::String(name) if name == "object" => match field["properties"].as_object() {
            Some(fields) => {
                let names: Vec<String> = fields.keys().map(|name| format!("`{name}`")).collect();
                format!("object: {}", names.join(", "))
            }
            None => "object".to_owned(),
        },
        Value::String(name) if name == "array" => format!("list of {}", kind(schema, &field["items"])),
        Value::String(name) => word(name),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    }
}
