use proptest::prelude::*;

use super::Order::{DayFirst, MonthFirst};
use super::*;

/// Spellings of 6 May 2024, for either order.
#[rustfmt::skip]
const SAME_DAY: &[&str] = &[
    // ISO 8601 and what is meant to be
    "2024-05-06", "2024/05/06", "2024.05.06", "20240506", "2024-5-6", "2024/5/6", "2024. 5. 6.",
    "2024-05-06T07:08:09Z", "2024-05-06T07:08:09.123+02:00", "2024-05-06 07:08", "2024-05-06T07:08+0200",
    "20240506T070809Z", "20240506070809", "\"2024-05-06\"", " 2024-05-06 ", "2024-05-06T07:08:09 UTC",
    // Numbers whose order is sure by the separator
    "06.05.2024", "6.5.2024", "06.05.24", "6. 5. 2024", "06.05.2024, 07:08 Uhr", "06 | 05 | 2024",
    // English
    "May 6, 2024", "May 6 2024", "May 6th, 2024", "May. 6, 2024", "6 May 2024", "6th May 2024", "6th of May, 2024",
    "6-May-2024", "6-May-24", "06 MAY 2024", "Mon, 06 May 2024 07:08:09 GMT", "Monday, May 6, 2024",
    "Mon May 06 07:08:09 UTC 2024", "Published on May 6, 2024 by Jane", "Posted: 6 May, 2024", "May 6, 2024 at 7:08 pm",
    "2024 May 6", "2024, May 6", "May 6 '24", "Updated 6 May 2024 | 07:08",
    // Other languages of Europe
    "6. Mai 2024", "6 Mai 2024", "Montag, 6. Mai 2024", "Stand: 06. Mai 2024", "6 mai 2024", "lundi 6 mai 2024 à 07h08",
    "6 de mayo de 2024", "6 mayo, 2024", "6 de maio de 2024", "6 maggio 2024", "lunedì 6 maggio 2024", "6 mei 2024",
    "6 maja 2024", "6 maja 2024 r.", "6. května 2024", "6. mája 2024", "6. maj 2024", "6. maja 2024.", "6. svibnja 2024.",
    "6. maj 2024", "6 maj 2024", "6. mai 2024", "6. toukokuuta 2024", "6. mai 2024. a", 
    "2024 m. gegužės 6 d.", "2024. május 6.", "2024. május 6., hétfő", "6 mai 2024, 07:08", "6 мая 2024", "6 мая 2024 г.",
    "6 травня 2024", "6 мая 2024, 07:08", "6 май 2024", "6. мај 2024.", "6 Μαΐου 2024", "6 de maig de 2024", "6 maí 2024",
    "6 Mayıs 2024", "06 Mayıs 2024 Pazartesi", "6 may 2024", "6 maj 2024",
    // Beyond Europe
    "2024年5月6日", "2024年05月06日 07:08", "2024年5月6日（月）", "2024년 5월 6일", "2024년 05월 06일 월요일", 
    "6 Mei 2024", "Senin, 6 Mei 2024", "6 tháng 5 năm 2024", "ngày 6 tháng 5, 2024", "6 พฤษภาคม 2567", "6 พฤษภาคม 2024",
    "6 मई 2024", "٦ مايو ٢٠٢٤", "6 مايو 2024", "6 أيار 2024", "6 במאי 2024", "6 مئی 2024", "6 মে 2024", "6 մայիսի 2024",
    "6 მაისი 2024", "6 may 2024",
];

#[test]
fn one_day_in_many_spellings() {
    assert!(SAME_DAY.len() >= 100);
    let unread: Vec<_> = SAME_DAY
        .iter()
        .filter(|written| {
            [DayFirst, MonthFirst].iter().any(|order| {
                let found = value(written, *order).map(|stamp| stamp.to_string());
                found.is_none_or(|found| !found.starts_with("2024-05-06"))
            })
        })
        .collect();
    assert!(unread.is_empty(), "{unread:?}");
}

#[test]
fn the_order_of_day_and_month() {
    let cases = [
        ("05/06/2024", "2024-06-05", "2024-05-06"),
        ("5/6/24", "2024-06-05", "2024-05-06"),
        ("5-6-2024", "2024-06-05", "2024-05-06"),
        ("25/06/2024", "2024-06-25", "2024-06-25"),
        ("06/25/2024", "2024-06-25", "2024-06-25"),
        ("05.06.2024", "2024-06-05", "2024-06-05"),
        ("Published 05/06/2024 - 11:38", "2024-06-05T11:38:00", "2024-05-06T11:38:00"),
    ];
    for (written, day, month) in cases {
        let read = |order| find(written, order).map(|stamp| stamp.to_string());
        assert_eq!(read(DayFirst).as_deref(), Some(day), "{written}");
        assert_eq!(read(MonthFirst).as_deref(), Some(month), "{written}");
    }
}

