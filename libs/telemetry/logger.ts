import pino, { type DestinationStream, type Logger } from 'pino';
import type { Settings } from '#libs/config';

const SECRET_HEADERS = ['x-api-key', 'authorization', 'idempotency-key'];

/** Where a log line may contain headers: at the top level, in `headers`, and in `req.headers`. */
const SECRET_PATHS = SECRET_HEADERS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** Writes JSON lines to standard output, or to `destination`, with secret headers redacted. */
export function createLogger(level: Settings['logLevel'], destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null, // The collector of the log adds host and process.
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

/**
 * A logger without redaction, because redaction takes several times as long as the rest of writing a line. Only for the line of
 * each request, whose members are a fixed list without secrets.
 */
export function requestLogger(logger: Logger): Logger {
  return logger.child({}, { redact: { paths: [] } });
}
