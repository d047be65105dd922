//! What is wrong with a selector, and where.
//!
//! The engine's own errors say neither. This walks over the tokens before the engine does and
//! reports the first that cannot be.

use std::borrow::Cow;
use std::collections::HashSet;

use cssparser::{Parser, Token};

use super::css::{MAX_NESTING, Selectors};

/// The pseudo-classes that are understood and take no argument.
const PLAIN: [&str; 14] = [
    "root",
    "scope",
    "empty",
    "first-child",
    "last-child",
    "only-child",
    "first-of-type",
    "last-of-type",
    "only-of-type",
    "link",
    "any-link",
    "checked",
    "disabled",
    "enabled",
];

/// Those that take a place among siblings.
const NTH: [&str; 4] = ["nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"];

/// Those that take a list of selectors.
const LISTS: [&str; 4] = ["is", "where", "not", "has"];

/// Pseudo-elements that may be written with one colon (CSS 2).
const OLD_PSEUDO_ELEMENTS: [&str; 4] = ["before", "after", "first-line", "first-letter"];

/// Says what is wrong with a list of selectors, or gives it as the engine can read it. With
/// `relative` each may begin with a combinator, which then follows `:scope`.
pub(super) fn check(css: &str, relative: bool) -> Result<Cow<'_, str>, String> {
    let walk = Walk { css, depth: 0, relative, in_has: false };
    let mut whole = Cow::Borrowed(css);
    for at in walk.list(&mut Parser::new(css))?.into_iter().rev() {
        whole.to_mut().insert_str(at, ":scope ");
    }
    Ok(whole)
}

#[derive(Clone, Copy)]
struct Walk<'c> {
    css: &'c str,
    depth: u8,
    relative: bool,
    in_has: bool,
}

/// What stands before the next token.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// Nothing: a selector begins.
    Nothing,
    /// A combinator.
    Combinator(char),
    /// A part of a compound selector.
    Part,
    /// A compound selector and a blank.
    Blank,
}

