//! The contract of [`jobs::Store`]: one test per property, the same for every backend.

mod accept;
mod bounds;
mod breaker;
mod by_lane;
mod cancel;
mod claim;
mod disk;
mod documents;
mod due;
mod durable;
mod ending;
mod groups;
mod health;
mod idempotency;
mod lanes;
mod lease;
mod ledger;
mod life;
mod notes;
mod order;
mod owners;
mod pace;
mod priority;
mod read;
mod redrive;
mod settle;
mod signal;
mod sweep;
mod tell;

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
            answers_come_in_the_order_of_the_batch,
            an_empty_batch_is_answered,
            an_unknown_stage_is_invalid_and_stores_nothing,
            many_submitters_each_get_their_own_answer,
            many_submitters_of_one_id_make_one_job,
            dropping_a_submission_does_not_take_it_back,
        ],
        idempotency: [
            a_key_is_free_again_once_its_job_is_swept,
            a_key_is_free_again_when_its_job_fails_or_is_called_off,
            a_key_stays_with_a_job_that_goes_well_or_goes_on,
            a_key_is_free_again_when_its_job_is_old,
            a_freed_key_goes_to_one_of_many,
            a_key_stays_with_who_took_it_over,
            a_job_that_is_redriven_before_anybody_else_comes_has_its_key_again,
            a_job_that_is_there_already_takes_no_key_over,
            a_repeat_is_told_from_what_may_have_the_key_when_full,
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
        priority: [
            a_higher_priority_goes_first_in_its_lane,
            lanes_with_a_higher_priority_go_first,
            of_every_four_one_is_of_a_lower_priority,
            a_lane_that_is_flooded_does_not_forget_its_others,
            lanes_are_served_in_turn_within_a_priority,
            limits_and_pauses_hold_for_every_priority,
            no_priority_makes_a_job_due,
            a_priority_stays_with_its_job,
            an_ordered_lane_knows_no_priorities,
            a_lane_may_become_an_ordered_one,
            who_claims_by_lane_knows_no_priorities,
            a_clock_that_steps_back_breaks_no_priority,
        ],
        pace: [
            a_lane_has_the_limit_of_its_key,
            an_interval_that_was_asked_for_counts_from_the_last_claim,
            the_longer_of_two_intervals_holds,
            an_interval_that_was_asked_for_can_be_taken_back,
            an_interval_outlives_the_jobs_that_brought_it,
            claims_are_never_closer_than_the_interval_however_late_they_come,
            what_is_known_of_lanes_without_jobs_is_bounded,
            what_is_known_of_lanes_that_are_not_used_is_swept,
        ],
        health: [
            a_failing_lane_is_paused_ever_longer,
            a_failing_lane_is_probed_by_one_job,
            what_was_claimed_before_the_back_off_does_not_count_again,
            good_health_takes_the_back_off_back,
            a_pause_that_was_asked_for_outlasts_good_health,
            a_failing_lane_is_told_as_such,
            a_lane_that_recovers_signals,
        ],
        breaker: [
            a_circuit_opens_at_enough_failures_of_the_latest,
            work_that_says_nothing_does_not_count,
            a_lane_without_a_breaker_opens_at_the_first_failure,
            an_open_circuit_is_probed_ever_more_seldom,
            what_was_claimed_before_it_opened_neither_counts_nor_closes_it,
            a_circuit_that_closes_looks_back_on_nothing,
            a_window_outlives_the_jobs_that_filled_it,
            since_when_a_lane_fails_is_told_before_its_circuit_opens,
            a_lane_that_fails_for_long_is_given_up_open_or_not,
            a_circuit_that_closes_starts_slowly,
            work_that_is_done_and_says_nothing_speeds_a_slow_start_up,
            failures_do_not_speed_a_slow_start_up,
            a_place_that_a_slow_start_frees_signals,
        ],
        tell: [
            a_lane_is_paused_and_resumed_without_a_settlement,
            news_of_a_lane_without_jobs_waits_for_them,
            resuming_takes_back_what_was_asked_for_and_nothing_else,
            a_pause_can_be_shortened_by_resuming_with_another,
            a_lane_that_is_resumed_drains_in_order_and_starts_slowly,
            resuming_what_is_not_paused_changes_nothing,
            a_settlement_can_resume_its_lane,
            resuming_signals,
            health_that_is_told_counts,
            news_for_an_unknown_stage_is_invalid,
            limits_that_change_hold_from_then_on,
            limits_that_change_are_looked_up_for_lanes_that_wait,
            relimiting_signals,
        ],
        by_lane: [
            only_the_named_lane_is_claimed_in_its_order,
            a_claim_by_lane_carries_what_was_accepted,
            neither_pause_nor_interval_holds_back_who_claims_by_lane,
            what_is_claimed_by_lane_is_settled_as_ever,
            an_expired_lease_is_claimable_by_lane_again,
            concurrent_claims_by_lane_never_share_a_job,
            every_arrival_signals_those_who_claim_by_lane,
            all_who_wait_hear_of_an_arrival,
            next_due_of_a_stage_claimed_by_lane_is_never_past,
            claiming_by_lane_from_an_unknown_stage_is_invalid,
            a_job_that_is_claimed_by_lane_can_be_called_off,
        ],
        order: [
            what_fails_in_an_ordered_lane_comes_first_again,
        ],
        groups: [
            a_group_counts_the_jobs_that_were_accepted,
            each_job_is_counted_once_by_its_first_judgement,
            a_redriven_job_is_not_counted_again,
            a_group_without_an_open_job_signals,
            a_group_outlives_its_jobs_until_it_is_forgotten,
            a_forgotten_group_counts_no_more,
            jobs_are_listed_by_group,
            a_closed_store_forgets_no_group,
        ],
        owners: [
            jobs_are_listed_by_owner,
            an_owner_stays_with_its_job,
            an_owner_whose_name_is_too_long_is_invalid,
        ],
        documents: [
            documents_are_told_by_key,
            one_document_is_told_by_its_key,
            the_later_of_two_documents_stands,
            a_document_can_be_removed,
            a_document_that_is_too_long_is_invalid,
            documents_are_never_swept,
            a_closed_store_takes_no_documents,
        ],
        ending: [
            an_expired_job_is_given_out_at_that_very_moment,
            an_expired_job_is_given_out_whatever_its_lane_says,
            an_ended_job_takes_no_place_and_no_start_of_its_lane,
            a_job_that_was_claimed_in_time_is_worked_on,
            a_retry_that_would_come_too_late_does_not_wait_for_it,
            an_expired_job_that_is_put_back_waits_until_then,
            a_job_that_goes_on_does_not_expire,
            an_expired_job_that_is_called_off_is_not_given_out,
            submitting_what_expires_signals,
            jobs_of_a_lane_that_fails_for_long_are_given_up,
            the_moment_of_giving_up_is_told,
            a_lane_that_recovers_gives_nothing_up,
            a_lane_that_only_waits_gives_nothing_up,
            work_and_ends_do_not_hold_each_other_up,
        ],
        ledger: [
            attempts_are_kept_in_order,
            attempts_of_an_unknown_job_are_none,
            attempts_between_two_writes_are_all_kept,
            an_attempt_that_tells_nothing_leaves_no_entry,
            a_long_entry_is_cut_off,
            of_many_attempts_the_first_and_the_latest_are_kept,
            redriving_keeps_the_attempts,
        ],
        notes: [
            a_note_is_seen_at_once_and_later,
            an_unknown_note_is_none,
            the_later_of_two_notes_stands,
            a_note_that_is_too_long_is_not_kept,
            a_lost_lease_leaves_no_note,
            expired_notes_are_swept,
            beyond_the_bound_those_go_that_expire_first,
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
            a_filter_by_lane_tells_apart,
            a_filter_by_time_tells_apart,
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
            a_key_that_was_taken_over_survives_reopen,
            a_pause_survives_reopen,
            an_interval_that_was_asked_for_survives_reopen,
            a_back_off_survives_reopen,
            since_when_a_lane_with_a_breaker_fails_survives_reopen,
            what_was_told_of_a_lane_survives_reopen,
            documents_survive_reopen,
            groups_survive_reopen,
            a_redriven_job_is_not_counted_again_after_reopen,
            owners_survive_reopen,
            priorities_survive_reopen,
            an_ordered_lane_goes_on_after_reopen,
            a_lane_is_claimed_in_its_order_across_reopen,
            a_lane_waits_one_interval_after_reopen,
            what_was_forgotten_of_lanes_stays_forgotten_after_reopen,
            expiry_survives_reopen,
            attempts_survive_reopen,
            notes_survive_reopen,
            a_job_that_goes_well_costs_one_row,
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
