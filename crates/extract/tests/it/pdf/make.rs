//! PDF files written by hand.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// The numbers of the objects of every file.
pub(crate) const CATALOG: usize = 1;
pub(crate) const FORMS: usize = 3;
pub(crate) const FONT: usize = 5;
pub(crate) const FIRST_PAGE: usize = 6;

/// A file: objects by their numbers, from 1.
pub(crate) struct Pdf {
    objects: Vec<Vec<u8>>,
    info: String,
    trailer: String,
}

pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

/// A page whose content is that object.
pub(crate) fn page_of(content: usize) -> String {
    format!("<</Type/Page/Parent 2 0 R/Contents {content} 0 R>>")
}

impl Pdf {
    /// A file with a page for each content.
    pub(crate) fn of_pages(contents: &[&str]) -> Self {
        let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";
        let mut pdf = Self { objects: Vec::new(), info: String::new(), trailer: String::new() };
        pdf.object("<</Type/Catalog/Pages 2 0 R>>");
        pdf.object("");
        pdf.object("<<>>");
        pdf.stream("", contents[0].as_bytes());
        pdf.object(font);
        let mut kids = format!("{} 0 R", pdf.object(&page_of(4)));
        for content in &contents[1..] {
            let stream = pdf.stream("", content.as_bytes());
            kids += &format!(" {} 0 R", pdf.object(&page_of(stream)));
        }
        let resources = "/Resources<</Font<</F1 5 0 R>>/XObject 3 0 R>>";
        let count = contents.len();
        pdf.set(2, &format!("<</Type/Pages/Kids[{kids}]/Count {count}{resources}>>"));
        pdf
    }

    /// Adds an object; its number.
    pub(crate) fn object(&mut self, value: &str) -> usize {
        self.objects.push(value.into());
        self.objects.len()
    }

    /// Adds a stream; its number.
    pub(crate) fn stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let mut object = format!("<</Length {}{entries}>>\nstream\n", data.len()).into_bytes();
        object.extend_from_slice(data);
        object.extend_from_slice(b"\nendstream");
        self.objects.push(object);
        self.objects.len()
    }

    pub(crate) fn set(&mut self, number: usize, value: &str) {
        self.objects[number - 1] = value.into();
    }

    pub(crate) fn info(&mut self, info: &str) {
        let number = self.object(info);
        self.info = format!("/Info {number} 0 R");
    }

    pub(crate) fn trailer(&mut self, entries: &str) {
        self.trailer = entries.to_owned();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = b"%PDF-1.7\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.objects.len() + 1);
        for (nth, object) in self.objects.iter().enumerate() {
            table += &format!("{:010} 00000 n \n", out.len());
            out.extend_from_slice(format!("{} 0 obj\n", nth + 1).as_bytes());
            out.extend_from_slice(object);
            out.extend_from_slice(b"\nendobj\n");
        }
        let (size, start) = (self.objects.len() + 1, out.len());
        let entries = format!("/Size {size}/Root 1 0 R{}{}", self.info, self.trailer);
        out.extend_from_slice(table.as_bytes());
        let trailer = format!("trailer\n<<{entries}>>\nstartxref\n{start}\n%%EOF\n");
        out.extend_from_slice(trailer.as_bytes());
        out
    }

    /// All objects but streams in one stream of objects, with a stream for a trailer.
    pub(crate) fn with_packed_objects(&self) -> Vec<u8> {
        let (mut index, mut inside) = (String::new(), Vec::new());
        let mut out = b"%PDF-1.7\n".to_vec();
        let mut count = 0;
        for (nth, object) in self.objects.iter().enumerate() {
            if object.ends_with(b"endstream") {
                out.extend_from_slice(format!("{} 0 obj\n", nth + 1).as_bytes());
                out.extend_from_slice(object);
                out.extend_from_slice(b"\nendobj\n");
            } else {
                index += &format!("{} {} ", nth + 1, inside.len());
                inside.extend_from_slice(object);
                inside.push(b' ');
                count += 1;
            }
        }
        let packed = deflated(&[index.as_bytes(), &inside].concat());
        let length = packed.len();
        let head = format!(
            "90 0 obj<</Type/ObjStm/N {count}/First {}/Length {length}/Filter/FlateDecode>>stream\r\n",
            index.len()
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&packed);
        out.extend_from_slice(
            b"\nendstream endobj 91 0 obj<</Type/XRef/Root 1 0 R/Length 1>>stream\nx\nendstream",
        );
        out
    }
}
