//! The examples do what they say.

use crate::netns::{Netns, text};
use ipvs::{Batch, Change, Client, Destination, Endpoint, Forwarding, Persistence, Scheduler};
use ipvs::{Service, ServiceKey, Weight};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
        fs::write(&path, contents).unwrap();
        Self(path)
    }

    /// A command of these lines.
    fn script(name: &str, lines: &str) -> Self {
        let file = Self::new(name, &format!("#!/bin/sh\n{lines}\n"));
        fs::set_permissions(&file.0, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Starts a program that runs beside the test.
fn start(line: &str) -> Child {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(20));
    }
}

/// The weight of the service's destination of this endpoint, if it is there.
fn weight(client: &mut Client, endpoint: &str) -> Option<Weight> {
    let entry = client.destination(&key(), endpoint.parse().unwrap()).unwrap();
    entry.map(|entry| entry.destination.weight())
}

#[test]
fn every_example_tells_how_it_is_used() {
    let netns = Netns::new();
    for line in [
        "apply",
        "apply --help",
        "apply --yes",
        "apply a b",
        "define --help",
        "define 10.0.0.1:80 --help",
        "drain --help",
        "drain 10.0.0.1:80 192.168.0.1:80 soon",
        "exporter",
        "exporter --help",
        "exporter 9108 a b",
        "health --help",
        "health 10.0.0.1:80 192.168.0.9:80 1 /bin/true",
        "health 10.0.0.1:80 192.168.0.9:80 1 /bin/true --help",
        "keepalived-like --help",
        "keepalived-like prodution",
        "snapshot --help",
    ] {
        let output = netns.try_run(&format!("/bin/{line}"), "");
        let (name, _) = line.split_once(' ').unwrap_or((line, ""));
        let message = text(&output.stderr);
        assert!(!output.status.success(), "{line}");
        assert!(
            message.lines().any(|told| told.starts_with(&format!("usage: {name}"))),
            "{message}"
        );
    }
    assert_eq!(netns.client().services().unwrap(), []);
}

