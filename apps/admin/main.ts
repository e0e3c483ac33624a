import { runAdmin } from './admin.program';

void runAdmin(process.argv.slice(2), process).then((exitCode) => {
  process.exitCode = exitCode;
});
