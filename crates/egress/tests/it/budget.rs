use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use egress::{Budget, Reservation};
use futures_util::FutureExt;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::timeout;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// What can be had without waiting.
fn now(budget: &Budget, bytes: u64) -> Option<Reservation> {
    budget.reserve(bytes).now_or_never()
}

#[tokio::test]
async fn what_is_taken_comes_back() {
    let budget = Budget::new(4 * MIB);
    assert_eq!((budget.total(), budget.largest(), budget.in_use()), (4 * MIB, 3 * MIB, 0));
    let mut a = budget.reserve(1).await;
    assert_eq!(a.bytes(), KIB, "whole KiB");
    a.shrink_to(0);
    assert_eq!(a.bytes(), KIB, "never less than one");
    let mut b = budget.reserve(MIB + 1).await;
    assert_eq!(b.bytes(), MIB + KIB);
    b.shrink_to(100 * KIB);
    b.shrink_to(200 * KIB);
    assert_eq!((b.bytes(), budget.in_use()), (100 * KIB, 101 * KIB));
    drop((a, b));
    assert_eq!(budget.in_use(), 0);
}

#[tokio::test]
async fn a_giant_fits_when_it_is_alone() {
    let budget = Budget::new(4 * MIB);
    let giant = now(&budget, u64::MAX).unwrap();
    assert_eq!(giant.bytes(), 3 * MIB);
    assert!(now(&budget, 65 * KIB).is_none());
    // Small ones have room of their own.
    let small: Vec<_> = (0..16).map(|_| now(&budget, 64 * KIB).unwrap()).collect();
    assert!(now(&budget, KIB).is_none());
    assert_eq!(budget.in_use(), budget.total());
    drop((giant, small));
    assert_eq!(now(&budget, 3 * MIB).unwrap().bytes(), 3 * MIB);
}

#[tokio::test]
async fn the_smallest_and_the_largest_budget_work() {
    for (asked, total) in [(0, 256 * KIB), (u64::MAX, (u64::from(u32::MAX / 2)) * 2 * KIB)] {
        let budget = Budget::new(asked);
        assert_eq!(budget.total(), total);
        assert!(now(&budget, 64 * KIB).is_some());
        assert!(now(&budget, u64::MAX).is_some());
    }
}

#[tokio::test]
async fn first_come_first_served() {
    let budget = Budget::new(4 * MIB);
    let held = budget.reserve(MIB).await;
    let mut giant = Box::pin(budget.reserve(3 * MIB));
    assert!((&mut giant).now_or_never().is_none());
    // There is room, but the giant was first.
    let mut later = Box::pin(budget.reserve(100 * KIB));
    assert!((&mut later).now_or_never().is_none());
    drop(held);
    let giant = giant.now_or_never().expect("its turn");
    assert!((&mut later).now_or_never().is_none());
    drop(giant);
    assert!(later.now_or_never().is_some());
}

#[tokio::test]
async fn who_gives_up_waiting_leaves_nothing_behind() {
    let budget = Budget::new(4 * MIB);
    let held = budget.reserve(2 * MIB).await;
    {
        let mut waiting = Box::pin(budget.reserve(3 * MIB));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(budget.in_use(), 2 * MIB, "waiting is not using");
    }
    assert!(now(&budget, MIB).is_some());
    drop(held);
    assert_eq!(budget.in_use(), 0);
    assert!(now(&budget, 3 * MIB).is_some());
}

#[tokio::test]
async fn a_small_one_grows_in_turn_and_a_large_one_at_once_or_not() {
    let budget = Budget::new(4 * MIB);
    let mut small = budget.reserve(64 * KIB).await;
    assert!(small.grow_to(10 * KIB).await, "it has that");
    assert_eq!(small.bytes(), 64 * KIB);

    let large = budget.reserve(3 * MIB).await;
    {
        let mut growing = Box::pin(small.grow_to(MIB));
        assert!((&mut growing).now_or_never().is_none());
        drop(large);
        assert_eq!(growing.now_or_never(), Some(true));
    }
    assert_eq!((small.bytes(), budget.in_use()), (MIB, MIB));

    let mut large = small;
    assert_eq!(large.grow_to(2 * MIB).now_or_never(), Some(true));
    let other = budget.reserve(MIB).await;
    assert_eq!(large.grow_to(3 * MIB).now_or_never(), Some(false));
    assert_eq!(large.bytes(), 2 * MIB);
    drop(other);
    assert_eq!(large.grow_to(100 * MIB).now_or_never(), Some(true), "clamped");
    assert_eq!(budget.in_use(), 3 * MIB);
}

