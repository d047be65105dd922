use std::time::Duration;

use forward::{Answer, NextTry, Receipt, Schedule};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

fn receipt(outcome: Answer, retry_after: Option<Duration>) -> Receipt {
    Receipt {
        outcome,
        status: None,
        duration: Duration::ZERO,
        retry_after,
        pause: None,
        detail: String::new(),
    }
}

fn next(schedule: &Schedule, attempt: u32, receipt: &Receipt) -> NextTry {
    schedule.next(attempt, receipt, &mut StdRng::seed_from_u64(attempt.into()))
}

#[test]
fn the_default_is_the_documented_one() {
    let schedule = Schedule::default();
    assert_eq!(schedule.to_string(), "0,5s,5m,30m,2h,5h,10h,14h,20h,24h");
    assert_eq!("0,5s,5m,30m,2h,5h,10h,14h,20h,24h".parse(), Ok(schedule.clone()));
    assert_eq!((schedule.attempts(), schedule.first()), (10, Duration::ZERO));
}

#[test]
fn delays_are_read_as_people_write_them() {
    let schedule: Schedule = " 0 , 250ms,1h30m, 1d ,90s".parse().unwrap();
    assert_eq!(schedule.to_string(), "0,250ms,1h30m,24h,1m30s");
}

#[test]
fn what_is_not_a_schedule_is_named() {
    let hundred_and_one = vec!["1s"; 101].join(",");
    for (text, says) in [
        ("", "entry 1 of the schedule, ``: it is empty"),
        ("0,,5s", "entry 2 of the schedule, ``: it is empty"),
        ("5", "`5`: it has no number and unit"),
        ("0,s", "entry 2 of the schedule, `s`: it has no number"),
        ("-5s", "it has no number"),
        ("5 s", "units are d, h, m, s, ms"),
        ("5w", "units are d, h, m, s, ms"),
        ("5m1h", "in this order"),
        ("99999999999999999999s", "it is too long"),
        ("99999999999999999d", "it is too long"),
        ("0,31d", "entry 2 of the schedule is longer than 30 days"),
        (&hundred_and_one, "at most 100 entries"),
    ] {
        let error = text.parse::<Schedule>().expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    assert!(Schedule::new([]).is_err());
}

#[test]
fn a_refusal_gets_one_more_try() {
    let refused = receipt(Answer::Refused, None);
    assert!(matches!(next(&Schedule::default(), 1, &refused), NextTry::After(_)));
    assert_eq!(next(&Schedule::default(), 2, &refused), NextTry::GiveUp);
    let once: Schedule = "0".parse().unwrap();
    assert_eq!(next(&once, 1, &refused), NextTry::GiveUp);
}

#[test]
fn what_is_final_is_final_at_once() {
    for outcome in [Answer::Gone, Answer::Forbidden, Answer::Accepted] {
        let asked = receipt(outcome, Some(Duration::from_secs(1)));
        assert_eq!(next(&Schedule::default(), 1, &asked), NextTry::GiveUp, "{outcome}");
    }
}

#[test]
fn retry_after_is_honoured_up_to_a_day() {
    let asked = |s| receipt(Answer::Retryable, Some(Duration::from_secs(s)));
    let day = Schedule::MAX_RETRY_AFTER;
    assert_eq!(next(&Schedule::default(), 1, &asked(u64::MAX)), NextTry::After(day));
    let NextTry::After(short) = next(&Schedule::default(), 2, &asked(1)) else { panic!() };
    assert!(short >= Duration::from_secs(270), "it does not shorten the schedule: {short:?}");
}

fn delays() -> impl Strategy<Value = Vec<Duration>> {
    let longest_ms = u64::try_from(Schedule::MAX_DELAY.as_millis()).unwrap();
    let one = prop_oneof![Just(0), 0..10_000_u64, 0..=longest_ms];
    vec(one.prop_map(Duration::from_millis), 1..=Schedule::MAX_ATTEMPTS)
}

proptest! {
    #[test]
    fn text_round_trips(delays in delays()) {
        let schedule = Schedule::new(delays).unwrap();
        prop_assert_eq!(schedule.to_string().parse::<Schedule>(), Ok(schedule));
    }

    #[test]
    fn reading_never_panics_and_what_is_read_is_in_bounds(text in "[0-9smhd, .-]{0,40}|.{0,40}") {
        if let Ok(schedule) = text.parse::<Schedule>() {
            prop_assert!(schedule.first() <= Schedule::MAX_DELAY);
            prop_assert_eq!(schedule.to_string().parse::<Schedule>(), Ok(schedule));
        }
    }

    #[test]
    fn the_next_try_is_the_schedules_within_a_tenth_or_what_was_asked(
        delays in delays(),
        attempt in 1..=120_u32,
        asked_s in prop::option::of(0..200_000_u64),
        seed in any::<u64>(),
    ) {
        let schedule = Schedule::new(delays.clone()).unwrap();
        let asked = asked_s.map(Duration::from_secs);
        let receipt = receipt(Answer::Retryable, asked);
        match schedule.next(attempt, &receipt, &mut StdRng::seed_from_u64(seed)) {
            NextTry::GiveUp => prop_assert!(attempt >= schedule.attempts()),
            NextTry::After(delay) => {
                prop_assert!(attempt < schedule.attempts());
                let planned = delays[attempt as usize];
                let asked = asked.unwrap_or_default().min(Schedule::MAX_RETRY_AFTER);
                prop_assert!(delay >= (planned - planned / 10).max(asked));
                prop_assert!(delay <= (planned + planned / 10).max(asked + asked / 10));
                let spread_ms = planned.as_millis() / 10;
                if asked.is_zero() && spread_ms == 0 {
                    prop_assert_eq!(delay, planned);
                }
            }
        }
    }
}
