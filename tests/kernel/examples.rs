//! The examples do what they say.

use crate::netns::{Netns, text};
use ipvs::{Batch, Change, Destination, Endpoint, Forwarding, Scheduler, Service, ServiceKey};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

fn key() -> ServiceKey {
    "tcp 10.0.0.1:80".parse().unwrap()
}

/// A file that goes with the test.
struct File(String);

impl File {
    fn new(name: &str, contents: &str) -> Self {
        let path = format!("/ipvs-{}-{name}", std::process::id());
        std::fs::write(&path, contents).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn define_shows_a_service_before_and_after_it_is_changed() {
    let netns = Netns::new();
    assert_eq!(
        netns.run("/bin/define"),
        "tcp 10.0.0.1:80 wlc\n  192.168.0.1:80 masquerade weight 1\n  192.168.0.2:80 masquerade \
         weight 1\ntcp 10.0.0.1:80 wlc\n  192.168.0.1:80 ipip weight 3\n  192.168.0.2:80 ipip \
         weight 3\n"
    );
    assert!(netns.run("/sbin/ipvsadm -Sn").contains("-r 192.168.0.2:80 -i -w 3"));
}

#[test]
fn apply_makes_the_table_of_a_file_and_tells_what_is_wrong_with_one() {
    let netns = Netns::new();
    let good = File::new(
        "good.toml",
        "[[service]]\nname = \"web\"\nkey = \"tcp 10.0.0.1:80\"\n\n\
         [[service.destination]]\nendpoint = \"192.168.0.1:80\"\nweight = 3\n",
    );
    let plan = "+ tcp 10.0.0.1:80 wlc\n+   192.168.0.1:80 masquerade weight 3\n";
    assert_eq!(netns.run(&format!("/bin/apply {}", good.0)), plan);
    assert_eq!(netns.client().services().unwrap(), []);
    let output = netns.run(&format!("/bin/apply --yes {}", good.0));
    assert_eq!(
        output,
        format!(
            "{plan}done: add service tcp 10.0.0.1:80 wlc\n\
             done: add destination 192.168.0.1:80 masquerade weight 3 to tcp 10.0.0.1:80\n"
        )
    );
    assert_eq!(netns.run(&format!("/bin/apply --yes {}", good.0)), "nothing to do\n");

    let bad = File::new("bad.toml", "[[service]]\nkey = \"tcp 10.0.0.1\"\nscheduler = \"rr\"\n");
    let output = netns.try_run(&format!("/bin/apply --yes {}", bad.0), "");
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(message.starts_with(&format!("{}:2:7: ", bad.0)), "{message}");
    assert!(message.contains("port 0 (all ports) needs persistence"), "{message}");

    // A broadcast address: the kernel refuses, and all is taken back.
    let refused =
        File::new("refused", "-A -u 10.0.0.9:53 -s rr\n-a -u 10.0.0.9:53 -r 127.255.255.255 -m\n");
    let output = netns.try_run(&format!("/bin/apply --yes {}", refused.0), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("taken back: add service udp 10.0.0.9:53 rr\n"));
    assert_eq!(netns.client().service_keys().unwrap(), [key()]);
}

#[test]
fn snapshot_is_json_with_everything() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    let server = Destination::new("192.168.0.1:80".parse().unwrap());
    client.add_destination(&key(), &server).unwrap();
    let json = netns.run("/bin/snapshot");
    for part in ["\"tcp 10.0.0.1:80\"", "\"192.168.0.1:80\"", "\"tcp\": 900", "\"active\": 0"] {
        assert!(json.contains(part), "{part} in {json}");
    }
}

#[test]
fn keepalived_makes_its_configuration_and_then_has_nothing_to_do() {
    let netns = Netns::new();
    let other: ServiceKey = "udp 10.0.0.9:53".parse().unwrap();
    netns.client().add_service(&Service::new(other)).unwrap();
    let plan = netns.run("/bin/keepalived-like production");
    assert_eq!(plan.lines().count(), 2 * (1 + 20), "{plan}");
    assert!(plan.contains("+ tcp 10.0.0.1:443 wrr persistent 300\n"), "{plan}");
    assert!(plan.contains("+   192.168.0.11:80 direct-route weight 1\n"), "{plan}");
    assert_eq!(netns.run("/bin/keepalived-like production"), "");
    // Less is wanted elsewhere: the others go, those of the first half stay.
    let plan = netns.run("/bin/keepalived-like");
    assert_eq!(plan.lines().filter(|line| line.starts_with("-   ")).count(), 2 * 18, "{plan}");
    // What is not its own it leaves alone.
    assert!(netns.client().service(&other).unwrap().is_some());
}

#[test]
fn drain_takes_a_server_out_and_brings_it_back() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    let server = Destination::new("192.168.0.1:80".parse().unwrap())
        .with_weight(10.into())
        .with_forwarding(Forwarding::DirectRoute);
    client.add_destination(&key(), &server).unwrap();
    let drain = "/bin/drain 10.0.0.1:80 192.168.0.1:80 2";
    let output = netns.try_run(drain, "\n");
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shown.contains("DrainEnded") && shown.contains("RampEnded"), "{shown}");
    assert_eq!(client.destinations(&key()).unwrap()[0].destination, server);
    // Nobody brings it back.
    let output = netns.try_run(drain, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(client.destinations(&key()).unwrap(), []);
    assert!(!netns.try_run(drain, "").status.success());
}

