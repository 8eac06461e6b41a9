//! Tests for any kernel: the fake one here, the real ones in the guest, whose
//! tests include this directory.

pub(crate) mod daemons;
pub(crate) mod errors;
pub(crate) mod exchange;
pub(crate) mod listing;
pub(crate) mod queue;
mod raw;
pub(crate) mod shape;
pub(crate) mod shapes;
pub(crate) mod table;

use ipvs::Client;
use ipvs::transport::Transport;

/// A kernel to test on, for one test.
pub(crate) trait Bench {
    type Socket: Transport;

    /// One with an empty table that nobody else changes.
    fn fresh() -> Self;

    /// A socket that was not used yet.
    fn socket(&self) -> Self::Socket;

    /// Adds an interface `sync0` that sync daemons can run on.
    fn add_interface(&self);

    fn client(&self) -> Client<Self::Socket> {
        Client::with_transport(self.socket()).unwrap()
    }
}

/// Makes a test of each body, on the bench of this name.
macro_rules! on_bench {
    ($bench:ty) => {
        $crate::bodies::on_bench! { $bench;
            daemons:
                wrong_use_gets_its_message,
                daemons_and_destinations_of_mixed_families_exclude_each_other;
            errors:
                adding_twice,
                changing_what_is_not_there,
                an_unknown_scheduler_or_engine,
                a_broken_rule_is_named_before_anything_is_sent;
            exchange:
                the_client_goes_on_after_errors;
            listing:
                what_no_tool_should_make_is_listed_and_survives_an_edit,
                ten_thousand_services_are_listed_each_once,
                a_service_with_two_thousand_destinations_is_listed_each_once,
                addresses_may_be_sent_short_or_padded,
                a_listing_begins_as_long_as_a_page_and_goes_on_as_long_as_the_buffer,
                what_goes_before_a_listings_place_hides_as_many_others,
                what_comes_before_a_listings_place_shows_as_many_twice,
                a_socket_has_one_listing_at_a_time;
            queue:
                past_its_end_answers_are_lost_and_requests_carried_out,
                what_is_no_message_ends_a_batch,
                what_is_no_request_is_not_carried_out,
                a_datagram_has_a_longest_length;
            shapes:
                every_shape_reads_back_as_it_was_written_edited_and_deleted;
            table:
                the_flow_of_the_thesis_works_and_reads_back,
                a_service_is_found_by_its_key_or_is_not_there,
                put_adds_what_is_not_there_and_edits_what_is,
                a_service_without_destinations_is_told_from_no_service,
                timeouts_of_zero_are_kept_and_long_ones_refused,
                flush_deletes_all_services_and_keeps_the_timeouts,
                a_scheduler_that_does_not_take_so_many_destinations_changes_nothing,
                tables_of_two_namespaces_are_apart;
        }
    };
    ($bench:ty; $($module:ident: $($body:ident),+;)+) => {
        $(mod $module {
            $(#[test]
            fn $body() {
                $crate::bodies::$module::$body::<$bench>();
            })+
        })+
    };
}

pub(crate) use on_bench;
