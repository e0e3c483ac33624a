import { runAdmin } from './admin.program';

// The reader of the output may close it early, as `head` does. That is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

runAdmin(process.argv.slice(2), process).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    // Thrown outside of the promise: an uncaught exception, which is printed and ends the process with code 1.
    setImmediate(() => {
      throw error;
    });
  },
);