#[tokio::test]
async fn the_middle_has_its_own_share_and_waits_only_upwards() {
    let budget = Budget::with_middle(8 * MIB);
    assert_eq!((budget.total(), budget.largest()), (8 * MIB, 4 * MIB));
    let small = 4 * MIB - KIB;
    assert_eq!(Budget::with_middle(small).largest(), Budget::new(small).largest(), "no middle");
    // Large ones leave it alone, and it leaves the small ones alone.
    let mut large = now(&budget, 4 * MIB).unwrap();
    let mut one = now(&budget, 64 * KIB).unwrap();
    assert_eq!(one.grow_to(256 * KIB).now_or_never(), Some(true));
    assert!(one.try_grow_to(MIB));
    let mut other = now(&budget, 512 * KIB).unwrap();
    let third = now(&budget, 512 * KIB).unwrap();
    assert!(now(&budget, 65 * KIB).is_none() && now(&budget, 64 * KIB).is_some());
    // It is full: whoever must grow waits for a large one, and gets it when the large one is done.
    assert!(!other.try_grow_to(MIB) && !other.try_grow_to(2 * MIB));
    {
        let mut growing = Box::pin(other.grow_to(MIB));
        assert!((&mut growing).now_or_never().is_none());
        large.shrink_to(3 * MIB);
        assert_eq!(growing.now_or_never(), Some(true));
    }
    assert_eq!(other.grow_to(2 * MIB).now_or_never(), Some(false), "now it is large itself");
    drop((large, third));
    assert_eq!(one.grow_to(100 * MIB).now_or_never(), None);
    drop(other);
    assert_eq!(one.grow_to(100 * MIB).now_or_never(), Some(true), "clamped");
    assert_eq!(budget.in_use(), 4 * MIB);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_given_more_by_steps() {
    let budget = Budget::with_middle(8 * MIB);
    let grown = async |held: &mut Reservation, bytes| {
        let mut growing = Box::pin(held.grow_for(bytes, 3 * MIB));
        (&mut growing).now_or_never()?.then_some(())?;
        drop(growing);
        Some(held.bytes() / KIB)
    };
    let mut body = now(&budget, 64 * KIB).unwrap();
    assert_eq!(grown(&mut body, 65 * KIB).await, Some(256));
    assert_eq!(grown(&mut body, 257 * KIB).await, Some(512));
    // Five at once in what one of them could need at most.
    let others: Vec<_> = (0..6).map(|_| now(&budget, 256 * KIB).unwrap()).collect();
    assert_eq!(grown(&mut body, 513 * KIB).await, Some(3 * 1024), "the middle is full");
    drop(others);
    let mut body = now(&budget, 64 * KIB).unwrap();
    assert_eq!(grown(&mut body, 1000 * KIB).await, Some(1024));
    assert_eq!(grown(&mut body, 1025 * KIB).await, None, "it waits for the large one");
    // Without a middle it is the most at once.
    let budget = Budget::new(8 * MIB);
    let mut body = now(&budget, 64 * KIB).unwrap();
    assert_eq!(grown(&mut body, 65 * KIB).await, Some(3 * 1024));
}

/// What one fetch does: start small or large, perhaps grow, perhaps shrink, let go or be dropped
/// while waiting.
async fn hold(budget: Budget, seed: u64, rounds: u32) {
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..rounds {
        let first = if rng.random_bool(0.5) {
            rng.random_range(0..=64 * KIB)
        } else {
            rng.random_range(0..8 * MIB)
        };
        let then = rng.random_range(0..8 * MIB);
        let (grow, shrink, keep) =
            (rng.random_bool(0.5), rng.random_bool(0.5), rng.random_range(0..first + 1));
        let patience = Duration::from_micros(rng.random_range(0..20_000));
        let held = async {
            let mut held = budget.reserve(first).await;
            tokio::task::yield_now().await;
            if grow && keep % 2 == 0 {
                held.grow_to(then).await;
            } else if grow {
                held.grow_for(then / 2, then).await;
                held.grow_for(then, then).await;
            }
            if shrink {
                held.shrink_to(keep);
            }
            tokio::task::yield_now().await;
        };
        if rng.random_bool(0.2) {
            let _ = timeout(patience, held).await;
        } else {
            held.await;
        }
    }
}

async fn stress(budget: Budget, holders: u64, rounds: u32, seed: u64) {
    let over = Arc::new(AtomicBool::new(false));
    let mut watch = JoinSet::new();
    let (watched, flag) = (budget.clone(), Arc::clone(&over));
    watch.spawn(async move {
        loop {
            if watched.in_use() > watched.total() {
                flag.store(true, Ordering::SeqCst);
            }
            tokio::task::yield_now().await;
        }
    });
    let mut all = JoinSet::new();
    for holder in 0..holders {
        all.spawn(hold(budget.clone(), seed.wrapping_mul(1_000).wrapping_add(holder), rounds));
    }
    let finished = timeout(Duration::from_secs(60), all.join_all()).await;
    assert!(finished.is_ok(), "deadlock: {budget:?}, seed {seed}");
    assert!(!over.load(Ordering::SeqCst), "more in use than there is");
    assert_eq!(budget.in_use(), 0);
    // Not `now`: this task may have used up its share of the scheduler's patience.
    let all = timeout(Duration::from_secs(60), budget.reserve(u64::MAX)).await;
    assert_eq!(all.expect("it is all there again").bytes(), budget.largest());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_holders_never_lock_up_and_never_exceed() {
    stress(Budget::new(6 * MIB), 128, 200, 7).await;
    stress(Budget::with_middle(6 * MIB), 128, 200, 7).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_mix_of_holders_gets_through(total in 0..16 * MIB, holders in 1..40_u64, seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        runtime.block_on(stress(Budget::new(total), holders, 20, seed));
        runtime.block_on(stress(Budget::with_middle(total), holders, 20, seed));
    }
}
