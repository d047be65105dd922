//! PDF, from bytes to text.

mod hostile;
mod make;

use extract::{Format, Formats, MediaKind, Options, Page, Unreadable, extract};

use make::Pdf;

fn page(bytes: &[u8]) -> Page {
    let url = "https://a.example/paper.pdf".parse().expect("the address is right");
    extract(bytes, Some("application/pdf"), &url, &Options::default())
}

fn text(bytes: &[u8]) -> String {
    let page = page(bytes);
    assert_eq!((page.unreadable, page.truncated), (None, false), "{page:?}");
    page.text.expect("text was asked for")
}

/// A page with this content in a font of one byte for each letter.
fn drawn(content: &str) -> String {
    text(&Pdf::of_pages(&[content]).bytes())
}

#[test]
fn words_lines_paragraphs_and_pages() {
    let one = "BT /F1 12 Tf 72 720 Td (A heading) Tj 0 -30 Td (The first line of a paragraph) Tj \
        0 -14 Td (and the second line of a para-) Tj 0 -14 Td (graph) Tj ET";
    let two = "BT /F1 12 Tf 1 0 0 1 72 700 Tm [(An)-300(oth)20(er)] TJ 50 0 Td (page) Tj ET";
    let page = page(&Pdf::of_pages(&[one, two]).bytes());
    let expected = "A heading\n\nThe first line of a paragraph and the second line of a paragraph\n\nAn other page";
    assert_eq!(page.text.as_deref(), Some(expected));
    assert_eq!(page.markdown, page.text.map(|text| text + "\n"));
    assert_eq!(page.media, Some(MediaKind::Pdf));
    assert_eq!((page.charset, page.html, page.truncated), (None, None, false));
}

#[test]
fn short_lines_items_and_signs() {
    let content = "BT /F1 10 Tf 14 TL 72 700 Td (1 Some Street) Tj T* (A Town) Tj T* \
        (of a country with a long name) Tj 0 -40 Td (\\225 one) Tj T* (\\225 two <b> & *three*) Tj ET";
    assert_eq!(
        drawn(content),
        "1 Some Street\nA Town\nof a country with a long name\n\none\ntwo <b> & *three*"
    );
    let page = page(&Pdf::of_pages(&[content]).bytes());
    assert!(page.markdown.expect("asked for").contains("- two \\<b> & \\*three\\*"));
}

#[test]
fn spaces_are_where_there_is_room() {
    for (content, expected) in [
        ("BT /F1 10 Tf (a) Tj 5.2 0 Td (b) Tj ET", "ab"),
        ("BT /F1 10 Tf (a) Tj 8 0 Td (b) Tj ET", "a b"),
        ("BT /F1 10 Tf (a ) Tj 12 0 Td (b) Tj ET", "a b"),
        ("BT /F1 1 Tf 10 0 0 10 0 0 Tm (a) Tj .52 0 Td (b) Tj ET", "ab"),
        ("BT /F1 10 Tf [(a) -200 (b) 5 (c)] TJ ET", "a bc"),
        ("BT /F1 10 Tf 3 Tc (abc) Tj ET", "abc"),
        ("BT /F1 10 Tf 0 1 -1 0 50 50 Tm (up) Tj ET", "up"),
        // Index and exponent.
        ("BT /F1 10 Tf (x) Tj 5.2 -2 Td (1) Tj 5.2 2 Td (y) Tj ET", "x1y"),
        // Bold letters that are drawn twice.
        ("BT /F1 10 Tf (ab) Tj ET BT .3 0 Td (ab) Tj ET", "ab"),
        ("BT /F1 10 Tf 12 TL (a) ' (b) ' ET", "a b"),
        ("q /F1 10 Tf Q BT (no font) Tj ET BT /F1 9 Tf (a) Tj ET", "a"),
        ("BI /W 1 /H 1 ID \0(no) Tj EI BT /F1 10 Tf (a) Tj ET", "a"),
    ] {
        assert_eq!(drawn(content), expected, "{content}");
    }
}

#[test]
fn letters_by_encodings_and_maps() {
    let font = |font: &str| {
        let mut pdf = Pdf::of_pages(&["BT /F1 10 Tf (\\223A\\001\\344) Tj ET"]);
        pdf.set(make::FONT, font);
        text(&pdf.bytes())
    };
    let win = "<</Type/Font/Subtype/TrueType/BaseFont/X/Encoding/WinAnsiEncoding>>";
    assert_eq!(font(win), "“Aä");
    let mac = "<</Type/Font/Subtype/Type1/BaseFont/X/Encoding/MacRomanEncoding>>";
    assert_eq!(font(mac), "ìA‰");
    let named =
        "<</Subtype/Type1/BaseFont/X/Encoding<</Differences[1/f_i/fi 65/Omega/B 147/uni0416]>>>>";
    assert_eq!(font(named), "ЖΩ");
    let ligature = "<</Subtype/Type1/BaseFont/X/Encoding<</Differences[1/ffi]>>>>";
    assert_eq!(font(ligature), "Affi");
}

