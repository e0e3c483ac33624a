import { runAdmin } from './admin.program';

// Whoever reads the output may stop early, as `head` does; that is no fault of the command.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

runAdmin(process.argv.slice(2), process).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    // As an uncaught exception, which is printed and ends the process with code 1.
    setImmediate(() => {
      throw error;
    });
  },
);
