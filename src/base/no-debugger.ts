// Each process of ours imports this first. Node opens its debugger, a port without a password, at a SIGUSR1
// that nobody listens to (Node's documentation of signal events), and a signal to every process of a job or
// of a user reaches ours, too. `--disable-sigusr1` would do the same; Node 22.14 is the first that knows it.
process.on("SIGUSR1", () => {});
