use proptest::prelude::*;

use super::*;

#[test]
fn bylines() {
    let cases: &[(&str, &[&str])] = &[
        ("Jane Doe", &["Jane Doe"]),
        ("By Jane Doe", &["Jane Doe"]),
        ("by: Jane Doe", &["Jane Doe"]),
        ("BY JANE DOE", &["Jane Doe"]),
        ("ByJane Doe", &["Jane Doe"]),
        ("Written by Jane Doe", &["Jane Doe"]),
        ("Posted by Jane Doe on May 6, 2024", &["Jane Doe"]),
        ("Article by Jane Doe", &["Jane Doe"]),
        ("View all posts by Jane Doe", &["Jane Doe"]),
        ("Author: Jane Doe", &["Jane Doe"]),
        ("Author: By Jane Doe", &["Jane Doe"]),
        ("Jane Doe and John Roe", &["Jane Doe", "John Roe"]),
        ("Jane Doe, John Roe and Mary Major", &["Jane Doe", "John Roe", "Mary Major"]),
        ("Jane Doe & John Roe", &["Jane Doe", "John Roe"]),
        ("Jane Doe; John Roe", &["Jane Doe", "John Roe"]),
        ("Jane Doe / John Roe", &["Jane Doe", "John Roe"]),
        ("Jane Doe | The Daily", &["Jane Doe", "The Daily"]),
        ("Jane Doe, Staff Writer", &["Jane Doe"]),
        ("Jane Doe, PhD", &["Jane Doe"]),
        ("Jane Doe, M.D., MPH", &["Jane Doe"]),
        ("Jane Doe (Reuters)", &["Jane Doe"]),
        ("Jane Doe - May 6, 2024", &["Jane Doe"]),
        ("Jane Doe – Example News", &["Jane Doe"]),
        ("Jane Doe jane@example.com", &["Jane Doe"]),
        ("Jane Doe @janedoe", &["Jane Doe"]),
        ("Jane Doe Updated May 6, 2024", &["Jane Doe"]),
        ("Jane Doe Published 12:30", &["Jane Doe"]),
        ("Jane Doe 6 May 2024", &["Jane Doe"]),
        ("Jane Doe is a writer from London.", &["Jane Doe"]),
        ("Jane Doe, Jane Doe", &["Jane Doe"]),
        ("Jane Doe; JANE DOE", &["Jane Doe"]),
        ("Jane &amp; John", &["Jane", "John"]),
        ("<b>Jane Doe</b>", &["Jane Doe"]),
        ("  Jane\n\tDoe ", &["Jane Doe"]),
        ("J. R. Doe", &["J. R. Doe"]),
        ("Jane Doe Jr.", &["Jane Doe Jr."]),
        ("Ludwig van Beispiel", &["Ludwig van Beispiel"]),
        ("Jane O'Doe", &["Jane O'Doe"]),
        ("Jane Doe-Roe", &["Jane Doe-Roe"]),
        ("Von Jana Beispiel", &["Jana Beispiel"]),
        ("von Jana", &["Jana"]),
        ("Von Trier", &["Von Trier"]),
        ("Veröffentlicht von Jana Beispiel am 6. Mai", &["Jana Beispiel"]),
        ("Eingestellt von Jana", &["Jana"]),
        ("Text: Jana Beispiel", &["Jana Beispiel"]),
        ("Redaktion: Jana Beispiel", &["Jana Beispiel"]),
        ("Jana Beispiel und Max Muster", &["Jana Beispiel", "Max Muster"]),
        ("Par Jeanne Exemple", &["Jeanne Exemple"]),
        ("Publié par Jeanne Exemple", &["Jeanne Exemple"]),
        ("Por Juana Ejemplo y Pedro Prueba", &["Juana Ejemplo", "Pedro Prueba"]),
        ("di Maria Esempio", &["Maria Esempio"]),
        ("Door Jan Voorbeeld", &["Jan Voorbeeld"]),
        ("Av Kari Eksempel", &["Kari Eksempel"]),
        ("Автор: Иван Примеров", &["Иван Примеров"]),
        ("作者：王小明", &["王小明"]),
        ("责任编辑：王小明", &["王小明"]),
        ("بقلم: سارة مثال", &["سارة مثال"]),
        ("The Associated Press", &["The Associated Press"]),
        ("gardener42", &["gardener42"]),
        ("", &[]),
        ("By", &[]),
        ("admin", &[]),
        ("Staff", &[]),
        ("Guest Author", &[]),
        ("https://example.com/jane", &[]),
        ("@janedoe", &[]),
        ("jane@example.com", &[]),
        ("undefined", &[]),
        ("12345", &[]),
        ("{{ author }}", &[]),
        ("May 6, 2024", &[]),
        ("-", &[]),
    ];
    assert!(cases.len() >= 60);
    let wrong: Vec<_> = cases
        .iter()
        .map(|(written, expected)| (written, expected, names(written)))
        .filter(|(_, expected, found)| found != *expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn lines_that_name_the_author() {
    for line in [
        "By Jane Doe",
        "By",
        "Written by Jane Doe",
        "Posted on May 6, 2024 by Jane Doe",
        "Von Jana Beispiel",
    ] {
        assert!(is_byline(line), "{line}");
    }
    for line in [
        "Photo by Jane Doe",
        "by the way",
        "by hand",
        "Made by us",
        "Reviewed by Jane Doe",
        "Stand by me",
        "Text",
    ] {
        assert!(!is_byline(line), "{line}");
    }
}

#[test]
fn what_looks_like_a_name() {
    for name in ["Jane Doe", "Ludwig van Beispiel", "王小明", "jana", "Иван Примеров"]
    {
        assert!(is_likely(name), "{name}");
    }
    for name in ["May", "Thursday", "Jane went home", "6 May", "Tea: a story"] {
        assert!(!is_likely(name), "{name}");
    }
    assert!(is_account("jane.doe.12") && is_account("janedoe") && !is_account("Jane"));
}

proptest! {
    #[test]
    fn any_text_gives_names_within_bounds(text in "\\PC{0,200}") {
        let names = names(&text);
        prop_assert!(names.len() <= MAX_NAMES);
        for name in names {
            prop_assert!(!name.trim().is_empty() && name.chars().count() <= 60, "{name:?}");
        }
        let _ = (is_byline(&text), behind_lead(&text), is_likely(&text), is_account(&text));
    }

    #[test]
    fn a_plain_name_stays(given in "[A-Z][a-z]{2,8}", family in "[A-Z][a-z]{4,8}") {
        let name = format!("{given} {family}");
        prop_assume!(!name.contains("Editor") && lead::strip(&name) == name);
        prop_assert_eq!(names(&format!("By {name}")), [name]);
    }
}
