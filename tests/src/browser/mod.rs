//! A real browser: Chromium, driven over a pipe by its own protocol, so without a port and without a driver beside it.
//! It ends with its pipe, however the test does. <https://chromedevtools.github.io/devtools-protocol/>

mod keys;
mod look;
mod process;
mod site;
mod tab;
mod wire;

pub use keys::Press;
pub use look::{Fault, Held, Scheme, library};
pub use process::Browser;
pub use site::Site;
pub use tab::Tab;
