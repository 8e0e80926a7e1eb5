//! The lists of a record as tables for a spreadsheet, one file each.

use anyhow::Context;
use serde_json::Value;

use crate::record::Record;

/// What a row is about stands first; the figures follow by name.
const ABOUT: [&str; 10] = [
    "arm",
    "event",
    "variant",
    "client",
    "instance",
    "login_instance",
    "answering_instance",
    "against",
    "metric",
    "block",
];

/// Each list that holds something, as a file name and its text.
///
/// Columns are the fields of the record; fields within a field are joined by a dot.
pub fn tables(record: &Record) -> anyhow::Result<Vec<(String, String)>> {
    let lists = [
        ("arms.csv", serde_json::to_value(&record.arms)?),
        ("cells.csv", serde_json::to_value(&record.cells)?),
        ("hops.csv", serde_json::to_value(&record.hops)?),
        (
            "revocations.csv",
            serde_json::to_value(&record.revocations)?,
        ),
        ("measures.csv", serde_json::to_value(&record.measures)?),
        (
            "comparisons.csv",
            serde_json::to_value(&record.comparisons)?,
        ),
        (
            "break_evens.csv",
            serde_json::to_value(&record.break_evens)?,
        ),
        ("not_run.csv", serde_json::to_value(&record.not_run)?),
    ];
    let mut files = Vec::new();
    for (name, list) in lists {
        let rows: Vec<_> = list.as_array().into_iter().flatten().map(flat).collect();
        if !rows.is_empty() {
            files.push((
                name.to_owned(),
                table(&rows).with_context(|| name.to_owned())?,
            ));
        }
    }
    Ok(files)
}

/// The fields of one row.
fn flat(row: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    flatten("", row, &mut fields);
    fields
}

fn flatten(name: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Object(inner) => {
            for (key, value) in inner {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                flatten(&name, value, fields);
            }
        }
        Value::Array(inner) if inner.iter().all(Value::is_number) => {
            for (at, value) in inner.iter().enumerate() {
                flatten(&format!("{name}.{at}"), value, fields);
            }
        }
        Value::Null => fields.push((name.to_owned(), String::new())),
        Value::String(text) => fields.push((name.to_owned(), harmless(text))),
        other => fields.push((name.to_owned(), other.to_string())),
    }
}

/// A text that a spreadsheet will not take for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// Rows need not have the same fields: a column is made for each that any row has.
fn table(rows: &[Vec<(String, String)>]) -> anyhow::Result<String> {
    let mut columns: Vec<_> = rows
        .iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let place = |name: &&str| {
        ABOUT
            .iter()
            .position(|about| about == name)
            .unwrap_or(ABOUT.len())
    };
    columns.sort_by_key(|name| (place(name), *name));
    columns.dedup();
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(&columns)?;
    for row in rows {
        let of = |column: &&str| {
            let field = row.iter().find(|(name, _)| name == column);
            field.map_or("", |(_, value)| value.as_str())
        };
        writer.write_record(columns.iter().map(of))?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    String::from_utf8(bytes).context("a record holds text")
}
