import pino, { DestinationStream, Logger } from 'pino';
import { Settings } from '#libs/config';

const SECRET_HEADERS = ['x-api-key', 'authorization', 'idempotency-key'];

/** The places a secret header is looked for in what is logged: on top, in `headers`, and in `req.headers`. */
const SECRET_PATHS = SECRET_HEADERS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** JSON lines to standard output, or to `destination`. Whatever is logged, the secret headers are not. */
export function createLogger(level: Settings['logLevel'], destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null, // every platform that collects the lines adds host and process itself
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

/**
 * The same without looking for secrets, which takes several times as long as the rest of writing a line. For the one line of
 * every request, whose members are all named where it is made.
 */
export function requestLogger(logger: Logger): Logger {
  return logger.child({}, { redact: { paths: [] } });
}
