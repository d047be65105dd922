//! What holds for every step of the state machine, whatever the row and the event.

use bytes::Bytes;
use jobs::{
    Change, Event, LaneKey, Next, Outcome, Redrive, Refusal, Row, Stage, State, Timestamp, Verdict,
    transition,
};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::backend::{DELIVER, FETCH};

fn stage() -> impl Strategy<Value = Stage> {
    prop_oneof![Just(FETCH.clone()), Just(DELIVER.clone())]
}

fn lane() -> impl Strategy<Value = LaneKey> {
    prop_oneof![Just("a"), Just("b")].prop_map(LaneKey::new)
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_u64..8).prop_map(Timestamp::from_millis)
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Succeeded), Just(Verdict::Failed), Just(Verdict::Cancelled)]
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Waiting),
        Just(State::Leased),
        Just(State::Done),
        Just(State::Dead),
        Just(State::Cancelled)
    ]
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..4).prop_map(Bytes::from)
}

fn next() -> impl Strategy<Value = Next> {
    (stage(), lane(), time(), verdict(), bytes())
        .prop_map(|(stage, lane, due, verdict, result)| Next { stage, lane, due, verdict, result })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        next().prop_map(Outcome::Advance),
        time().prop_map(|at| Outcome::Retry { at, note: "note".to_owned() }),
        time().prop_map(|at| Outcome::Release { at }),
        (option::of(verdict()), option::of(bytes()), option::of(Just("note".to_owned())))
            .prop_map(|(verdict, result, note)| Outcome::Done { verdict, result, note }),
        Just(Outcome::Dead { note: "note".to_owned() }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        time().prop_map(|until| Event::Claim { until }),
        (0_u32..4, time()).prop_map(|(epoch, until)| Event::Extend { epoch, until }),
        (0_u32..4, outcome()).prop_map(|(epoch, outcome)| Event::Settle { epoch, outcome }),
        Just(Event::Expire),
        option::of(next()).prop_map(|next| Event::Cancel { next }),
        (stage(), lane(), time()).prop_map(|(stage, lane, due)| Event::Redrive(Redrive {
            stage,
            lane,
            due
        })),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let expires = option::of(time());
    (state(), stage(), lane(), time(), 0_u32..4, 0_u32..4, option::of(verdict()), expires).prop_map(
        |(state, stage, lane, due, epoch, attempts, verdict, expires)| Row {
            state,
            stage,
            lane,
            due,
            epoch,
            attempts,
            expires,
            verdict,
        },
    )
}

/// What holds for a change, whatever led to it.
fn check_change(old: &Row, event: &Event, now: Timestamp, change: &Change) -> TestCaseResult {
    let new = &change.row;
    prop_assert!(new.epoch >= old.epoch, "an epoch never goes back");
    prop_assert!(new.verdict.is_some() || old.verdict.is_none(), "a verdict is never lost");
    prop_assert!(new.attempts <= old.attempts + 1, "at most one attempt is charged");
    let moves = matches!(
        event,
        Event::Settle { outcome: Outcome::Advance(_), .. }
            | Event::Cancel { next: Some(_) }
            | Event::Redrive(_)
    );
    prop_assert!(moves || (&new.stage, &new.lane) == (&old.stage, &old.lane), "it stays put");
    if old.state.is_terminal() {
        prop_assert!(matches!(event, Event::Redrive(_)), "only a redrive takes it up again");
        prop_assert!(change.result.is_none() && change.note.is_none());
        prop_assert_eq!(new.verdict, old.verdict);
    }
    if new.state == State::Leased && old.state != State::Leased {
        prop_assert!(matches!(event, Event::Claim { .. }), "only a claim leases");
        let ready = old.due <= now || old.expires.is_some_and(|expires| expires <= now);
        prop_assert!(
            old.state == State::Waiting && ready,
            "only what is due or expired is claimed"
        );
        prop_assert!(new.epoch > old.epoch, "a new lease has a new epoch");
        prop_assert_eq!(new.attempts, old.attempts, "a claim charges nothing");
    }
    if new.state == State::Waiting && new.stage != old.stage {
        prop_assert_eq!(new.attempts, 0, "a stage begins with all its attempts");
    }
    Ok(())
}

/// The lease that was there is worth nothing after this change.
fn check_void(old: &Row, change: &Change, now: Timestamp) -> TestCaseResult {
    let late = Event::Settle { epoch: old.epoch, outcome: Outcome::Release { at: now } };
    prop_assert_eq!(transition(&change.row, late, now), Err(Refusal::LeaseLost));
    let mut row = change.row.clone();
    if row.state == State::Waiting {
        row = transition(&row, Event::Claim { until: row.due }, row.due).expect("it is due").row;
        let late = Event::Settle { epoch: old.epoch, outcome: Outcome::Release { at: now } };
        prop_assert_eq!(transition(&row, late, now), Err(Refusal::LeaseLost), "nor later");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_is_a_legal_one(row in row(), event in event(), now in time()) {
        let answer = transition(&row, event.clone(), now);
        prop_assert_eq!(&answer, &transition(&row, event.clone(), now), "it is a function");
        if let Ok(change) = &answer {
            check_change(&row, &event, now, change)?;
        }
    }

    #[test]
    fn a_lease_is_worth_nothing_once_it_was_used_or_revoked(
        row in row(), event in event(), now in time(),
    ) {
        let row = Row { state: State::Leased, ..row };
        match transition(&row, event.clone(), now) {
            Ok(_) if matches!(event, Event::Extend { .. }) => {}
            Ok(change) => check_void(&row, &change, now)?,
            Err(refusal) => prop_assert_ne!(refusal, Refusal::Over),
        }
    }

    #[test]
    fn what_is_refused_is_refused_for_the_reason_given(
        row in row(), event in event(), now in time(),
    ) {
        let Err(refusal) = transition(&row, event.clone(), now) else { return Ok(()) };
        let fits = match (event, refusal) {
            (Event::Claim { .. }, Refusal::NotClaimable) => {
                let expired = row.expires.is_some_and(|expires| expires <= now);
                row.state != State::Waiting || (row.due > now && !expired)
            }
            (Event::Extend { epoch, .. } | Event::Settle { epoch, .. }, Refusal::LeaseLost) => {
                row.state != State::Leased || row.epoch != epoch
            }
            (Event::Expire, Refusal::NotClaimable) => row.state != State::Leased || row.due > now,
            (Event::Cancel { .. }, Refusal::Over) => row.state.is_terminal(),
            (Event::Redrive(_), Refusal::Live) => !row.state.is_terminal(),
            _ => false,
        };
        prop_assert!(fits, "{:?}", refusal);
    }

    #[test]
    fn attempts_are_charged_by_what_was_tried(row in row(), outcome in outcome(), now in time()) {
        let row = Row { state: State::Leased, ..row };
        let event = Event::Settle { epoch: row.epoch, outcome: outcome.clone() };
        let change = transition(&row, event, now).expect("its lease is good");
        let charged = match &outcome {
            Outcome::Advance(_) => 0,
            Outcome::Release { .. } => row.attempts,
            _ => row.attempts + 1,
        };
        prop_assert_eq!(change.row.attempts, charged);
        let result = match outcome {
            Outcome::Advance(next) => Some(next.result),
            Outcome::Done { result, .. } => result,
            _ => None,
        };
        prop_assert_eq!(change.result, result);
    }

    #[test]
    fn a_job_expires_in_its_first_stage_only_and_once(
        row in row(), outcome in outcome(), now in time(),
    ) {
        let row = Row { state: State::Leased, ..row };
        let event = Event::Settle { epoch: row.epoch, outcome: outcome.clone() };
        let after = transition(&row, event, now).expect("its lease is good").row;
        match outcome {
            Outcome::Retry { at, .. } | Outcome::Release { at } => match row.expires {
                Some(expires) if expires > now => prop_assert_eq!(after.expires, row.expires),
                // Its time was up: it is not given out before the time it is put back to.
                Some(_) => prop_assert!(after.expires >= Some(at)),
                None => prop_assert_eq!(after.expires, None),
            },
            _ => prop_assert_eq!(after.expires, None),
        }
    }

    #[test]
    fn a_job_can_always_be_brought_to_an_end(
        row in row(), events in prop::collection::vec((event(), time()), 0..20),
    ) {
        let mut row = row;
        for (event, now) in events {
            if let Ok(change) = transition(&row, event, now) {
                row = change.row;
            }
        }
        let now = Timestamp::from_millis(100);
        if row.state == State::Leased {
            row = transition(&row, Event::Expire, now).expect("its time is up").row;
        }
        if row.state == State::Waiting {
            let until = Timestamp::from_millis(200);
            row = transition(&row, Event::Claim { until }, now).expect("it is due").row;
            let outcome = Outcome::Done { verdict: None, result: None, note: None };
            let event = Event::Settle { epoch: row.epoch, outcome };
            row = transition(&row, event, now).expect("its lease is good").row;
        }
        prop_assert!(row.state.is_terminal());
    }
}
