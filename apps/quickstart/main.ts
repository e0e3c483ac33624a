import { launch } from './launcher';

launch(process.env).then(
  // Exits although something may still wait, such as a start that was interrupted.
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    // Thrown outside of the promise: an uncaught exception, which is printed and ends the process with code 1.
    setImmediate(() => {
      throw error;
    });
  },
);