/// As people read it, not as programmers do.
#[test]
fn an_error_of_an_example_is_a_sentence() {
    let netns = Netns::new();
    netns.client().add_service(&Service::new(key())).unwrap();
    let output = netns.try_run("/bin/define", "");
    assert!(!output.status.success());
    let message = "add service tcp 10.0.0.1:80: already exists (EEXIST)\n";
    assert_eq!(text(&output.stderr), message);
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
    assert!(shown.starts_with("weight 0\ndrained\nEnter brings it back\n"), "{shown}");
    assert!(shown.ends_with("weight 10\nback\n"), "{shown}");
    assert_eq!(client.destinations(&key()).unwrap()[0].destination, server);
    // Nobody brings it back.
    let output = netns.try_run(drain, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(client.destinations(&key()).unwrap(), []);
    let output = netns.try_run(drain, "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "the service has no such server\n");
}

#[test]
fn drain_fails_if_another_gives_the_server_a_weight_meanwhile() {
    let netns = Netns::new();
    netns.run("/sbin/ip addr add 10.0.0.1/32 dev lo");
    let _listener = TcpListener::bind(("127.0.0.1", 8080)).unwrap();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    let server = Destination::new("127.0.0.1:8080".parse().unwrap());
    client.add_destination(&key(), &server).unwrap();
    let _connection = TcpStream::connect(("10.0.0.1", 80)).unwrap();
    let drain = start("/bin/drain 10.0.0.1:80 127.0.0.1:8080 600");
    wait_until(|| weight(&mut client, "127.0.0.1:8080") == Some(Weight::ZERO));
    client.set_weight(&key(), server.endpoint(), Weight::from(7)).unwrap();
    let output = drain.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = "left alone: another gave the server weight 7\n";
    assert_eq!(text(&output.stderr), told);
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

/// A server that answers so many times, and then no more; not after this is dropped.
struct Server {
    thread: Option<thread::JoinHandle<()>>,
    ended: Arc<AtomicBool>,
}

impl Server {
    fn start(times: u32) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 8080)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        let thread = thread::spawn(move || {
            let mut left = times;
            while left > 0 && !end.load(Ordering::Relaxed) {
                let Ok((mut stream, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                };
                let _ = stream.read(&mut [0; 64]);
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
                left -= 1;
            }
        });
        Self { thread: Some(thread), ended }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

#[test]
fn health_takes_a_server_out_that_fails_and_has_the_sorry_server_in_before() {
    let netns = Netns::new();
    let _server = Server::start(4);
    // As after a restart: one that is in the pool and answers nobody is no reason
    // to take the sorry server out.
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    client.add_destination(&key(), &Destination::new("127.0.0.2:80".parse().unwrap())).unwrap();
    client.add_destination(&key(), &Destination::new("127.0.0.3:80".parse().unwrap())).unwrap();
    let output =
        netns.run("/bin/health 10.0.0.1:80 127.0.0.2:80 8 /bin/touch 127.0.0.1:8080 127.0.0.3:80");
    assert_eq!(
        output,
        "127.0.0.1:8080 is up\nsorry server out\n127.0.0.3:80 is down\nsorry server in\n\
         127.0.0.1:8080 is down\n"
    );
    let left: Vec<String> = client
        .destinations(&key())
        .unwrap()
        .iter()
        .map(|entry| entry.destination.endpoint().to_string())
        .collect();
    assert_eq!(left, ["127.0.0.2:80"]);
    // The command was run for the server.
    for host in ["127.0.0.1", "127.0.0.3"] {
        fs::remove_file(host).unwrap();
    }
}

#[test]
fn health_leaves_a_service_as_it_is_and_gives_a_server_what_it_had() {
    let netns = Netns::new();
    let mut client = netns.client();
    let service = Service::new(key())
        .with_scheduler(Scheduler::Wrr)
        .with_persistence(Persistence::seconds(60));
    let server = Destination::new("127.0.0.1:8080".parse().unwrap()).with_weight(5.into());
    client.add_service(&service).unwrap();
    client.add_destination(&key(), &server).unwrap();
    let mut health = start("/bin/health 10.0.0.1:80 127.0.0.2:80 1000 /bin/true 127.0.0.1:8080");
    wait_until(|| weight(&mut client, "127.0.0.1:8080").is_none());
    assert_eq!(weight(&mut client, "127.0.0.2:80"), Some(Weight::ONE));
    let _server = Server::start(u32::MAX);
    wait_until(|| weight(&mut client, "127.0.0.2:80").is_none());
    assert_eq!(client.service(&key()).unwrap().unwrap().service, service);
    assert_eq!(client.destinations(&key()).unwrap()[0].destination, server);
    health.kill().unwrap();
    health.wait().unwrap();
}

#[test]
fn health_goes_on_after_an_error() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    let _server = Server::start(u32::MAX);
    let mut health = start("/bin/health 10.0.0.1:80 127.0.0.2:80 1000 /bin/true 127.0.0.1:8080");
    wait_until(|| weight(&mut client, "127.0.0.1:8080").is_some());
    client.delete_service(&key()).unwrap();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(health.try_wait().unwrap(), None);
    client.add_service(&Service::new(key())).unwrap();
    wait_until(|| weight(&mut client, "127.0.0.1:8080").is_some());
    health.kill().unwrap();
    let output = health.wait_with_output().unwrap();
    let message = text(&output.stderr);
    assert!(message.contains("no such virtual service (ESRCH)"), "{message}");
}

#[test]
fn health_goes_on_without_a_command_that_cannot_be_run() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    client.add_destination(&key(), &Destination::new("127.0.0.3:80".parse().unwrap())).unwrap();
    let output = netns.try_run("/bin/health 10.0.0.1:80 127.0.0.2:80 4 /bin/none 127.0.0.3:80", "");
    assert!(output.status.success(), "{output:?}");
    let message = text(&output.stderr);
    assert_eq!(message, "/bin/none 127.0.0.3: No such file or directory (os error 2)\n");
}

/// One ends at once and one never does.
#[test]
fn health_waits_for_its_commands_and_ends_those_that_take_too_long() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    for server in ["127.0.0.3:80", "127.0.0.4:80"] {
        client.add_destination(&key(), &Destination::new(server.parse().unwrap())).unwrap();
    }
    let command = File::script(
        "restart",
        "case $1 in 127.0.0.3) exit 3 ;; *) echo $$ > /restart.pid; exec sleep 1000 ;; esac",
    );
    let line =
        format!("/bin/health 10.0.0.1:80 127.0.0.2:80 8 {} 127.0.0.3:80 127.0.0.4:80", command.0);
    let begun = Instant::now();
    let health = start(&line);
    let pid = File("/restart.pid".to_owned());
    wait_until(|| fs::read_to_string(&pid.0).is_ok_and(|pid| pid.ends_with('\n')));
    let sleeping: u32 = fs::read_to_string(&pid.0).unwrap().trim().parse().unwrap();
    wait_until(|| children(health.id()) == [sleeping]);
    let output = health.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(!fs::exists(format!("/proc/{sleeping}")).unwrap());
    let name = &command.0;
    assert_eq!(
        text(&output.stderr),
        format!("{name} 127.0.0.3: exit status: 3\n{name} 127.0.0.4: killed after 10s\n")
    );
}

/// The processes that this one has started and not waited for.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    ids.filter(|id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // After the name: the state, the parent.
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        fields.split(' ').nth(1) == Some(&parent.to_string())
    })
    .collect()
}
