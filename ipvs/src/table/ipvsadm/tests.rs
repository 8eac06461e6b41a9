use crate::{Destination, Forwarding, Rule, Service, ServiceKey, Table, TableProblem, Timeouts};

/// Everything that `ipvsadm -Sn` prints.
const SAVED: &str = "\
--set 900 0 300
-A -t 10.0.0.1:80 -s wrr -p 300 -M 255.255.255.0
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -g -w 1
-a -t 10.0.0.1:80 -r 192.168.0.2:8080 -m -w 2147483647 -x 100 -y 0
-A -t [2001:db8::1]:443 -s mh -b mh-fallback,mh-port
-a -t [2001:db8::1]:443 -r 192.168.0.1:443 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-a -t [2001:db8::1]:443 -r [2001:db8::2]:443 -i -w 0 --tun-type gre --tun-csum -x 7 -y 7
-A -u 10.0.0.1:5060 -s sh -p 360 -M 0.0.0.0 --pe sip -o -b sh-port,flag-3
-A --sctp-service 10.0.0.1:36412 -s from-later -b flag-1
-A -f 7 -s rr
-a -f 7 -r 192.168.0.1:80 -i -w 1 --tun-type ipip
-A -f 7 -6 -s none -p 1 -M 64
";

#[test]
fn what_ipvsadm_saves_reads_and_is_written_again() {
    let table = Table::from_ipvsadm(SAVED).unwrap();
    let mut written: Vec<_> = table.to_ipvsadm().unwrap().lines().map(str::to_owned).collect();
    let mut saved: Vec<_> = SAVED.lines().collect();
    assert_eq!(written[0], saved[0]);
    written.sort();
    saved.sort_unstable();
    assert_eq!(written, saved);
}

