//! Waiting for something asynchronous where a source may only block.

use std::thread;

use tokio::runtime;

/// What `future` comes to, on a runtime and a thread of its own: whoever asks a source may be in another runtime.
pub(crate) fn run<T: Send>(future: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    let run = || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(future)
    };
    let ran = thread::scope(|scope| scope.spawn(run).join());
    ran.unwrap_or_else(|_| Err("its thread failed".to_owned()))
}
