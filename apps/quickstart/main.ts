import { ProcessSupervisor } from './keeper';
import { launch } from './launcher';

const [role, pidFilePath] = process.argv.slice(2);

if (role === 'keeper' && pidFilePath !== undefined) {
  new ProcessSupervisor(pidFilePath).run();
} else {
  // Something that still waits, such as a connection, must not hold up a finished stop.
  launch(__filename, process.env).then(
    (code) => process.exit(code),
    (error: unknown) => {
      // As an uncaught exception, which is printed and ends the process with code 1.
      setImmediate(() => {
        throw error;
      });
    },
  );
}
