// Loaded before a program of the quickstart. The channel to the quickstart closes when it ends, even by `kill -9`.
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
});
process.channel?.unref();
