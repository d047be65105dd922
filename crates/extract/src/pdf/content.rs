//! What is drawn on a page (ISO 32000-1, sections 8 and 9), as far as it is text.

use std::collections::HashMap;
use std::rc::Rc;

use super::file::{File, Leaf};
use super::font::Font;
use super::geometry::{Matrix, Point};
use super::layout::{Layout, Run};
use super::lexer::{Array, Dict, Lexer, Part, Value};

/// States that are put aside, one upon another.
const MAX_STATES: usize = 256;

/// Forms within forms.
const MAX_FORMS: usize = 8;

/// Operands of an operator; more are dropped.
const MAX_OPERANDS: usize = 32;

/// Entries of tables of the fonts that are remembered.
const MAX_FONT_ENTRIES: usize = 150_000;

/// Pieces of the content of a page.
const MAX_PIECES: usize = 4_096;

/// Work that showing a byte of text takes, in bytes read.
const WORK_PER_BYTE: usize = 4;

#[derive(Clone, Debug)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    letter_space: f64,
    word_space: f64,
    /// 1 is as wide as the font is.
    stretch: f64,
    leading: f64,
    rise: f64,
}

/// Draws pages, one after the other.
#[derive(Debug)]
pub(super) struct Painter<'f, 'a> {
    file: &'f File<'a>,
    layout: Layout,
    fonts: HashMap<u32, Rc<Font>>,
    font_entries: usize,
    /// What may be unpacked still: the content of a page and of the forms that are open.
    room: usize,
    /// Something was left out.
    is_cut: bool,
    text: String,
}

impl<'f, 'a> Painter<'f, 'a> {
    pub(super) fn new(file: &'f File<'a>, layout: Layout, most_bytes: usize) -> Self {
        Self {
            file,
            layout,
            fonts: HashMap::new(),
            font_entries: 0,
            room: most_bytes,
            is_cut: false,
            text: String::new(),
        }
    }

    /// Whether there is room and time for more.
    pub(super) fn can_go_on(&self) -> bool {
        !self.layout.is_full() && !self.file.work().is_spent()
    }

    /// The HTML, and whether something is missing.
    pub(super) fn finish(self) -> (String, bool) {
        let (html, is_cut) = self.layout.finish();
        (html, is_cut || self.is_cut)
    }

    pub(super) fn page(&mut self, leaf: Leaf<'a>) {
        let content = self.content(leaf.dict.get("Contents"));
        let state = State {
            matrix: Matrix::SAME,
            font: None,
            size: 0.0,
            letter_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        self.room -= content.len();
        self.draw(&content, leaf.resources, state, 0);
        self.room += content.len();
        self.layout.end_page();
    }

    /// The streams of a page's content, as one.
    fn content(&mut self, value: Value<'a>) -> Vec<u8> {
        let mut content = Vec::new();
        let one = std::iter::once(value);
        let pieces: Box<dyn Iterator<Item = Value<'a>>> = match self.file.resolve(value) {
            Value::Array(array) => Box::new(array.values().take(MAX_PIECES)),
            _ => Box::new(one),
        };
        for piece in pieces {
            // One for the line's end.
            let room = self.room.saturating_sub(content.len() + 1);
            let Some((bytes, is_cut)) = self.file.unpacked(piece, room) else { continue };
            content.extend_from_slice(&bytes[..bytes.len().min(room)]);
            content.push(b'\n');
            if is_cut || room == 0 {
                self.is_cut = true;
                break;
            }
        }
        content
    }

