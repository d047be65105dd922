//! The contract of [`jobs::Store`]: one test per property, the same for every backend.

mod accept;
mod bounds;
mod cancel;
mod claim;
mod disk;
mod due;
mod durable;
mod lanes;
mod lease;
mod life;
mod read;
mod redrive;
mod settle;
mod signal;
mod sweep;

/// One module per backend, one test in it per property.
macro_rules! contract {
    (
        every: { $($area:ident: [$($property:ident),+ $(,)?]),+ $(,)? },
        lasting: { $($place:ident: [$($lasting:ident),+ $(,)?]),+ $(,)? } $(,)?
    ) => {
        contract!(@backend memory, Memory, { $($area: [$($property),+]),+ });
        contract!(@backend sqlite, Sqlite, {
            $($area: [$($property),+],)+ $($place: [$($lasting),+]),+
        });
    };
    (@backend $module:ident, $backend:ident, {
        $($area:ident: [$($property:ident),+ $(,)?]),+ $(,)?
    }) => {
        mod $module {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $property() {
                    super::$area::$property::<crate::backend::$backend>().await;
                }
            )+)+
        }
    };
}

contract! {
    every: {
        accept: [
            a_new_job_is_created_and_waits,
            a_spec_comes_back_byte_for_byte,
            the_same_id_twice_is_one_job,
            the_same_id_twice_in_one_batch_is_one_job,
            the_same_key_and_fingerprint_is_the_first_job,
            the_same_key_with_another_fingerprint_is_a_conflict,
            a_key_is_free_again_once_its_job_is_swept,
            answers_come_in_the_order_of_the_batch,
            an_empty_batch_is_answered,
            an_unknown_stage_is_invalid_and_stores_nothing,
            many_submitters_each_get_their_own_answer,
            many_submitters_of_one_id_make_one_job,
            dropping_a_submission_does_not_take_it_back,
        ],
        bounds: [
            full_by_jobs_and_room_again_when_one_is_over,
            full_by_bytes_and_room_again_when_one_is_over,
            results_count_against_the_byte_bound,
            a_repeat_is_recognised_when_full,
            dropping_a_submission_leaks_no_room,
        ],
        claim: [
            nothing_is_claimed_before_it_is_due,
            a_claimed_job_is_not_claimed_again,
            a_job_called_off_is_not_claimed,
            concurrent_claims_never_share_a_job,
            no_more_than_max_are_claimed,
            only_the_named_stage_is_claimed,
            a_claim_carries_what_was_accepted,
            a_claim_tells_of_the_result_so_far,
            a_lane_serves_the_earliest_due_first,
            claiming_an_unknown_stage_is_invalid,
            a_clock_that_steps_back_breaks_nothing,
        ],
        lanes: [
            lane_concurrency_is_never_exceeded,
            every_outcome_frees_a_place_in_the_lane,
            an_expired_lease_frees_a_place_in_the_lane,
            lane_interval_is_kept,
            lanes_are_served_in_turn,
            a_long_lane_does_not_starve_another,
            a_full_lane_does_not_block_another,
            a_paused_lane_is_not_claimed_and_others_are,
            a_pause_holds_jobs_that_come_later,
            a_pause_only_grows,
            a_lane_is_of_one_stage,
            lanes_are_told_busiest_first,
        ],
        lease: [
            a_retry_charges_the_attempt,
            a_release_charges_nothing,
            a_lost_lease_charges_nothing,
            the_epoch_grows_with_every_claim,
            a_stale_settlement_is_lost_and_changes_nothing,
            a_late_settlement_stands_while_nobody_else_has_the_job,
            settling_twice_is_lost,
            settling_a_job_that_is_not_there_is_lost,
            a_lease_holds_until_its_end,
            an_expired_lease_is_claimable_once_again,
            extending_keeps_a_lease,
            extending_a_lost_lease_is_false,
            extensions_are_answered_in_order,
        ],
        settle: [
            advance_moves_the_job_with_result_and_verdict,
            advance_starts_the_attempts_again,
            advance_waits_until_due,
            done_keeps_what_it_does_not_replace,
            done_replaces_what_it_says,
            dead_is_kept_with_its_result_and_note,
            a_retry_waits_until_its_time_and_keeps_its_note,
            a_release_waits_until_its_time,
            answers_come_in_order_and_one_lost_lease_spoils_nothing,
            advancing_to_an_unknown_stage_is_invalid_and_changes_nothing,
            a_result_comes_back_byte_for_byte,
            an_empty_result_is_a_result,
            no_result_is_none,
        ],
        cancel: [
            a_waiting_job_is_called_off,
            a_leased_job_is_called_off_and_its_lease_is_void,
            with_next_it_goes_on_to_tell,
            with_next_a_leased_job_goes_on_and_its_lease_is_void,
            in_the_next_stage_already_it_is_over,
            a_job_that_is_over_stays_as_it_was,
            an_unknown_job_is_unknown,
            calling_off_frees_the_lane,
        ],
        redrive: [
            a_live_job_is_left_alone,
            a_job_not_there_is_unknown,
            a_dead_job_waits_again_with_all_its_attempts,
            result_and_verdict_stay,
            a_cancelled_job_can_be_taken_up,
            it_waits_until_due,
            an_unknown_stage_is_invalid,
        ],
        read: [
            an_unknown_job_is_none,
            jobs_are_listed_newest_first,
            a_filter_by_state_tells_apart,
            a_filter_by_stage_and_verdict_tells_apart,
            a_limit_is_kept,
            a_cursor_neither_skips_nor_repeats,
            counts_add_up_after_every_operation,
            every_change_is_dated,
        ],
        due: [
            oldest_due_is_the_earliest,
            next_due_is_none_when_nothing_waits,
            next_due_tells_of_a_future_job,
            next_due_tells_of_a_pause,
            next_due_tells_of_an_interval,
            next_due_tells_of_a_lease_that_will_expire,
        ],
        signal: [
            submitting_signals,
            advancing_signals_the_next_stage,
            a_freed_place_signals,
            releasing_signals,
            redriving_signals,
            calling_off_with_next_signals_the_next_stage,
        ],
        sweep: [
            only_jobs_that_were_over_before_the_cutoff_go,
            live_jobs_are_never_swept,
            a_redriven_job_is_not_swept,
            a_sweep_is_bounded,
            nothing_is_left_of_a_swept_job,
        ],
        life: [
            a_fresh_store_is_healthy_and_empty,
            a_flush_is_answered,
            a_closed_store_says_so,
            closing_answers_what_was_under_way,
        ],
    },
    lasting: {
        durable: [
            everything_acknowledged_is_there_after_reopen,
            what_was_settled_is_there_after_reopen,
            leases_are_void_after_reopen,
            a_lease_from_before_settles_nothing_after_reopen,
            idempotency_survives_reopen,
            a_pause_survives_reopen,
            bounds_hold_after_reopen,
            cancellations_and_redrives_survive_reopen,
            swept_jobs_stay_away_after_reopen,
        ],
        disk: [
            a_sweep_gives_the_space_of_results_back,
            a_directory_in_use_is_refused,
            a_directory_that_is_a_file_is_refused,
            a_damaged_result_is_told_as_corrupt,
        ],
    },
}
