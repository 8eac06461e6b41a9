//! Netlink's own messages: acknowledgements, errors, the end of a dump.

use crate::{KERNELS, capture};
use ipvs_sys::{Header, Messages, Payload, encode_answer, encode_done};

/// The one message of a capture.
fn only(file: &[u8]) -> (Header, Payload<'_>) {
    let mut messages = Messages::new(file);
    let message = messages.next().unwrap().unwrap();
    assert!(messages.next().is_none());
    (message.header, message.payload)
}

/// The header of the request that an answer repeats.
fn request(answer: &[u8]) -> Header {
    // The answer of the kernel repeats the header only, whose length announces more.
    let mut request = answer[20..36].to_vec();
    let length = u32::from_ne_bytes(request[..4].try_into().unwrap());
    request.resize(length.try_into().unwrap(), 0);
    Messages::new(&request).next().unwrap().unwrap().header
}

#[test]
fn an_acknowledgement() {
    for kernel in KERNELS {
        let file = capture(kernel, "ack");
        let (header, Payload::Ack(ext)) = only(&file) else { panic!("{kernel}") };
        assert_eq!((header.flags, ext.text(), ext.offset()), (0x100, None, None));
        let mut written = Vec::new();
        encode_answer(Header { port: header.port, ..request(&file) }, 0, &mut written);
        // The request that is repeated has no port yet.
        written[32..36].fill(0);
        assert_eq!(written, file);
    }
}

#[test]
fn an_error_of_ipvs_has_no_text_whatever_the_socket_options() {
    let lengths = [("", 0), ("-ext", 0), ("-cap", 0x100), ("-ext-cap", 0x100)];
    for (kernel, (options, flags)) in KERNELS.into_iter().flat_map(|k| lengths.map(|l| (k, l))) {
        let file = capture(kernel, &format!("error-exists{options}"));
        let (header, Payload::Error { code, ext }) = only(&file) else { panic!("{kernel}") };
        assert_eq!((code.get(), header.flags), (-17, flags), "{kernel} {options}");
        assert_eq!((ext.text(), ext.offset()), (None, None));
    }
}

#[test]
fn an_attribute_of_the_wrong_size_is_explained_where_the_socket_asks_for_it() {
    let text = Some(&b"Attribute failed policy validation"[..]);
    let cases = [
        ("", 0, None, None),
        ("-ext", 0x200, text, Some(28)),
        ("-cap", 0x100, None, None),
        ("-ext-cap", 0x300, text, Some(28)),
    ];
    for kernel in KERNELS {
        for (options, flags, text, offset) in cases {
            let file = capture(kernel, &format!("error-policy{options}"));
            let (header, Payload::Error { code, ext }) = only(&file) else { panic!("{kernel}") };
            assert_eq!((code.get(), header.flags), (-34, flags), "{kernel} {options}");
            assert_eq!((ext.text(), ext.offset()), (text, offset), "{kernel} {options}");
        }
    }
}

#[test]
fn the_dump_of_an_empty_table_is_its_end() {
    for kernel in KERNELS {
        let file = capture(kernel, "services-none");
        let (header, Payload::Done { code: 0, .. }) = only(&file) else { panic!("{kernel}") };
        assert_eq!(header.flags, 2);
        let mut written = Vec::new();
        encode_done(header, 0, &mut written);
        assert_eq!(written, file);
    }
}
