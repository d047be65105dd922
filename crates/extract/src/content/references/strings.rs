//! Strings of JSON that may be broken.

/// A string of JSON whose opening quote is behind, and what follows its closing one.
pub(super) fn json_string(source: &str) -> (String, &str) {
    let mut string = String::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '\\']) {
        string.push_str(&rest[..at]);
        let quote = rest.as_bytes()[at] == b'"';
        rest = &rest[at + 1..];
        if quote {
            return (string, rest);
        }
        let Some(escape) = rest.chars().next() else { break };
        rest = &rest[escape.len_utf8()..];
        match escape {
            'u' => {
                let code = rest.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                string.push(code.and_then(char::from_u32).unwrap_or(' '));
                rest = rest.get(4..).unwrap_or("");
            }
            'n' | 'r' | 't' => string.push(' '),
            _ => string.push(escape),
        }
    }
    string.push_str(rest);
    (string, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_ends_found() {
        assert_eq!(json_string(r#"a\"b\nc\u00e9" rest"#), ("a\"b c\u{e9}".to_owned(), " rest"));
        assert_eq!(json_string("open"), ("open".to_owned(), ""));
        assert_eq!(json_string(r"cut\"), ("cut".to_owned(), ""));
        assert_eq!(json_string(r"cut\u12"), ("cut ".to_owned(), ""));
    }
}
