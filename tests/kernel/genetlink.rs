//! The `genetlink` crate on tokio sends our commands and reads our replies.

use crate::netns::Netns;
use futures::StreamExt as _;
use ipvs_sys::{Genl, GetService, NewService, OwnedMessage, ServiceAttrs, ServiceFlags};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_generic::GenlMessage;

type Reply = NetlinkMessage<GenlMessage<OwnedMessage>>;

async fn request(
    handle: &mut genetlink::GenetlinkHandle,
    message: OwnedMessage,
    flags: u16,
) -> Vec<Reply> {
    let mut request = NetlinkMessage::from(GenlMessage::from_payload(message));
    request.header.flags = NLM_F_REQUEST | flags;
    let replies = handle.request(request).await.unwrap();
    replies.map(|reply| reply.unwrap()).collect().await
}

#[test]
fn genetlink_adds_and_lists_a_service_with_our_types() {
    let netns = Netns::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listed = runtime.block_on(async {
        let (connection, mut handle, _) = genetlink::new_connection().unwrap();
        tokio::spawn(connection);
        let service = NewService(ServiceAttrs {
            scheduler: Some(b"wrr"),
            flags: Some(ServiceFlags { flags: 0, mask: u32::MAX }),
            timeout: Some(0),
            netmask: Some([255; 4]),
            ..ServiceAttrs::by_address(2, 6, &[10, 0, 0, 1], 80)
        });
        let replies = request(&mut handle, Genl(service).into(), NLM_F_ACK).await;
        for reply in replies {
            let NetlinkPayload::Error(answer) = reply.payload else { panic!("{reply:?}") };
            assert_eq!(answer.code, None);
        }
        request(&mut handle, Genl(GetService(None)).into(), NLM_F_DUMP).await
    });
    let services: Vec<_> = listed
        .iter()
        .filter_map(|reply| match &reply.payload {
            NetlinkPayload::InnerMessage(message) => message.payload.body().unwrap().service,
            _ => None,
        })
        .collect();
    assert_eq!(services.len(), 1);
    assert_eq!((services[0].port, services[0].scheduler), (Some(80), Some(&b"wrr"[..])));
    assert_eq!(netns.run("/sbin/ipvsadm -Sn"), "-A -t 10.0.0.1:80 -s wrr\n");
}
