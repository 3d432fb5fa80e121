//! Policies as they are written: for whoever asks which policy decided, and where it stands.

use super::{Layer, PolicySources, SourceFile};

/// One policy as it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// As in decisions, with the layer before it.
    pub id: String,
    pub layer: Layer,
    pub file: String,
    /// Where its first annotation stands, from 1.
    pub line: usize,
    /// From its first annotation to its semicolon.
    pub text: String,
}

// === impl PolicySources ===

impl PolicySources {
    /// Every policy of guardrails and organisation that has an id, in the order of the files.
    pub fn written(&self) -> Vec<Written> {
        let of = |layer, files: &[SourceFile]| {
            files.iter().flat_map(move |file| written(layer, file)).collect::<Vec<_>>()
        };
        let mut all = of(Layer::Guardrails, &self.guardrails);
        all.extend(of(Layer::Organisation, &self.organisation));
        all
    }
}

/// The policies of one file.
fn written(layer: Layer, file: &SourceFile) -> Vec<Written> {
    let text = file.text.as_str();
    let mut found = Vec::new();
    let (mut start, mut line, mut first) = (0, 1, 1);
    let mut begun = false;
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        let is_comment = byte == b'/' && bytes.peek().is_some_and(|(_, next)| *next == b'/');
        if !(begun || is_comment || byte.is_ascii_whitespace()) {
            (start, first, begun) = (at, line, true);
        }
        match byte {
            b'\n' => line += 1,
            b'"' => {
                while let Some((_, inside)) = bytes.next() {
                    match inside {
                        b'\\' => _ = bytes.next(),
                        b'\n' => line += 1,
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'/' if bytes.peek().is_some_and(|(_, next)| *next == b'/') => {
                while bytes.next_if(|(_, inside)| *inside != b'\n').is_some() {}
            }
            b';' => {
                let text = text.get(start..=at).unwrap_or_default();
                if let Some(id) = id_of(text) {
                    let id = format!("{}:{id}", layer.name());
                    found.push(Written {
                        id,
                        layer,
                        file: file.name.clone(),
                        line: first,
                        text: text.to_owned(),
                    });
                }
                begun = false;
            }
            _ => {}
        }
    }
    found
}

/// What stands in the policy's `@id`.
fn id_of(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("@id(\"")?;
    after.split_once('"').map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_shown_as_it_is_written() {
        let text = "// Of shops; and carts.\n\n@id(\"a\")\n@reason(\"one; two // three\")\npermit (principal, action, resource)\n\
                    when { context.kind == \"a\\\"b\" }; // end\n// more\n@id(\"b\") @reason(\"x\") forbid (principal, action, resource);\n";
        let file = SourceFile { name: "shop.cedar".into(), text: text.into() };
        let found = written(Layer::Organisation, &file);
        let places: Vec<(&str, usize)> =
            found.iter().map(|policy| (policy.id.as_str(), policy.line)).collect();
        assert_eq!(places, [("organisation:a", 3), ("organisation:b", 8)]);
        assert!(
            found[0].text.starts_with("@id(\"a\")") && found[0].text.ends_with("};"),
            "{}",
            found[0].text
        );
        assert_eq!(found[1].text, "@id(\"b\") @reason(\"x\") forbid (principal, action, resource);");
    }

    #[test]
    fn every_shipped_policy_is_found() {
        let sources = PolicySources::shipped();
        let report = crate::source::validate(&sources);
        assert_eq!(sources.written().len(), report.policies);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,400}") {
            let file = SourceFile { name: "x.cedar".into(), text };
            let _ = written(Layer::Organisation, &file);
        }
    }
}
