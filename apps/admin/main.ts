import { runAdmin } from './admin.program';

// Whoever reads the output may stop early, as `head` does; that is no fault of the command.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runAdmin(process.argv.slice(2), process).then((exitCode) => {
  process.exitCode = exitCode;
});