#[test]
fn letters_of_two_bytes() {
    let mut pdf = Pdf::of_pages(&["BT /F1 10 Tf <0001000200030009> Tj ET"]);
    let map = pdf.stream(
        "",
        b"2 beginbfchar <0001> <4F60> <0002> <597D> endbfchar \
          1 beginbfrange <0003> <0004> [<D83DDE00>] endbfrange",
    );
    pdf.set(
        make::FONT,
        &format!(
            "<</Subtype/Type0/Encoding/Identity-H/ToUnicode {map} 0 R\
             /DescendantFonts[<</DW 500/W[1 [900 900] 3 4 1000]>>]>>"
        ),
    );
    assert_eq!(text(&pdf.bytes()), "你好😀");
    let mut pdf = Pdf::of_pages(&["BT /F1 10 Tf <8365834C83588367> Tj ET"]);
    pdf.set(make::FONT, "<</Subtype/Type0/Encoding/90ms-RKSJ-H>>");
    assert_eq!(text(&pdf.bytes()), "テキスト");
    let mut pdf = Pdf::of_pages(&["BT /F1 10 Tf <4F60597D> Tj ET"]);
    pdf.set(make::FONT, "<</Subtype/Type0/Encoding/UniGB-UCS2-H>>");
    assert_eq!(text(&pdf.bytes()), "你好");
}

#[test]
fn forms_draw_where_they_are_put() {
    let mut pdf = Pdf::of_pages(&["BT /F1 10 Tf (a) Tj ET q 1 0 0 1 0 -100 cm /X1 Do Q /X2 Do"]);
    let form = pdf.stream("/Subtype/Form/Resources<<>>", b"BT 3 0 Td (no font of mine) Tj ET");
    let own = pdf.stream("/Subtype/Form/Matrix[1 0 0 1 0 -200]", b"BT /F1 9 Tf (b) Tj ET");
    pdf.set(make::FORMS, &format!("<</X1 {form} 0 R/X2 {own} 0 R>>"));
    // The font of the state around is the form's too.
    assert_eq!(text(&pdf.bytes()), "a\n\nno font of mine\n\nb");
}

#[test]
fn what_a_file_says_of_itself() {
    let mut pdf = Pdf::of_pages(&["BT /F1 10 Tf (a) Tj ET"]);
    pdf.info(
        "<</Title<FEFF00C90074>/Author(Ann Author; Bo \\214uvre)/Subject( a  b )\
          /CreationDate(D:20240131120000+01'00')/ModDate(D:20240201)>>",
    );
    let found = page(&pdf.bytes());
    assert_eq!(found.title.as_deref(), Some("Ét"));
    let metadata = found.metadata.expect("asked for");
    assert_eq!(metadata.authors, ["Ann Author", "Bo „uvre"]);
    assert_eq!(metadata.description.as_deref(), Some("a b"));
    assert_eq!(metadata.published.as_deref(), Some("2024-01-31T12:00:00+01:00"));
    assert_eq!(metadata.modified.as_deref(), Some("2024-02-01"));
    assert_eq!(metadata.sources["title"], "pdf-info");

    let mut pdf = Pdf::of_pages(&["BT /F1 10 Tf (a) Tj ET"]);
    let xmp = pdf.stream(
        "/Type/Metadata",
        "<?xpacket begin='' id='x'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF>\
         <rdf:Description xmp:CreateDate='2023-05-06T07:08:09Z'>\
         <dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Ein &amp; Titel</rdf:li></rdf:Alt></dc:title>\
         <dc:creator><rdf:Seq><rdf:li>A B</rdf:li><rdf:li>C D</rdf:li></rdf:Seq></dc:creator>\
         </rdf:Description></rdf:RDF></x:xmpmeta>"
            .as_bytes(),
    );
    pdf.set(make::CATALOG, &format!("<</Type/Catalog/Pages 2 0 R/Lang(de)/Metadata {xmp} 0 R>>"));
    let found = page(&pdf.bytes());
    assert_eq!(found.title.as_deref(), Some("Ein & Titel"));
    let metadata = found.metadata.expect("asked for");
    assert_eq!(metadata.author.as_deref(), Some("A B; C D"));
    assert_eq!(metadata.language.as_deref(), Some("de"));
    assert_eq!(metadata.published.as_deref(), Some("2023-05-06T07:08:09Z"));
    assert_eq!(metadata.sources["authors"], "xmp");
}

