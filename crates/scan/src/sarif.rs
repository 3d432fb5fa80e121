//! SARIF 2.1.0, as code scanning of forges takes it: https://docs.oasis-open.org/sarif/sarif/v2.1.0/.

use serde_json::{Value, json};

use crate::finding::{Finding, RULES, Severity};
use crate::walk::Note;

/// One run of the scan, with what could not be looked at as notifications.
pub fn sarif(findings: &[Finding], notes: &[Note], version: &str) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": rule.title},
                "help": {"text": rule.help},
                "defaultConfiguration": {"level": level(rule.severity)},
                "properties": {"security-severity": score(rule.severity), "tags": ["security"]},
            })
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "ruleId": finding.rule.id,
                "level": level(finding.rule.severity),
                "message": {"text": finding.message},
                "locations": [location(finding)],
                "partialFingerprints": {"writ/v1": finding.key},
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "writ", "version": version, "rules": rules}},
            "results": results,
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notes.iter().map(notification).collect::<Vec<_>>(),
            }],
        }],
    })
}

/// Forges refuse a result without a file and a line, so what no file says stands under a name of its own.
fn location(finding: &Finding) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&finding.path)},
            "region": {"startLine": finding.line.max(1)},
        },
    });
    if let (0, Value::Object(location)) = (finding.line, &mut location) {
        let name = finding.path.to_string_lossy();
        location
            .insert("logicalLocations".to_owned(), json!([{"fullyQualifiedName": name, "kind": "resource"}]));
    }
    location
}

fn notification(note: &Note) -> Value {
    json!({
        "level": "warning",
        "message": {"text": note.why.to_string()},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(&note.relative)}}}],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Note => "note",
    }
}

/// The scale of CVSS, which forges sort by.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Note => "1.0",
    }
}

/// A relative reference: bytes that a URI cannot hold are written as `%XX`.
fn uri(path: &std::path::Path) -> String {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(byte) {
                char::from(*byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
