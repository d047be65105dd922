//! PDF made to hurt.

use std::time::{Duration, Instant};

use extract::Unreadable;

use super::make::{self, Pdf};
use super::page;

/// A quarter of what the threads of a pool have.
const STACK_BYTES: usize = 1 << 20;

/// What any file of a few megabytes may take on a machine that is busy and without optimisation;
/// what is not bounded takes hours.
const PATIENCE: Duration = Duration::from_secs(120);

/// Reads it on a small stack, within a time; what was made is within its bounds.
fn run(name: &'static str, bytes: Vec<u8>) -> extract::Page {
    let read = move || {
        let begun = now();
        let page = page(&bytes);
        assert!(begun.elapsed() < PATIENCE, "{name}: {:?}", begun.elapsed());
        let most_bytes = 2 * bytes.len() + 256 * 1024;
        assert!(page.text.as_ref().is_some_and(|text| text.len() <= most_bytes), "{name}");
        page
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(read);
    thread.expect("a thread").join().expect("no panic")
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn now() -> Instant {
    Instant::now()
}

fn repeated(one: &str, times: usize) -> String {
    one.repeat(times)
}

#[test]
fn streams_that_swell() {
    // 200 MB of text from 200 KB, by filters one upon another as well.
    let line = repeated("BT /F1 9 Tf (bomb bomb bomb) Tj ET ", 30_000);
    let packed = make::deflated(line.repeat(200).as_bytes());
    let twice = make::deflated(&packed);
    for (filter, data) in [("/Filter/FlateDecode", &packed), ("/Filter[/Fl/Fl]", &twice)] {
        let mut pdf = Pdf::of_pages(&[""]);
        let stream = pdf.stream(filter, data);
        pdf.set(make::FIRST_PAGE, &make::page_of(stream));
        let page = run("a bomb", pdf.bytes());
        assert!(page.truncated && page.text.is_some_and(|text| text.starts_with("bomb bomb")));
    }
    let mut pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET"]);
    let objects = make::deflated(&b"1 2 3 4 ".repeat(10_000_000));
    for _ in 0..20 {
        pdf.stream("/Type/ObjStm/N 9/First 80000000/Filter/FlateDecode", &objects);
    }
    assert!(run("a bomb of objects", pdf.bytes()).truncated);
    let mut pdf = Pdf::of_pages(&[""]);
    let filters = repeated("/AHx", 100_000);
    let stream = pdf.stream(&format!("/Filter[{filters}]"), b"00");
    pdf.set(make::FIRST_PAGE, &make::page_of(stream));
    run("a hundred thousand filters", pdf.bytes());
}

#[test]
fn trees_that_loop() {
    let mut pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET"]);
    pdf.set(2, "<</Type/Pages/Kids[2 0 R 1 0 R 6 0 R 2 0 R 6 0 R]/Parent 2 0 R/Resources<</Font<</F1 5 0 R>>>>>>");
    assert_eq!(run("a tree in itself", pdf.bytes()).text.as_deref(), Some("a"));

    let mut pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET /X Do"]);
    let form = pdf.stream("/Subtype/Form", b"/X Do BT /F1 9 Tf 0 -100 Td (b) Tj ET /X Do");
    pdf.set(make::FORMS, &format!("<</X {form} 0 R>>"));
    let page = run("a form in itself", pdf.bytes());
    assert!(page.truncated && page.text.is_some_and(|text| text.starts_with("a\n\nb")));

    // Each reference leads to another one, the last to the first.
    let mut pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET"]);
    let next = pdf.object("8 0 R");
    pdf.object(&format!("{next} 0 R"));
    pdf.set(make::FORMS, &format!("{next} 0 R"));
    pdf.set(make::FIRST_PAGE, "<</Type/Page/Contents[8 0 R 4 0 R]>>");
    assert_eq!(run("references in a ring", pdf.bytes()).text.as_deref(), Some("a"));
}

#[test]
fn anything_nested_or_many() {
    let deep = 300_000;
    for (name, object) in [
        ("arrays", repeated("[", deep) + &repeated("]", deep)),
        ("dictionaries", repeated("<</A", deep) + &repeated(">>", deep)),
        ("brackets that stay open", repeated("[<<", deep)),
        ("parentheses", repeated("(", deep)),
        ("objects", repeated("1 0 obj<<", deep)),
        ("objects with streams", repeated("9 0 obj<<>>stream ", deep)),
        ("words", repeated("obj endobj trailer<< stream xref ", deep)),
        ("names", format!("<<{}>>", repeated("/A#41 1", deep))),
    ] {
        let mut pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET"]);
        pdf.object(&object);
        run(name, pdf.bytes());
        let mut pdf = Pdf::of_pages(&[&object]);
        pdf.object("");
        run(name, pdf.bytes());
    }
    let saved = repeated("q ", deep) + "BT /F1 9 Tf (a) Tj ET" + &repeated(" Q", deep);
    let page = run("states", Pdf::of_pages(&[&saved]).bytes());
    assert_eq!(page.text.as_deref(), Some("a"));
    let images = repeated("BI ID EI BI x ", deep);
    run("images", Pdf::of_pages(&[&images]).bytes());
}

#[test]
fn a_hundred_thousand_pages() {
    let mut pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET"]);
    let mut kids = String::new();
    for _ in 0..100_000 {
        kids += &format!("{} 0 R ", pdf.object(&make::page_of(4)));
    }
    pdf.set(2, &format!("<</Type/Pages/Kids[{kids}]/Resources<</Font<</F1 5 0 R>>>>>>"));
    let page = run("pages", pdf.bytes());
    assert!(page.truncated);
    let text = page.text.expect("asked for");
    assert_eq!(text.split("\n\n").count(), 500);
}

#[test]
fn a_million_objects() {
    let mut file = b"%PDF-1.4\n".to_vec();
    for number in 1..=1_000_000 {
        file.extend_from_slice(format!("{number} 0 obj 1\n").as_bytes());
    }
    let page = run("objects", file);
    assert_eq!((page.unreadable, page.truncated), (Some(Unreadable::Broken), true));
}

#[test]
fn fonts_that_never_end() {
    let mut pdf = Pdf::of_pages(&[&repeated("BT /F1 9 Tf <0001> Tj ET ", 1_000)]);
    let map = make::deflated(
        repeated("1 beginbfrange <0000> <ffff> <0041> endbfrange ", 400_000).as_bytes(),
    );
    let map = pdf.stream("/Filter/FlateDecode", &map);
    let widths = repeated("0 65535 1 ", 300_000);
    let font = format!(
        "<</Subtype/Type0/Encoding/Identity-H/ToUnicode {map} 0 R/DescendantFonts[<</W[{widths}]>>]>>"
    );
    // Not an object of its own, so it is read at every use.
    let resources = format!("<</Font<</F1 {font}>>>>");
    pdf.set(2, &format!("<</Type/Pages/Kids[6 0 R]/Resources{resources}>>"));
    let page = run("a font", pdf.bytes());
    assert!(page.truncated);
}

#[test]
fn cut_at_any_byte() {
    let mut pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET", "BT /F1 9 Tf [(b)-900(c)] TJ ET"]);
    pdf.info("<</Title(T)/CreationDate(D:20240131)>>");
    for file in [pdf.bytes(), pdf.with_packed_objects()] {
        for end in 0..file.len() {
            page(&file[..end]);
        }
    }
}
