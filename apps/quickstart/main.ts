import { ProcessKeeper } from './keeper';
import { launch } from './launcher';

const [role, rosterFile] = process.argv.slice(2);

if (role === 'keeper' && rosterFile !== undefined) {
  new ProcessKeeper(rosterFile).run();
} else {
  // Something that still waits, such as a connection, must not hold up a finished stop.
  void launch(__filename, process.env).then((code) => process.exit(code));
}
