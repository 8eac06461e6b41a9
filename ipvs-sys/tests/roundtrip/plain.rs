//! Messages without a nest: timeouts, info, and those of nlctrl.

use crate::name;
use crate::wire::{Wire, bytes, disturbed, iterators_agree, string, wire};
use ipvs_sys::family::{GetFamily, NewFamily};
use ipvs_sys::{Attrs, Body, Command, InfoAttrs, SetConfig, SetInfo, TimeoutAttrs};
use proptest::prelude::*;

fn numbers<const N: usize>(kinds: [u16; N], values: [Option<u32>; N]) -> Wire {
    let mut kinds = kinds.into_iter();
    wire(values.map(|value| {
        (kinds.next().unwrap_or_default(), value.map(|value| value.to_ne_bytes().to_vec()))
    }))
}

fn family(family: &NewFamily<'_>) -> Wire {
    vec![
        (2, string(family.name)),
        (1, family.id.to_ne_bytes().to_vec()),
        (3, family.version.to_ne_bytes().to_vec()),
        (4, family.header_size.to_ne_bytes().to_vec()),
        (5, family.max_attr.to_ne_bytes().to_vec()),
    ]
}

fn written<C: Command>(command: &C) -> Vec<u8> {
    let mut bytes = Vec::new();
    command.write(&mut bytes);
    bytes
}

/// The kernel's bytes, and others that mean the same.
fn with_disturbed(wire: Wire) -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    (Just(bytes(&wire)), disturbed(wire, &[]))
}

proptest! {
    #[test]
    fn timeouts_are_written_and_read(
        values in any::<[Option<u32>; 3]>(),
        (plain, other) in any::<[Option<u32>; 3]>()
            .prop_flat_map(|values| with_disturbed(numbers([4, 5, 6], values))),
    ) {
        let [tcp, tcp_fin, udp] = values;
        let timeouts = TimeoutAttrs { tcp, tcp_fin, udp };
        let message = written(&SetConfig(timeouts));
        prop_assert_eq!(&message, &bytes(&numbers([4, 5, 6], values)));
        let read = |message| Body::parse(Attrs::new(message, "message"));
        prop_assert_eq!(read(&message), Ok(Body { timeouts, ..Body::default() }));
        iterators_agree(&other);
        prop_assert_eq!(read(&other), read(&plain));
    }

    #[test]
    fn info_is_written_and_read(
        values in any::<[Option<u32>; 2]>(),
        (plain, other) in any::<[Option<u32>; 2]>()
            .prop_flat_map(|values| with_disturbed(numbers([1, 2], values))),
    ) {
        let [version, connection_table_size] = values;
        let info = InfoAttrs { version, connection_table_size };
        let message = written(&SetInfo(info));
        prop_assert_eq!(&message, &bytes(&numbers([1, 2], values)));
        let read = |message| InfoAttrs::parse(Attrs::new(message, "message"));
        prop_assert_eq!(read(&message), Ok(info));
        iterators_agree(&other);
        prop_assert_eq!(read(&other), read(&plain));
    }

    #[test]
    fn a_family_and_the_question_for_it_are_written_and_read(
        (id, name, numbers) in (any::<u16>(), name(), any::<[u32; 3]>()),
    ) {
        let question = GetFamily { name };
        let message = written(&question);
        prop_assert_eq!(&message, &bytes(&[(2, string(name))]));
        prop_assert_eq!(GetFamily::parse(Attrs::new(&message, "message")), Ok(question));
        let [version, header_size, max_attr] = numbers;
        let answer = NewFamily { id, name, version, header_size, max_attr };
        let message = written(&answer);
        prop_assert_eq!(&message, &bytes(&family(&answer)));
        prop_assert_eq!(NewFamily::parse(Attrs::new(&message, "message")), Ok(answer));
    }

    #[test]
    fn a_family_is_read_from_any_bytes_that_mean_it(
        (plain, other) in (any::<u16>(), name(), any::<[u32; 3]>())
            .prop_flat_map(|(id, name, [version, header_size, max_attr])| {
                with_disturbed(family(&NewFamily { id, name, version, header_size, max_attr }))
            }),
    ) {
        iterators_agree(&other);
        let read = |message| NewFamily::parse(Attrs::new(message, "message"));
        prop_assert_eq!(read(&other), read(&plain));
    }
}