    fn draw(&mut self, content: &[u8], resources: Dict<'a>, state: State, depth: usize) {
        let mut drawing = Drawing {
            painter: self,
            resources,
            outer: state.clone(),
            state,
            states: Vec::new(),
            lost: 0,
            text: Matrix::SAME,
            line: Matrix::SAME,
            depth,
        };
        let mut lexer = Lexer::new(content, drawing.painter.file.work());
        let mut operands: Vec<Value<'_>> = Vec::new();
        while let Some(part) = lexer.part() {
            match part {
                Part::Operand(value) if operands.len() < MAX_OPERANDS => operands.push(value),
                Part::Operand(_) => {}
                Part::Operator(b"BI") => {
                    lexer.skip_image();
                    operands.clear();
                }
                Part::Operator(operator) => {
                    drawing.operate(operator, &operands);
                    operands.clear();
                    if drawing.painter.layout.is_full() {
                        return;
                    }
                }
            }
        }
    }

    fn font(&mut self, value: Value<'a>) -> Option<Rc<Font>> {
        let number = match value {
            Value::Reference(number) => Some(number),
            _ => None,
        };
        if let Some(known) = number.and_then(|number| self.fonts.get(&number)) {
            return Some(known.clone());
        }
        let font = Rc::new(Font::read(self.file, self.file.dict(value)?));
        if let Some(number) = number {
            self.font_entries += font.len();
            if self.font_entries > MAX_FONT_ENTRIES {
                self.fonts.clear();
                self.font_entries = font.len();
            }
            self.fonts.insert(number, font.clone());
        }
        Some(font)
    }
}

/// The drawing of one content stream.
struct Drawing<'p, 'f, 'a> {
    painter: &'p mut Painter<'f, 'a>,
    resources: Dict<'a>,
    /// The state at the beginning.
    outer: State,
    state: State,
    states: Vec<State>,
    /// States that were too many to put aside.
    lost: usize,
    /// Where the next letter goes.
    text: Matrix,
    /// Where the line begins.
    line: Matrix,
    depth: usize,
}

