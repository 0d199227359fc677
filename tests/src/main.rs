//! The simulated cloud as a program: the demonstration drives it.

mod cli;

fn main() -> anyhow::Result<()> {
    cli::main()
}
