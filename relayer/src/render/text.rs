//! Text of strangers, made safe to print.

use std::fmt::Write as _;

/// `text` with every character that a terminal acts on, or a reader cannot see, as `\u{…}`.
pub fn printable(text: &str) -> String {
    escaped(text, |out, character| {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
    })
}

/// The same for a JSON document, whose own line breaks stay: strings keep their meaning.
pub fn printable_json(json: &str) -> String {
    escaped(json, |out, character| {
        if character == '\n' {
            out.push(character);
            return;
        }
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// Bytes that may be text: as text if they are printable ASCII, without a trailing zero.
pub fn text_of(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches('\0');
    (!text.is_empty() && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())).then_some(text)
}

/// An error message on one line. Some parsers draw theirs over several.
pub(super) fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    printable(&words.join(" "))
}

fn escaped(text: &str, escape: impl Fn(&mut String, char)) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hazard(character) {
            escape(&mut out, character);
        } else {
            out.push(character);
        }
    }
    out
}

/// Control characters (C0, C1), and the invisible ones that join, reorder or hide their neighbours.
fn is_hazard(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_spelled_out() {
        assert_eq!(printable("a\u{1b}[2Jb\n\u{9b}1m"), "a\\u{1b}[2Jb\\u{a}\\u{9b}1m");
        assert_eq!(printable("exe\u{202e}gpj"), "exe\\u{202e}gpj");
        assert_eq!(printable("Größe 一"), "Größe 一");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"a": "x\u{9b}\u{202e}\u{e0001}\u{7f}y"});
        let json = printable_json(&serde_json::to_string_pretty(&value).unwrap_or_default());
        assert!(json.is_ascii());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).ok(), Some(value));
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(one_line("a\n  |\n1 | b\u{7}"), "a | 1 | b\\u{7}");
    }
}
