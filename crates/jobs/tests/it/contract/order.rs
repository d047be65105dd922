//! A lane that keeps its order: one in flight, and what fails is put back before the rest.

use jobs::{LaneNews, Outcome};

use super::health::BAD;
use crate::backend::{Backend, FETCH};
use crate::rig::{Differently, MANY, Rig, at, done, id, job};

/// Fails the first job until its third attempt; answers the order in which jobs were done.
async fn with_a_failing_first<B: Backend>(rig: &Rig<B>, health: LaneNews) -> Vec<u64> {
    let (mut now, mut order, mut failed) = (10, Vec::new(), 0);
    while order.len() < 5 {
        let claimed = rig.take(&FETCH, MANY, now).await;
        assert_eq!(claimed.len(), 1, "one at a time");
        let n = (0..5).find(|n| id(*n) == claimed[0].lease.id).expect("one of five");
        if n == 0 && claimed[0].attempt < 3 {
            failed += 1;
            let until = now + 7_000;
            let long_ago = claimed[0].created_at;
            let outcome = Outcome::Retry { at: long_ago, note: "not now".to_owned() };
            let news = LaneNews { pause_until: Some(at(until)), ..health };
            rig.tell(claimed[0].lease, outcome, news, now).await;
            // Younger ones come meanwhile, and must wait.
            rig.accept([job(90 + failed).due(now)]).await;
            assert!(rig.take(&FETCH, MANY, until - 1).await.is_empty());
            assert_eq!(rig.next_due(&FETCH), Some(at(until)), "one waits till then");
            now = until;
            continue;
        }
        order.push(n);
        rig.end(claimed[0].lease, done(), now).await;
    }
    assert_eq!(failed, 2);
    order
}

pub(super) async fn what_fails_in_an_ordered_lane_comes_first_again<B: Backend>() {
    for health in [LaneNews::default(), BAD] {
        let rig = Rig::<B>::lanes(1, 0);
        rig.accept((0..5).map(|n| job(n).due(n))).await;
        assert_eq!(with_a_failing_first(&rig, health).await, [0, 1, 2, 3, 4]);
    }
}