#[test]
fn times_and_zones() {
    let cases = [
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("2024-05-06T07:08:09.5+02:00", "2024-05-06T07:08:09+02:00"),
        ("2024-05-06T07:08-0530", "2024-05-06T07:08:00-05:30"),
        ("2024-05-06 07:08:09", "2024-05-06T07:08:09"),
        ("2024-05-06T24:08:09", "2024-05-06"),
        ("2024-05-06T07:08:60Z", "2024-05-06T07:08:59Z"),
        ("Mon, 06 May 2024 07:08:09 +0200", "2024-05-06T07:08:09+02:00"),
        ("Mon, 06 May 2024 07:08:09 GMT", "2024-05-06T07:08:09Z"),
        ("May 6, 2024 7:08 pm", "2024-05-06T19:08:00"),
        ("May 6, 2024, 12:08 a.m. EST", "2024-05-06T00:08:00-05:00"),
        ("May 6, 2024 at 7:08pm PDT", "2024-05-06T19:08:00-07:00"),
        ("6. Mai 2024, 07:08 Uhr", "2024-05-06T07:08:00"),
        ("1714979289", "2024-05-06T07:08:09Z"),
        ("1714979289000", "2024-05-06T07:08:09Z"),
    ];
    for (written, expected) in cases {
        let found = value(written, DayFirst).map(|stamp| stamp.to_string());
        assert_eq!(found.as_deref(), Some(expected), "{written}");
    }
}

#[test]
fn what_is_no_date() {
    let cases = [
        "",
        "yesterday",
        "2 days ago",
        "vor 3 Stunden",
        "2024",
        "May 2024",
        "5/2024",
        "2024-13-06",
        "2024-02-30",
        "31.02.2024",
        "1.2.3",
        "version 1.22.33.5 of 10",
        "0044 20 7946 0958",
        "12:30",
        "$6.05",
        "32 May 2024",
        "2051-05-06",
        "1789-07-14",
        "10-20-30",
        "Room 5 6 2024",
        "© 2024",
        "0000-00-00",
        "123456789012",
    ];
    for written in cases {
        assert_eq!(value(written, DayFirst), None, "{written}");
    }
}

#[test]
fn dates_among_words() {
    let cases = [
        ("The shop opened in 1999. Posted on 6 May 2024.", Some("2024-05-06")),
        ("Von Jana, 06.05.2024", Some("2024-05-06")),
        ("Call 555 6 May 2024", None),
        ("By Jane Doe · May 6, 2024 · 5 min read", Some("2024-05-06")),
        ("Geändert am 6. Mai 2024 um 7 Uhr", Some("2024-05-06")),
    ];
    for (written, expected) in cases {
        let found = find(written, DayFirst).map(|stamp| stamp.to_string());
        assert_eq!(found.as_deref(), expected, "{written}");
    }
}

#[test]
fn days_beside_a_time_in_utc() {
    let read = |written| value(written, DayFirst).unwrap();
    assert!(read("2024-05-06T02:00:00Z").can_be_day_of(read("2024-05-05")));
    assert!(!read("2024-05-06T20:00:00Z").can_be_day_of(read("2024-05-05")));
    assert!(read("2024-05-06T20:00:00Z").can_be_day_of(read("2024-05-07")));
    assert!(!read("2024-05-06T02:00:00+02:00").can_be_day_of(read("2024-05-05")));
    assert_eq!(read("2024-05-06T22:00:00Z").day_of_midnight(), Some(read("2024-05-07")));
    assert_eq!(read("2024-05-06T22:10:00Z").day_of_midnight(), None);
}

proptest! {
    #[test]
    fn any_text_gives_a_date_that_exists_or_none(text in "\\PC{0,60}") {
        check(&text);
    }

    #[test]
    fn anything_like_a_date_does_too(
        text in "[0-9]{1,4}[-/. ]{0,2}(May|мая|5月|Mai|de|[0-9]{1,2})[-/., ]{0,2}[0-9]{1,4}[T ]?[0-9:+.Zpm ]{0,12}"
    ) {
        check(&text);
    }
}

fn check(text: &str) {
    for order in [DayFirst, MonthFirst] {
        for stamp in [value(text, order), find(text, order), in_address(text)].into_iter().flatten()
        {
            let written = stamp.to_string();
            let (date, time) = written.split_once('T').unwrap_or((&written, ""));
            assert!(date.parse::<jiff::civil::Date>().is_ok(), "{text}: {written}");
            assert!(
                time.is_empty()
                    || written.parse::<jiff::civil::DateTime>().is_ok()
                    || written.parse::<jiff::Timestamp>().is_ok(),
                "{text}: {written}"
            );
        }
    }
}
