//! PDF by chance: files that are right but for what is drawn, then changed byte by byte.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::grammar::{Case, changed};
use crate::random::Random;

#[rustfmt::skip]
const DRAWN: &[&str] = &[
    "BT ", "ET ", "/F1 10 Tf ", "/F2 1 Tf ", "/F3 -9 Tf ", "(some words) Tj ", "<00410042> Tj ",
    "[(a)-300(b)20(c)] TJ ", "0 -12 Td ", "300 0 TD ", "T* ", "1 0 0 1 50 700 Tm ", "0 1 -1 0 9 9 Tm ",
    "q ", "Q ", "2 0 0 2 0 0 cm ", "0 0 0 0 0 0 cm ", "/X1 Do ", "/X2 Do ", "BI /W 1 ID x EI ",
    "(\\225 item) ' ", "1 2 (x) \" ", "50 Tz ", "5 Tc ", "9 Ts ", "% comment\n", "1e9 99999999999 Td ",
    "/Span<</ActualText(x)>>BDC EMC ", "[[[<<", ">> ]", "(open", "\u{e9}", "<41", "/F1 1e400 Tf ",
];

#[rustfmt::skip]
const VALUES: &[&str] = &[
    "/WinAnsiEncoding", "/MacRomanEncoding", "<</Differences[1/fi 65/Omega/uni0416 -1/x 300/y]>>",
    "9 0 R", "12 0 R", "5 0 R", "null", "[]", "[[1 2]3]", "-1", "1e9", "(text)", "<feff0041>",
];

/// A file with a font of each kind, forms, and perhaps a stream of objects.
pub(crate) fn pdf(random: &mut Random) -> Case {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut objects = vec![
        (1, "<</Type/Catalog/Pages 2 0 R/Lang(en)/Metadata 13 0 R>>".to_owned()),
        (2, "<</Type/Pages/Kids[3 0 R 4 0 R 2 0 R]/Resources 5 0 R>>".to_owned()),
        (3, "<</Type/Page/Parent 2 0 R/Contents 10 0 R>>".to_owned()),
        (4, "<</Type/Page/Contents[10 0 R 11 0 R 99 0 R]>>".to_owned()),
        (5, "<</Font<</F1 6 0 R/F2 7 0 R/F3 8 0 R>>/XObject<</X1 11 0 R/X2 12 0 R>>>>".to_owned()),
        (
            6,
            format!(
                "<</Subtype/Type1/BaseFont/A/FirstChar {}/Widths[500 600]/Encoding {}>>",
                random.below(300),
                random.of(VALUES)
            ),
        ),
        (
            7,
            format!(
                "<</Subtype/Type0/Encoding/Identity-H/ToUnicode 9 0 R\
                 /DescendantFonts[<</DW {}/W[1[9 {}]2 3 4]>>]>>",
                random.of(VALUES),
                random.of(VALUES)
            ),
        ),
        (8, "<</Subtype/Type3/FontMatrix[.01 0 0 .01 0 0]/CharProcs<<>>>>".to_owned()),
        (
            14,
            format!(
                "<</Title {}/Author(A; B)/CreationDate(D:2024013112{}Z)>>",
                random.of(VALUES),
                random.below(99)
            ),
        ),
    ];
    if random.once_in(3) {
        let packed = objects.split_off(random.below(objects.len()));
        let (mut index, mut inside) = (String::new(), String::new());
        for (number, object) in packed {
            index += &format!("{number} {} ", inside.len());
            inside += &object;
        }
        let entries = format!("/Type/ObjStm/First {}/N 9", index.len());
        stream(random, &mut file, 15, &entries, &(index + &inside));
    }
    for (number, object) in objects {
        file.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let map = "1 beginbfchar <0041> <00e9> endbfchar 2 beginbfrange <0042> <0050> <0061> \
               <01> <05> [<0066> <D83DDE00>] endbfrange";
    stream(random, &mut file, 9, "", map);
    let drawn = random.several(DRAWN, 60);
    stream(random, &mut file, 10, "", &drawn);
    let drawn = random.several(DRAWN, 20);
    stream(random, &mut file, 11, "/Subtype/Form/Matrix[1 0 0 1 5 5]", &drawn);
    let drawn = random.several(DRAWN, 20);
    stream(random, &mut file, 12, "/Subtype/Form/Resources 5 0 R", &drawn);
    stream(
        random,
        &mut file,
        13,
        "/Type/Metadata",
        "<rdf:li><dc:title>T</dc:title><dc:creator>A B",
    );
    file.extend_from_slice(b"trailer<</Root 1 0 R/Info 14 0 R>>\n");
    let body = if random.once_in(4) { file } else { changed(random, file) };
    Case { body, content_type: "application/pdf", select: None }
}

fn stream(random: &mut Random, file: &mut Vec<u8>, number: usize, entries: &str, data: &str) {
    let (filter, data) = match random.below(3) {
        0 => ("", data.as_bytes().to_vec()),
        1 => (
            "/Filter/AHx",
            data.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
        ),
        _ => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(data.as_bytes()).expect("a Vec takes all");
            ("/Filter/FlateDecode", encoder.finish().expect("a Vec takes all"))
        }
    };
    let length = if random.once_in(5) { random.below(999) } else { data.len() };
    let head = format!("{number} 0 obj<</Length {length}{filter}{entries}>>stream\n");
    file.extend_from_slice(head.as_bytes());
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\nendstream endobj\n");
}
