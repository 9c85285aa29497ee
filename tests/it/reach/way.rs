//! A way to a hub by TCP that a test can cut, shut, stall, narrow and break in one direction.
//!
//! Bytes of one TCP connection cannot come in another order or twice; so that is nothing a way can do. What a hub gone
//! wrong can do with its frames is in `broken`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use wheelhouse::{
    home::{Home, HomeOptions, Stay},
    remote::{Address, Patience, Remote},
};

use crate::harness::House;

/// What a narrow way carries at a time, and how long it rests after that.
const NARROW_BYTES: usize = 1 << 10;
const NARROW_PAUSE: Duration = Duration::from_millis(10);
const WIDE_BYTES: usize = 64 << 10;

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    All,
    /// Nothing, for now; nobody is told.
    Nothing,
    /// Little at a time.
    Little,
}

/// What a connection that is open suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Cut,
    /// Nothing comes from the hub any more, nothing goes to it, or both; and no end of it is ever told.
    Dead {
        down: bool,
        up: bool,
    },
}

pub struct Way {
    pub address: SocketAddr,
    carries: watch::Sender<Carries>,
    blow: watch::Sender<Blow>,
    shut: watch::Sender<bool>,
}

impl Way {
    pub async fn to(socket: PathBuf) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (carries, blow) = (watch::Sender::new(Carries::All), watch::Sender::new(Blow::Cut));
        let shut = watch::Sender::new(false);
        let (carrying, blows, is_shut) = (carries.subscribe(), blow.clone(), shut.subscribe());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *is_shut.borrow() {
                    continue;
                }
                tokio::spawn(carry(near, socket.clone(), carrying.clone(), blows.subscribe()));
            }
        });
        Way { address, carries, blow, shut }
    }

    pub fn home(&self, house: &House) -> Home {
        Home::new(HomeOptions {
            data_dir: house.dir.path().join("face"),
            unsafe_filesystem: false,
            hub_name: "face".into(),
            clock: house.clock.clone(),
            retention: wheelhouse::store::Retention::default(),
            sampling: Default::default(),
            stay: Stay::Verb,
            jobs: wheelhouse::hub::JobOptions::default(),
            hub: Some(self.hub()),
            reach: Default::default(),
        })
    }

    /// The hub at its other end, for a client that waits so long.
    pub fn remote(&self, patience: Patience) -> Remote {
        Remote::at(self.hub()).unwrap().with_patience(patience)
    }

    fn hub(&self) -> Address {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub fn cut(&self) {
        self.blow.send_replace(Blow::Cut);
    }

    /// What is open now stays open and is dead in these directions; what is opened later is not.
    pub fn kill(&self, down: bool, up: bool) {
        self.blow.send_replace(Blow::Dead { down, up });
    }

    pub fn carry(&self, carries: Carries) {
        self.carries.send_replace(carries);
    }

    /// What is open is cut, and nobody comes through until it is opened.
    pub fn shut(&self, shut: bool) {
        self.shut.send_replace(shut);
        self.cut();
    }
}

/// What of one connection is alive.
#[derive(Debug, Clone, Copy)]
struct Alive {
    down: bool,
    up: bool,
}

async fn carry(
    near: TcpStream,
    socket: PathBuf,
    carries: watch::Receiver<Carries>,
    mut blows: watch::Receiver<Blow>,
) {
    let Ok(far) = UnixStream::connect(socket).await else { return };
    let alive = watch::Sender::new(Alive { down: true, up: true });
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let down = direction(far_in, near_out, carries.clone(), alive.subscribe(), |alive| alive.down);
    let up = direction(near_in, far_out, carries, alive.subscribe(), |alive| alive.up);
    let carried = async {
        tokio::join!(down, up);
    };
    tokio::pin!(carried);
    loop {
        tokio::select! {
            () = &mut carried => return,
            blow = blows.changed() => {
                let Ok(()) = blow else { return };
                match *blows.borrow_and_update() {
                    Blow::Cut => return,
                    Blow::Dead { down, up } => alive.send_modify(|alive| {
                        alive.down &= !down;
                        alive.up &= !up;
                    }),
                }
            }
        }
    }
}

/// Carries until the sender's end, or for good where the direction died.
async fn direction(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut carries: watch::Receiver<Carries>,
    mut alive: watch::Receiver<Alive>,
    lives: fn(Alive) -> bool,
) {
    let mut bytes = vec![0; WIDE_BYTES];
    loop {
        let at_once = if *carries.borrow() == Carries::Little { NARROW_BYTES } else { WIDE_BYTES };
        let Ok(count @ 1..) = from.read(&mut bytes[..at_once]).await else { break };
        if carries.wait_for(|carries| *carries != Carries::Nothing).await.is_err() {
            break;
        }
        if !lives(*alive.borrow_and_update()) {
            // What dies tells nobody: no end is passed on either.
            std::future::pending::<()>().await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
        if *carries.borrow() == Carries::Little {
            tokio::time::sleep(NARROW_PAUSE).await;
        }
    }
    if !lives(*alive.borrow()) {
        std::future::pending::<()>().await;
    }
    // The other end hears that it is over; one that is gone need not.
    drop(to.shutdown().await);
}