#[test]
fn exporter_names_services_and_counts_their_connections() {
    let netns = Netns::new();
    let mut client = netns.client();
    let mark: ServiceKey = "fwmark 7".parse().unwrap();
    client.add_service(&Service::new(key())).unwrap();
    client.add_service(&Service::new(mark)).unwrap();
    let server = Destination::new("192.168.0.1:80".parse().unwrap());
    client.add_destination(&key(), &server).unwrap();
    let names = File::new("names.toml", "[[service]]\nname = 'the \"web\"'\nkey = '10.0.0.1:80'\n");
    // More than have series of their own.
    let more: Batch = (0..1_010u16)
        .map(|port| Destination::new(Endpoint::new([192, 168, 0, 2], 1 + port)))
        .map(|server| Change::AddDestination(mark, server))
        .collect();
    client.send_batch(&more).into_result().unwrap();
    let mut exporter = Command::new("/bin/exporter").args(["9108", &names.0]).spawn().unwrap();
    let get = |path: &str| {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut stream = loop {
            match TcpStream::connect(("127.0.0.1", 9108)) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline => panic!("{error}"),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        };
        write!(stream, "GET {path} HTTP/1.0\r\nHost: here\r\n").unwrap();
        thread::sleep(Duration::from_millis(20));
        write!(stream, "Accept: text/plain\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let metrics = get("/metrics");
    let missing = get("/other");
    // One that says too much is refused, and the next is answered.
    let mut rude = TcpStream::connect(("127.0.0.1", 9108)).unwrap();
    let _ = rude.write_all(&[b'x'; 20_000]);
    assert!(get("/metrics").starts_with("HTTP/1.0 200 OK\r\n"));
    exporter.kill().unwrap();
    exporter.wait().unwrap();
    assert!(metrics.starts_with("HTTP/1.0 200 OK\r\n"), "{metrics}");
    assert!(missing.starts_with("HTTP/1.0 404 "), "{missing}");
    for line in [
        "# TYPE ipvs_service_connections_total counter\n",
        "ipvs_service_connections_total{service=\"the \\\"web\\\"\"} 0\n",
        "ipvs_service_connections_total{service=\"fwmark 7\"} 0\n",
        "# TYPE ipvs_destination_connections_active gauge\n",
        "ipvs_destination_connections_active{service=\"the \\\"web\\\"\",destination=\"192.168.0.1:80\"} 0\n",
        "ipvs_services 2\n",
        "ipvs_destination_connections_active{service=\"fwmark 7\",destination=\"other\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let series = |name: &str| metrics.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!(series("ipvs_destination_connections_total{"), 1_000);
    assert_eq!(series("ipvs_destination_connections_active{"), 1_000 + 1);
}

/// A server answers four times and then no more.
#[test]
fn health_takes_a_server_out_that_fails_and_has_the_sorry_server_in_before() {
    let netns = Netns::new();
    let listener = TcpListener::bind(("127.0.0.1", 8080)).unwrap();
    let server = thread::spawn(move || {
        for stream in listener.incoming().take(4) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 64]);
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
        }
    });
    // One that is in the pool and answers nobody is taken out too.
    let mut client = netns.client();
    let service = Service::new(key()).with_scheduler(Scheduler::Rr);
    client.add_service(&service).unwrap();
    client.add_destination(&key(), &Destination::new("127.0.0.3:80".parse().unwrap())).unwrap();
    let output =
        netns.run("/bin/health 10.0.0.1:80 127.0.0.2:80 8 /bin/touch 127.0.0.1:8080 127.0.0.3:80");
    server.join().unwrap();
    assert_eq!(
        output,
        "sorry server in\n127.0.0.1:8080 is up\nsorry server out\n127.0.0.3:80 is down\n\
         sorry server in\n127.0.0.1:8080 is down\n"
    );
    let left: Vec<String> = netns
        .client()
        .destinations(&key())
        .unwrap()
        .iter()
        .map(|entry| entry.destination.endpoint().to_string())
        .collect();
    assert_eq!(left, ["127.0.0.2:80"]);
    assert_eq!(client.service(&key()).unwrap().unwrap().service, service);
    // The command was run for the server.
    for host in ["127.0.0.1", "127.0.0.3"] {
        std::fs::remove_file(host).unwrap();
    }
}

#[test]
fn health_goes_on_if_its_command_cannot_be_run() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    client.add_destination(&key(), &Destination::new("127.0.0.3:80".parse().unwrap())).unwrap();
    let output = netns.try_run("/bin/health 10.0.0.1:80 127.0.0.2:80 3 /missing 127.0.0.3:80", "");
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "sorry server in\n127.0.0.3:80 is down\n");
    assert!(text(&output.stderr).starts_with("/missing: "), "{}", text(&output.stderr));
}

#[test]
fn what_is_asked_wrongly_is_told_and_fails() {
    let netns = Netns::new();
    for program in ["apply", "drain", "exporter", "health"] {
        let output = netns.try_run(&format!("/bin/{program}"), "");
        assert!(!output.status.success(), "{program}");
        assert!(text(&output.stderr).contains(&format!("usage: {program} ")), "{program}");
    }
}