#[test]
fn what_people_write_reads_as_ipvsadm_takes_it() {
    let table = Table::from_ipvsadm(
        "# the web\r\n\
         \r\n\
         ipvsadm --add-service --tcp-service=10.0.0.1:80 --persistent\n\
         \t-a -t 10.0.0.1:80 -r 192.168.0.1\n\
           -a -r 192.168.0.2:0 --masquerading -t 10.0.0.1:80 --weight 3 -x5\n\
         -At10.0.0.1:81 -p20 -s=rr\n\
         -Aou 10.0.0.1:53",
    )
    .unwrap();
    assert_eq!(
        table.to_ipvsadm().unwrap(),
        "-A -t 10.0.0.1:80 -s wlc -p 360\n\
         -a -t 10.0.0.1:80 -r 192.168.0.1:80 -g -w 1\n\
         -a -t 10.0.0.1:80 -r 192.168.0.2:0 -m -w 3 -x 5 -y 0\n\
         -A -t 10.0.0.1:81 -s rr -p 20\n\
         -A -u 10.0.0.1:53 -s wlc -o\n"
    );
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let refused = [
        ("-D -t 10.0.0.1:80", 1, 1, "`-D` is not one of the commands of a table (-A, -a, --set)"),
        ("é", 1, 1, "`é` is not one of the commands of a table (-A, -a, --set)"),
        (
            "-At 10.0.0.1:81 -prr",
            1,
            19,
            "service tcp 10.0.0.1:81: `rr` is not a timeout in seconds",
        ),
        ("-AoQ", 1, 4, "service: unknown option `-Q`"),
        ("-A -oQ", 1, 6, "service: unknown option `-Q`"),
        ("-A", 1, 1, "service: a virtual service is missing (-t, -u, --sctp-service or -f)"),
        ("-A -Q", 1, 4, "service: unknown option `-Q`"),
        ("-A --quick", 1, 4, "service: unknown option `--quick`"),
        ("-A --ops=1", 1, 4, "service: the option `--ops` takes no value"),
        ("-A -t 10.0.0.1:80 -w 1", 1, 19, "service: `-A` takes no option `-w`"),
        ("-A -t 10.0.0.1:80 now", 1, 19, "service: unexpected argument `now`"),
        ("-A -t 10.0.0.1:80 -", 1, 19, "service: unexpected argument `-`"),
        ("-A -s rr -s rr", 1, 10, "service: the option `-s` is given twice"),
        ("-A -t", 1, 4, "service: the option `-t` needs a value"),
        ("-A -t 10.0.0.1:80 --pe", 1, 19, "service: the option `--pe` needs a value"),
        (
            "-A -t 10.0.0.1:80 -u 10.0.0.1:80",
            1,
            19,
            "service: a second virtual service on one line",
        ),
        (
            "\n-A -t www:80",
            2,
            7,
            "service: `www:80` is not a numeric address with a port (names are not looked up)",
        ),
        (
            "-A -t 10.0.0.1:http",
            1,
            7,
            "service: `10.0.0.1:http` is not a numeric address with a port (names are not looked up)",
        ),
        ("-A -f x", 1, 7, "service: `x` is not a firewall mark"),
        ("-A -f 0", 1, 7, "service: `0` is not a firewall mark from 1"),
        ("-A -t 10.0.0.1:80 -6", 1, 19, "service: `-6` belongs to a firewall mark (-f)"),
        (
            "-A -t 10.0.0.1:80 -s a-name-of-16-chr",
            1,
            22,
            "service tcp 10.0.0.1:80: `a-name-of-16-chr`: scheduler name of 16 bytes: the kernel \
             takes 1 to 15",
        ),
        (
            "-A -t 10.0.0.1:80 -b mh-port",
            1,
            22,
            "service tcp 10.0.0.1:80: the flag `mh-port` is for the scheduler mh, not wlc",
        ),
        (
            "-A -t 10.0.0.1:80 -b flag-4",
            1,
            22,
            "service tcp 10.0.0.1:80: `flag-4` is not a scheduler flag (flag-1, sh-port, …)",
        ),
        (
            "-A -t 10.0.0.1:80 -M 255.255.255.0",
            1,
            19,
            "service tcp 10.0.0.1:80: `-M` needs persistence (-p)",
        ),
        (
            "-A -u 10.0.0.1:80 --pe sip",
            1,
            19,
            "service udp 10.0.0.1:80: `--pe` needs persistence (-p)",
        ),
        (
            "-A -t 10.0.0.1",
            1,
            7,
            "service tcp 10.0.0.1:0: port 0 (all ports) needs persistence: packets would be dropped",
        ),
        (
            "-A -t 10.0.0.1:80 -p 0",
            1,
            22,
            "service tcp 10.0.0.1:80: persistence timeout of 0 s out of range: 1 to 4294967 s",
        ),
        (
            "-A -t 10.0.0.1:80 -p -M 64",
            1,
            25,
            "service tcp 10.0.0.1:80: netmask 64 is not of the IPv4 service's family (IPv4 \
             netmasks are written 255.255.255.0, IPv6 prefix lengths 64)",
        ),
        (
            "-A -t 10.0.0.1:80 -p -M 255.0.255.0",
            1,
            25,
            "service tcp 10.0.0.1:80: `255.0.255.0`: netmask 255.0.255.0 has zeros before ones",
        ),
        (
            "-A -t 10.0.0.1:80 -p --pe sip",
            1,
            27,
            "service tcp 10.0.0.1:80: persistence engine sip reads udp only, not tcp",
        ),
        (
            "-A -t 10.0.0.1:80 -o",
            1,
            19,
            "service tcp 10.0.0.1:80: one-packet scheduling is for udp, not for tcp",
        ),
        ("\n -A -f 7\n\n-A -s rr -f 0007", 4, 13, "service fwmark 7: given already on line 2"),
        ("--set 900 120", 1, 1, "timeouts: `--set` takes three timeouts in seconds"),
        ("--set 900 120 300 0", 1, 19, "timeouts: `--set` takes three timeouts in seconds"),
        ("--set 900 x 300", 1, 11, "timeouts: `x` is not a timeout in seconds"),
        (
            "--set 0 21474837 0",
            1,
            9,
            "timeouts: tcp fin timeout of 21474837 s out of range: 1 to 21474836 s",
        ),
        ("--set 1 2 3\n--set 1 2 3", 2, 1, "timeouts: given already on line 1"),
    ];
    for (text, line, column, message) in refused {
        expect(text, line, column, message);
    }
}