#[test]
fn packed_in_every_way() {
    let content = b"BT /F1 10 Tf (packed) Tj ET";
    let hex: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
    for (filter, data) in [
        ("/Filter/FlateDecode", make::deflated(content)),
        ("/Filter[/Fl]", make::deflated(content)),
        ("/Filter[/AHx/FlateDecode]", {
            let hex: String =
                make::deflated(content).iter().map(|byte| format!("{byte:02X} ")).collect();
            hex.into_bytes()
        }),
        ("/Filter/ASCIIHexDecode", format!("{hex}>junk").into_bytes()),
        ("/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 9>>", {
            let rows: Vec<u8> = content
                .chunks(9)
                .scan([0_u8; 9], |above, row| {
                    let mut out = vec![2];
                    out.extend(row.iter().zip(above.iter()).map(|(own, up)| own.wrapping_sub(*up)));
                    above[..row.len()].copy_from_slice(row);
                    Some(out)
                })
                .flatten()
                .collect();
            make::deflated(&rows)
        }),
        // Its end and its checksum are missing.
        ("/Filter/FlateDecode", {
            let packed = make::deflated(content);
            packed[..packed.len() - 4].to_vec()
        }),
    ] {
        let mut pdf = Pdf::of_pages(&[""]);
        let stream = pdf.stream(filter, &data);
        pdf.set(make::FIRST_PAGE, &make::page_of(stream));
        assert_eq!(text(&pdf.bytes()), "packed", "{filter}");
    }
}

#[test]
fn objects_in_streams() {
    let pdf = Pdf::of_pages(&["BT /F1 10 Tf (inside) Tj ET"]);
    assert_eq!(text(&pdf.with_packed_objects()), "inside");
}

#[test]
fn files_that_are_broken_still_say_something() {
    let whole = Pdf::of_pages(&["BT /F1 10 Tf (rescued) Tj ET"]).bytes();
    // Neither a table nor a trailer, and wrong lengths everywhere.
    let text_of = String::from_utf8(whole.clone()).expect("all of it is ASCII");
    let without_trailer = &text_of[..text_of.find("trailer").expect("it has one")];
    assert_eq!(text(without_trailer.as_bytes()), "rescued");
    assert_eq!(text(without_trailer.replace("/Length ", "/Length 9").as_bytes()), "rescued");
    assert_eq!(text(without_trailer.replace("/Kids", "/Kid").as_bytes()), "rescued");
    assert_eq!(text(without_trailer.replace("endobj", "").as_bytes()), "rescued");
    // Of two objects with one number the later one counts.
    let updated =
        [&whole[..], b"\n4 0 obj<</Length 0>>stream\nBT /F1 9 Tf (new) Tj ET\nendstream"].concat();
    assert_eq!(text(&updated), "new");
}

#[test]
fn why_there_is_no_text() {
    for (bytes, expected) in [
        (b"%PDF-1.7\n".to_vec(), Unreadable::Broken),
        (b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj".to_vec(), Unreadable::Broken),
        (Pdf::of_pages(&["0 0 m 9 9 l S"]).bytes(), Unreadable::NoText),
        (
            {
                let mut pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET"]);
                pdf.trailer("/Encrypt<</Filter/Standard/V 2>>");
                pdf.bytes()
            },
            Unreadable::Encrypted,
        ),
    ] {
        let page = page(&bytes);
        assert_eq!((page.unreadable, page.truncated), (Some(expected), false));
        assert_eq!((page.text.as_deref(), page.markdown.as_deref()), (Some(""), Some("")));
    }
}

#[test]
fn only_what_was_asked_for() {
    let url = "https://a.example/".parse().expect("the address is right");
    let pdf = Pdf::of_pages(&["BT /F1 9 Tf (a) Tj ET"]).bytes();
    let options = |formats| Options { formats, ..Options::default() };
    let made = extract(&pdf, None, &url, &options(Formats::NONE.with(Format::Markdown)));
    assert_eq!((made.text, made.markdown.as_deref()), (None, Some("a\n")));
    assert_eq!((made.metadata, made.links), (None, None));
    let made = extract(&pdf, None, &url, &options(Formats::NONE.with(Format::Raw)));
    assert_eq!((made.unreadable, made.media), (None, Some(MediaKind::Pdf)));
}