impl Walk<'_> {
    /// Looks at a list of selectors; tells where those begin that begin with a combinator.
    fn list<'i>(self, input: &mut Parser<'i>) -> Result<Vec<usize>, String> {
        let mut before = Before::Nothing;
        let mut relative = Vec::new();
        loop {
            let at = input.position().byte_index();
            let Ok(token) = input.next_including_whitespace().cloned() else {
                return self.end(before, at).map(|()| relative);
            };
            before = match token {
                Token::WhiteSpace(_) if before == Before::Part => Before::Blank,
                Token::WhiteSpace(_) => before,
                Token::Comma => {
                    self.end(before, at)?;
                    Before::Nothing
                }
                Token::Delim(sign @ ('>' | '+' | '~')) => {
                    self.combinator(before, sign, at)?;
                    if before == Before::Nothing {
                        relative.push(at);
                    }
                    Before::Combinator(sign)
                }
                Token::Delim('*') | Token::Ident(_) if before == Before::Part => {
                    return Err(self.refuse(
                        at,
                        &token_text(self.css, at, input),
                        "a name comes first",
                    ));
                }
                Token::Delim('*') | Token::Ident(_) => Before::Part,
                token => {
                    self.part(&token, at, input)?;
                    Before::Part
                }
            };
        }
    }

    fn end(self, before: Before, at: usize) -> Result<(), String> {
        let place = self.place(at);
        match before {
            Before::Part | Before::Blank => Ok(()),
            Before::Combinator(sign) => {
                Err(format!("nothing follows '{sign}' before {place}: write what comes after it"))
            }
            Before::Nothing => Err(format!("a selector is missing before {place}")),
        }
    }

    fn combinator(self, before: Before, sign: char, at: usize) -> Result<(), String> {
        let place = self.place(at);
        match before {
            Before::Nothing if !self.relative => {
                Err(format!("'{sign}' at {place} has nothing before it"))
            }
            Before::Combinator(other) => {
                Err(format!("'{other}' and '{sign}' at {place} follow each other"))
            }
            _ => Ok(()),
        }
    }

    /// A part of a compound selector that is not its name.
    fn part<'i>(self, token: &Token<'i>, at: usize, input: &mut Parser<'i>) -> Result<(), String> {
        match token {
            Token::IDHash(_) => Ok(()),
            Token::Hash(id) => Err(format!(
                "'#{id}' at {}: an id that begins with a digit is written [id=\"{id}\"]",
                self.place(at)
            )),
            Token::Delim('.') => match input.next_including_whitespace() {
                Ok(Token::Ident(_)) => Ok(()),
                _ => Err(format!("'.' at {} needs a class name after it", self.place(at))),
            },
            Token::SquareBracketBlock => {
                let inside = input.parse_nested_block(|input| {
                    while input.next().is_ok() {}
                    Ok::<_, cssparser::ParseError<()>>(input.position().byte_index())
                });
                let end = inside.unwrap_or(self.css.len());
                let block = self.css.get(at..end).unwrap_or_default();
                Selectors::parse(block, &mut HashSet::new()).map(drop).map_err(|_| {
                    format!(
                        "'{block}]' at {} is no attribute selector: write [name], [name=\"value\"] \
                         or one with ~=, |=, ^=, $= or *=",
                        self.place(at)
                    )
                })
            }
            Token::Colon => self.pseudo(at, input),
            Token::Delim('|') => {
                Err(format!("'|' at {}: namespaces are not supported", self.place(at)))
            }
            Token::Delim('&') => {
                Err(format!("'&' at {} is not supported: use :scope", self.place(at)))
            }
            _ => Err(self.refuse(
                at,
                &token_text(self.css, at, input),
                "it cannot be part of a selector",
            )),
        }
    }

    fn pseudo<'i>(self, at: usize, input: &mut Parser<'i>) -> Result<(), String> {
        let place = self.place(at);
        let mut token = input.next_including_whitespace().cloned();
        let is_element = matches!(token, Ok(Token::Colon));
        if is_element {
            token = input.next_including_whitespace().cloned();
        }
        let (name, is_function) = match &token {
            Ok(Token::Ident(name)) => (name.to_ascii_lowercase(), false),
            Ok(Token::Function(name)) => (name.to_ascii_lowercase(), true),
            _ => return Err(format!("':' at {place} needs a name after it")),
        };
        let name = name.as_str();
        if is_element || OLD_PSEUDO_ELEMENTS.contains(&name) {
            return Err(format!("'::{name}' at {place}: {}", no_pseudo_element(name)));
        }
        match (is_function, name) {
            (false, name) if PLAIN.contains(&name) => Ok(()),
            (true, name) if NTH.contains(&name) => self.nth(name, at, input),
            (true, name) if LISTS.contains(&name) => self.nested(name, at, input),
            (false, name) if NTH.contains(&name) || LISTS.contains(&name) => {
                Err(format!("':{name}' at {place} needs an argument in parentheses"))
            }
            (true, name) if PLAIN.contains(&name) => {
                Err(format!("':{name}' at {place} takes no argument"))
            }
            _ => Err(format!("':{name}' at {place}: {}", no_pseudo_class(name))),
        }
    }

    fn nested<'i>(mut self, name: &str, at: usize, input: &mut Parser<'i>) -> Result<(), String> {
        if name == "has" && self.in_has {
            return Err(format!("':has()' at {} is inside another :has()", self.place(at)));
        }
        self.in_has |= name == "has";
        self.relative = name == "has";
        self.deeper(at, input, |walk, input| walk.list(input).map(drop))
    }

    fn nth<'i>(mut self, name: &str, at: usize, input: &mut Parser<'i>) -> Result<(), String> {
        self.relative = false;
        let place = self.place(at);
        self.deeper(at, input, |walk, input| {
            let bad = || {
                format!(
                    "':{name}()' at {place}: write a number, odd, even, or one such as 2n+1 in it"
                )
            };
            cssparser::parse_nth(input).map_err(|_| bad())?;
            if input.is_exhausted() {
                return Ok(());
            }
            input.expect_ident_matching("of").map_err(|_| bad())?;
            if name.ends_with("type") {
                return Err(format!("':{name}()' at {place} takes no \"of\": use :nth-child()"));
            }
            walk.list(input).map(drop)
        })
    }

    /// Looks at what is in parentheses.
    fn deeper<'i>(
        mut self,
        at: usize,
        input: &mut Parser<'i>,
        look: impl FnOnce(Self, &mut Parser<'i>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(format!(
                "more than {} pseudo-classes within each other at {}",
                MAX_NESTING,
                self.place(at)
            ));
        }
        let mut result = Ok(());
        // The closure's own error is only there to please the parser.
        let _ = input.parse_nested_block(|input| {
            result = look(self, input);
            while input.next().is_ok() {}
            Ok::<(), cssparser::ParseError<()>>(())
        });
        result
    }

    fn refuse(self, at: usize, token: &str, why: &str) -> String {
        format!("unexpected '{token}' at {}: {why}", self.place(at))
    }

    /// A place as users count.
    fn place(self, at: usize) -> String {
        if at >= self.css.len() {
            return "the end".to_owned();
        }
        format!("character {}", 1 + self.css[..at].chars().count())
    }
}

/// The token that was just read and began at `at`.
fn token_text(css: &str, at: usize, input: &Parser<'_>) -> String {
    let end = input.position().byte_index();
    css.get(at..end).unwrap_or_default().chars().take(40).collect()
}

fn no_pseudo_element(name: &str) -> &'static str {
    match name {
        "text" => "not needed, the text is what is taken anyway",
        "attr" => "not supported, use the member \"attr\"",
        _ => "pseudo-elements are not part of a page's markup, leave it out",
    }
}

fn no_pseudo_class(name: &str) -> &'static str {
    match name {
        "hover" | "active" | "focus" | "focus-within" | "focus-visible" | "visited" | "target" => {
            "a page that nobody is looking at has no such state, leave it out"
        }
        "contains" | "-soup-contains" | "has-text" | "text" => {
            "not CSS, use the member \"regex\" to choose by text"
        }
        "eq" | "first" | "last" | "even" | "odd" | "gt" | "lt" => {
            "not CSS, use :nth-child() and its kin"
        }
        _ => "this pseudo-class is not supported",
    }
}