#[test]
fn every_mistake_in_a_destination_is_told_with_its_place() {
    let refused = [
        ("", "`-a` needs a real server (-r)"),
        (" ^-s rr", "`-a` takes no option `-s`"),
        (" -r 10.0.0.2:80 -g ^-m", "a second forwarding method on one line"),
        (" -r 10.0.0.2:80 -m ^--tun-type gre", "`--tun-type` needs a tunnel (-i)"),
        (" -r 10.0.0.2:80 ^--tun-csum", "`--tun-csum` needs a tunnel (-i)"),
        (
            " -r 10.0.0.2:80 -i --tun-type ^vxlan",
            "`vxlan` is not a type of tunnel (ipip, gue, gre)",
        ),
        (" -r 10.0.0.2:80 -i --tun-type ^gue", "a gue tunnel needs a port (--tun-port)"),
        (" -r 10.0.0.2:80 -i --tun-type gue --tun-port ^0", "`0` is not a port from 1 to 65535"),
        (" -r 10.0.0.2:80 -i ^--tun-port 6080", "`--tun-port` is not for a tunnel of type ipip"),
        (
            " -r 10.0.0.2:80 -i --tun-type gre ^--tun-remcsum",
            "`--tun-remcsum` is not for a tunnel of type gre",
        ),
        (" -r 10.0.0.2:80 -i --tun-csum ^--tun-nocsum", "a second checksum option on one line"),
        (" -r 10.0.0.2:80 -w ^-1", "`-1` is not a weight"),
        (
            " -r 10.0.0.2:80 -w ^2147483648",
            "`2147483648`: weight 2147483648 out of range: a weight is 0 to 2147483647",
        ),
        (" -r 10.0.0.2:80 -x ^many", "`many` is not a number of connections"),
        (" -r 10.0.0.2:80 -x 5 -y ^6", "lower threshold 6 above upper threshold 5"),
        (
            " -r 10.0.0.2:80 -x ^2147483648",
            "upper threshold 2147483648 out of range: at most 2147483647",
        ),
        (
            " -r ^10.0.0.2:81",
            "port 81 differs from the service's port 80, and this forwarding method does not \
             rewrite ports",
        ),
        (
            " -m -r ^[fd00::2]:80",
            "destination of another address family than its IPv4 service needs a tunnel",
        ),
        (" -r ^224.0.0.1", "224.0.0.1 is not the address of one host"),
    ];
    for (options, message) in refused {
        let text = format!("-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80{options}");
        let column = text.lines().nth(1).unwrap().find('^').map_or(1, |at| at + 1);
        let text = text.replace('^', "");
        let error = Table::from_ipvsadm(&text).expect_err(&text);
        assert_eq!((error.line(), error.column()), (Some(2), Some(column)), "{text}: {error}");
        let shown = error.to_string();
        assert!(shown.contains("destination") && shown.ends_with(message), "{text}: {shown}");
    }
    expect(
        "-a -t 10.0.0.1:80 -r www",
        1,
        22,
        "destination of tcp 10.0.0.1:80: `www` is not a numeric address with a port (names are not looked up)",
    );
    expect(
        "-a -t 10.0.0.1:80 -r 10.0.0.2",
        1,
        7,
        "destination 10.0.0.2:80 of tcp 10.0.0.1:80: the table has no such service",
    );
    expect(
        "-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2\n\n-a -t 10.0.0.1:80 -r 10.0.0.2:80",
        4,
        22,
        "destination 10.0.0.2:80 of tcp 10.0.0.1:80: given already on line 2",
    );
}

fn expect(text: &str, line: usize, column: usize, message: &str) {
    let error = Table::from_ipvsadm(text).expect_err(text);
    assert_eq!(error.to_string(), format!("line {line}, column {column}: {message}"), "{text}");
}

