//! What dates are made of.

use super::month;

/// Text longer than this is cut before it is searched: a date stands near the beginning.
const MAX_CHARS: usize = 400;

/// Tokens of one text.
const MAX_TOKENS: usize = 96;

/// Bytes of a word that can be a month, a filler or a zone; longer ones are all alike.
const MAX_WORD_BYTES: usize = 40;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A number of so many digits.
    Number(u32, u8),
    /// The name of a month, 1 to 12.
    Month(u8),
    /// Another word, in lower case.
    Word(String),
    /// Any other character but blanks.
    Mark(char),
}

/// Reads the beginning of `text`.
pub(super) fn read(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().take(MAX_CHARS).peekable();
    while let Some(&c) = chars.peek() {
        if tokens.len() == MAX_TOKENS {
            break;
        }
        if digit(c).is_some() {
            let (mut value, mut digits) = (0_u32, 0_u8);
            while let Some(one) = chars.peek().copied().and_then(digit) {
                value = value.saturating_mul(10).saturating_add(one);
                digits = digits.saturating_add(1);
                chars.next();
            }
            tokens.push(Token::Number(value, digits));
        } else if is_letter(c) {
            let mut word = String::new();
            while let Some(&c) = chars.peek().filter(|&&c| is_letter(c)) {
                if word.len() < MAX_WORD_BYTES {
                    word.extend(c.to_lowercase());
                }
                chars.next();
            }
            tokens.push(month::of(&word).map_or(Token::Word(word), Token::Month));
        } else {
            if !c.is_whitespace() && !c.is_control() {
                tokens.push(Token::Mark(c));
            }
            chars.next();
        }
    }
    tokens
}

/// Letters, and the marks that Thai, Hindi and Arabic words are written with.
fn is_letter(c: char) -> bool {
    c.is_alphabetic()
        || matches!(c, '\u{0300}'..='\u{036f}' | '\u{0610}'..='\u{061a}'
        | '\u{064b}'..='\u{065f}' | '\u{0900}'..='\u{0963}' | '\u{0e31}'..='\u{0e4e}')
}

/// A decimal digit of the scripts that dates are written in.
fn digit(c: char) -> Option<u32> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{0660}'..='\u{0669}' => '\u{0660}', // Arabic
        '\u{06f0}'..='\u{06f9}' => '\u{06f0}', // Persian
        '\u{0966}'..='\u{096f}' => '\u{0966}', // Devanagari
        '\u{09e6}'..='\u{09ef}' => '\u{09e6}', // Bengali
        '\u{0e50}'..='\u{0e59}' => '\u{0e50}', // Thai
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}', // full width
        _ => return None,
    };
    Some(u32::from(c) - u32::from(zero))
}
