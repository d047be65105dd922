/// An HTML page of exactly `size` bytes (at least a small one), the same every time: a head with
/// the usual metadata, navigation, and an article of headings, paragraphs with links and
/// emphasis, lists and tables.
pub(crate) fn html(size: usize) -> String {
    const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <title>Notes on keeping a promise</title>\n\
        <meta name=\"description\" content=\"What a queue owes to whoever trusts it\">\n\
        <meta name=\"author\" content=\"A. Writer\">\n\
        <link rel=\"canonical\" href=\"/notes\">\n\
        <style>body{max-width:40em;margin:auto}</style>\n\
        <script>document.documentElement.className='js'</script>\n</head>\n<body>\n\
        <nav><ul><li><a href=\"/\">Home</a></li><li><a href=\"/about\">About</a></li></ul></nav>\n\
        <article>\n<h1>Notes on keeping a promise</h1>\n";
    const TAIL: &str =
        "</article>\n<footer><p>Printed on loopback.</p></footer>\n</body>\n</html>\n";
    const COMMENT: &str = "<!---->";
    let mut page = String::with_capacity(size + 64);
    page.push_str(HEAD);
    for n in 1.. {
        let part = section(n);
        if page.len() + part.len() + TAIL.len() + COMMENT.len() > size {
            break;
        }
        page.push_str(&part);
    }
    page.push_str(TAIL);
    // The rest is a comment, so that the size is what was asked for.
    if let Some(rest) = size.checked_sub(page.len() + COMMENT.len()) {
        page.push_str("<!--");
        page.extend(std::iter::repeat_n('.', rest));
        page.push_str("-->");
    }
    page
}

fn section(n: usize) -> String {
    format!(
        "<h2>Part {n}</h2>\n<p>A job that was answered is <em>written down</em> &amp; synced; see \
         <a href=\"/part/{n}\">part {n}</a> and <a href=\"https://example.com/{n}?a=1&amp;b=2\">the \
         other place</a>. The sea was grey &ndash; the harbour, at half past {n}, was not. Nobody \
         had asked for the lighthouse to be moved, and yet there it stood.</p>\n\
         <ul><li>first of {n}</li><li>second, <strong>stronger</strong></li><li><code>third</code>\
         </li></ul>\n<table><tr><th>what</th><th>how many</th></tr><tr><td>boats</td><td>{n}</td>\
         </tr></table>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_size_that_was_asked_for() {
        for size in [2_000, 15_000, 15_001, 100_000] {
            assert_eq!(html(size).len(), size);
        }
    }
}