#[test]
fn columns_count_characters() {
    let error = Table::from_ipvsadm("# ü\n-A -s ünicode -t 10.0.0.1").unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(2), Some(18)));
    assert_eq!(*error.problem(), TableProblem::Rule(Rule::PortZeroPersistent));
    assert_eq!(error.service(), Some("tcp 10.0.0.1".parse().unwrap()));
}

#[test]
fn what_ipvsadm_cannot_say_is_refused_with_its_object() {
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    let to = |endpoint: &str, forwarding: &str| {
        Destination::new(endpoint.parse().unwrap()).with_forwarding(forwarding.parse().unwrap())
    };
    let refused = [
        (to("10.0.0.2:80", "local"), "ipvsadm has no option for forwarding by local"),
        (to("10.0.0.2:80", "bypass"), "ipvsadm has no option for forwarding by bypass"),
        (
            to("10.0.0.2:0", "direct-route"),
            "ipvsadm gives a destination by direct-route its service's port 80, not 0",
        ),
    ];
    for (destination, message) in refused {
        let mut table = Table::new();
        table.add_service(Service::new(key)).unwrap();
        table.add_destination(&key, destination).unwrap();
        let error = table.to_ipvsadm().unwrap_err();
        let object = format!("destination {} of {key}: ", destination.endpoint());
        assert_eq!(error.to_string(), object + message);
        assert_eq!(error.line(), None);
    }
    let long = crate::Persistence::seconds(2_678_401);
    let mut table = Table::new();
    table.add_service(Service::new(key).with_persistence(long)).unwrap();
    assert_eq!(
        table.to_ipvsadm().unwrap_err().to_string(),
        "service tcp 10.0.0.1:80: ipvsadm takes persistence timeouts up to 2678400 s, not 2678401 s"
    );
    let mut table = Table::new();
    table.set_timeouts(Timeouts { udp: Some(2_678_401), ..Timeouts::default() }).unwrap();
    assert_eq!(
        table.to_ipvsadm().unwrap_err().to_string(),
        "timeouts: ipvsadm takes timeouts up to 2678400 s, not 2678401 s"
    );
}

#[test]
fn what_this_crate_does_not_know_is_refused_by_all_formats() {
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    let odd = Forwarding::from(crate::forwarding::Wire {
        method: 2,
        tunnel_kind: 9,
        ..Default::default()
    });
    let mut table = Table::new();
    table.add_service(Service::new(key)).unwrap();
    let destination = Destination::new("10.0.0.2:80".parse().unwrap()).with_forwarding(odd);
    table.add_destination(&key, destination).unwrap();
    assert_eq!(
        table.to_ipvsadm().unwrap_err().to_string(),
        "destination 10.0.0.2:80 of tcp 10.0.0.1:80: ipvsadm has no option for forwarding by \
         unknown:2:9:0:0"
    );
    #[cfg(feature = "toml")]
    assert_eq!(
        table.to_toml().unwrap_err().to_string(),
        "destination 10.0.0.2:80 of tcp 10.0.0.1:80: `unknown:2:9:0:0` is not a forwarding method \
         (masquerade, local, direct-route, ipip, gue:6080:+c, gre:-c, bypass)"
    );
    let octets = key.octets();
    let attrs = ipvs_sys::ServiceAttrs {
        scheduler: Some(b"rr"),
        flags: Some(ipvs_sys::ServiceFlags { flags: 0x8000_0000, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some([255; 4]),
        ..key.attrs(&octets)
    };
    let mut table = Table::new();
    table.add_service(Service::try_from(&attrs).unwrap()).unwrap();
    let message = "service tcp 10.0.0.1:80: one of its flags or names has no text form";
    assert_eq!(table.to_ipvsadm().unwrap_err().to_string(), message);
    #[cfg(feature = "json")]
    assert_eq!(table.to_json().unwrap_err().to_string(), message);
    #[cfg(feature = "toml")]
    assert_eq!(table.to_toml().unwrap_err().to_string(), message);
}
