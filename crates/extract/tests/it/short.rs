//! Pages of a few words.

use extract::{Options, extract};

#[test]
fn a_page_of_a_few_words_is_kept_with_its_heading() {
    let html = "<!doctype html><title>Example Domain</title><body><nav><a href=/>Home</a></nav><div>\
        <h1>Example Domain</h1><p>This domain is for use in illustrative examples in documents.</p>\
        <p><a href='https://iana.example/x'>More information...</a></p></div>\
        <footer>2024 Example</footer>";
    let url = "https://example.com/".parse().expect("the address is right");
    let page = extract(html.as_bytes(), Some("text/html"), &url, &Options::default());
    assert_eq!(
        page.markdown.as_deref(),
        Some(
            "# Example Domain\n\nThis domain is for use in illustrative examples in documents.\n\n\
             [More information...](https://iana.example/x)\n"
        )
    );
}