impl Drawing<'_, '_, '_> {
    fn operate(&mut self, operator: &[u8], operands: &[Value<'_>]) {
        let number = |nth: usize| {
            operands.get(nth).and_then(|value| value.number()).filter(|n| n.is_finite())
        };
        let first = || number(0).unwrap_or(0.0);
        match operator {
            b"q" => self.save(),
            b"Q" => self.restore(),
            b"cm" => {
                if let Some(matrix) = matrix(operands) {
                    self.state.matrix = matrix.then(self.state.matrix);
                }
            }
            b"BT" => self.start_line(Matrix::SAME),
            b"Tf" => {
                if let Some(Value::Name(name)) = operands.first() {
                    self.state.font = self.font(name);
                }
                self.state.size = number(1).unwrap_or(0.0);
            }
            b"Tc" => self.state.letter_space = first(),
            b"Tw" => self.state.word_space = first(),
            b"Tz" => self.state.stretch = first() / 100.0,
            b"TL" => self.state.leading = first(),
            b"Ts" => self.state.rise = first(),
            b"Tm" => {
                if let Some(matrix) = matrix(operands) {
                    self.start_line(matrix);
                }
            }
            b"Td" => self.next_line(first(), number(1).unwrap_or(0.0)),
            b"TD" => {
                let down = number(1).unwrap_or(0.0);
                self.state.leading = -down;
                self.next_line(first(), down);
            }
            b"T*" => self.next_line(0.0, -self.state.leading),
            b"Tj" => self.show(operands.first()),
            b"'" => {
                self.next_line(0.0, -self.state.leading);
                self.show(operands.first());
            }
            b"\"" => {
                self.state.word_space = first();
                self.state.letter_space = number(1).unwrap_or(0.0);
                self.next_line(0.0, -self.state.leading);
                self.show(operands.get(2));
            }
            b"TJ" => {
                if let Some(Value::Array(array)) = operands.first() {
                    self.show_all(*array);
                }
            }
            b"Do" => {
                if let Some(Value::Name(name)) = operands.first() {
                    self.form(name);
                }
            }
            _ => {}
        }
    }

    fn save(&mut self) {
        if self.states.len() < MAX_STATES {
            self.states.push(self.state.clone());
        } else {
            self.lost += 1;
        }
    }

    fn restore(&mut self) {
        if self.lost > 0 {
            self.lost -= 1;
        } else {
            self.state = self.states.pop().unwrap_or_else(|| self.outer.clone());
        }
    }

    fn start_line(&mut self, matrix: Matrix) {
        self.line = matrix;
        self.text = matrix;
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.start_line(Matrix::shift(x, y).then(self.line));
    }

    fn font(&mut self, name: &[u8]) -> Option<Rc<Font>> {
        let fonts = self.painter.file.dict(self.resources.get("Font"))?;
        let value = fonts.entries().find(|(own, _)| *own == name)?.1;
        self.painter.font(value)
    }

    fn show_all(&mut self, array: Array<'_>) {
        for value in array.operands() {
            match value {
                Value::Number(back) if back.is_finite() => {
                    let by = -back / 1000.0 * self.state.size * self.state.stretch;
                    self.text = Matrix::shift(by, 0.0).then(self.text);
                }
                value => self.show(Some(&value)),
            }
        }
    }

    fn show(&mut self, string: Option<&Value<'_>>) {
        let Some(bytes) = string.and_then(|value| value.bytes()) else { return };
        let Some(font) = self.state.font.clone() else { return };
        if !self.painter.file.work().spend(WORK_PER_BYTE * bytes.len()) {
            return;
        }
        let mut text = std::mem::take(&mut self.painter.text);
        text.clear();
        let extent = font.show(&bytes, &mut text);
        let State { size, letter_space, word_space, stretch, rise, .. } = self.state;
        let by = extent.width * size + extent.glyphs * letter_space + extent.blanks * word_space;
        let to_page = |matrix: Matrix| matrix.then(self.state.matrix);
        let from = to_page(self.text);
        self.text = Matrix::shift(by * stretch, 0.0).then(self.text);
        let to = to_page(self.text);
        let [a, b, c, d, ..] = from.0;
        let along = Point { x: a, y: b };
        let length = along.length();
        // The height of a letter: what is stretched is no larger for it.
        let height = Point { x: c, y: d }.length() * size.abs();
        if length.is_finite() && length > 0.0 {
            self.painter.layout.push(Run {
                text: &text,
                start: from.apply(0.0, rise),
                end: to.apply(0.0, rise),
                along: Point { x: a / length, y: b / length },
                size: height,
            });
        }
        self.painter.text = text;
    }

    /// Draws a form: content that is drawn more than once, or in more than one place.
    fn form(&mut self, name: &[u8]) {
        let file = self.painter.file;
        let forms = file.dict(self.resources.get("XObject"));
        let found = forms.and_then(|forms| forms.entries().find(|(own, _)| *own == name));
        let Some((_, value)) = found else { return };
        let Some(dict) = file.dict(value).filter(|dict| dict.get("Subtype").is("Form")) else {
            return;
        };
        if self.depth == MAX_FORMS {
            self.painter.is_cut = true;
            return;
        }
        let room = self.painter.room;
        let Some((content, is_cut)) = file.unpacked(value, room) else { return };
        let content = &content[..content.len().min(room)];
        self.painter.is_cut |= is_cut;
        self.painter.room -= content.len();
        let mut state = self.state.clone();
        if let Value::Array(array) = file.resolve(dict.get("Matrix")) {
            let values: Vec<Value<'_>> = array.values().take(6).collect();
            if let Some(matrix) = matrix(&values) {
                state.matrix = matrix.then(state.matrix);
            }
        }
        let resources = file.dict(dict.get("Resources")).unwrap_or(self.resources);
        self.painter.draw(content, resources, state, self.depth + 1);
        self.painter.room += content.len();
    }
}

fn matrix(operands: &[Value<'_>]) -> Option<Matrix> {
    let mut numbers = [0.0; 6];
    for (place, value) in numbers.iter_mut().zip(operands.get(..6)?) {
        *place = value.number().filter(|number| number.is_finite())?;
    }
    Some(Matrix(numbers))
}
